#include "listener.hpp"

namespace waybill::memory {

MemoryListener::MemoryListener(std::shared_ptr<Hub> hub, Environment environment, const Options& options)
    : environment_(std::move(environment)),
      name_(options.name),
      end_(std::make_shared<ServiceEnd>(std::move(hub), environment_.executor)) {
  end_->max_held = environment_.max_in_flight;
  end_->dead_letter = environment_.dead_letter;
  end_->wire = {options.wire, environment_.serializer};
}

asio::awaitable<Result<void>> MemoryListener::open(const Routes& routes, ListenerSink& sink) {
  for (const auto& route : routes) {
    if (!route.pattern.is_native()) continue;
    co_return Error(errc::unsupported,
                    "memory has no native patterns: '" + route.pattern.route() + "'; use * and ** instead",
                    waybill::End::rejected);
  }
  const auto end = end_;  // may outlive this listener while it waits
  co_await until_moving(end);
  const std::lock_guard lock(end->hub->mutex());
  if (end->is_closed) co_return Error(errc::closed, "the listener was closed", waybill::End::rejected);
  if (end->is_up) co_return Result<void>();
  end->sink = &sink;
  end->lost.reset();
  auto opened = end->hub->open_locked(*end, environment_.group, routes);
  if (opened && is_draining_) end->receiving = false;
  co_return opened;
}

void MemoryListener::stop_intake() {
  is_draining_ = true;
  end_->hub->set_receiving(*end_, false);
}

void MemoryListener::pause() { end_->hub->set_receiving(*end_, false); }

void MemoryListener::resume() {
  if (!is_draining_) end_->hub->set_receiving(*end_, true);
}

asio::awaitable<void> MemoryListener::flush() { co_await until_moving(end_); }

void MemoryListener::close() {
  end_->sink = nullptr;
  const std::lock_guard lock(end_->hub->mutex());
  if (!end_->is_closed) end_->hub->close_locked(*end_);
}

}  // namespace waybill::memory
