#include "waybill/service.hpp"

#include "config/listener_names.hpp"
#include "middleware/configured.hpp"
#include "observers.hpp"
#include "service/service_core.hpp"

#include <asio/bind_cancellation_slot.hpp>
#include <asio/co_spawn.hpp>

#include <algorithm>
#include <optional>

namespace waybill {

Service::Service(Config config, std::shared_ptr<const Registry> registry)
    : core_(std::make_shared<Core>(std::nullopt, std::move(config), std::move(registry))) {}

Service::Service(asio::any_io_executor executor, Config config, std::shared_ptr<const Registry> registry)
    : core_(std::make_shared<Core>(std::move(executor), std::move(config), std::move(registry))) {}

Service::~Service() { close(); }

void Service::add(const Pattern& pattern, std::shared_ptr<detail::Handler> handler, bool is_request,
                  const std::vector<std::size_t>* places) {
  core_->require_not_started("handlers");
  std::vector<detail::RouteTable*> tables;
  for (std::size_t i = 0; i < core_->parts().tables.size(); ++i) {
    if (!places || std::find(places->begin(), places->end(), i) != places->end()) {
      tables.push_back(&core_->parts().tables[i]);
    }
  }
  for (const detail::RouteTable* table : tables) table->check(pattern, is_request);  // all or none
  for (detail::RouteTable* table : tables) table->add(pattern, handler, is_request);
}

Service::Listeners Service::at(const std::vector<std::string>& names) {
  if (names.empty()) throw Error(errc::invalid_config, "at() needs the name of a listener", End::rejected);
  std::vector<std::size_t> places;
  for (const std::string& name : names) places.push_back(detail::find_listener(core_->config(), name).value());
  return Listeners(*this, std::move(places));
}

Service& Service::use(Middleware middleware) {
  core_->require_not_started("use()");
  detail::require_side(middleware, Context::Side::service);
  core_->parts().middleware.push_back(std::move(middleware));
  return *this;
}

Service& Service::log_to(LogSink sink) {
  core_->require_not_started("log_to()");
  core_->parts().log = Log(std::move(sink), level_of(core_->config().log_level));
  return *this;
}

Service& Service::log_to(LogRecordSink sink) {
  core_->require_not_started("log_to()");
  core_->parts().log = Log(std::move(sink), level_of(core_->config().log_level));
  return *this;
}

Service& Service::observe(std::shared_ptr<Observer> observer) {
  core_->require_not_started("observe()");
  core_->parts().observer = detail::together(core_->parts().observer, std::move(observer));
  return *this;
}

Service& Service::metrics_to(MetricSink sink) {
  core_->require_not_started("metrics_to()");
  core_->parts().metrics = std::move(sink);
  return *this;
}

int Service::run() { return core_->run(); }

void Service::start_then(Done<void> done, std::shared_ptr<asio::cancellation_signal> cancel) {
  if (core_->owns_loops()) {
    throw Error(errc::invalid_config,
                "start() belongs to a service on a host's executor: with loops of its own call run()", End::rejected);
  }
  spawn(core_->start(), std::move(done), std::move(cancel));
}

void Service::drain_then(std::chrono::milliseconds limit, Done<DrainReport> done,
                         std::shared_ptr<asio::cancellation_signal> cancel) {
  spawn(core_->drain(limit), std::move(done), std::move(cancel));
}

template <class T, class Value>
void Service::spawn(asio::awaitable<Value> work, Done<T> done, std::shared_ptr<asio::cancellation_signal> cancel) {
  const asio::cancellation_slot slot = cancel ? cancel->slot() : asio::cancellation_slot();
  auto end = [core = core_, done = std::move(done), cancel = std::move(cancel)](std::exception_ptr thrown,
                                                                                Value outcome) mutable {
    Result<T> result = thrown ? Result<T>(detail::error_from_handler(thrown, Packet(), core->parts().log))
                              : Result<T>(std::move(outcome));
    done(std::move(result));
  };
  asio::co_spawn(executor(), std::move(work), asio::bind_cancellation_slot(slot, std::move(end)));
}

void Service::stop() { core_->stop(); }
void Service::close() { core_->close(); }
asio::any_io_executor Service::executor() const { return core_->executor(); }

std::vector<std::string> Service::addresses() const {
  std::vector<std::string> addresses;
  for (const auto& host : core_->hosts()) addresses.push_back(host->address());
  return addresses;
}

std::vector<std::string> Service::describe() const {
  std::vector<std::string> lines;
  for (const auto& host : core_->hosts()) lines.push_back(host->describe());
  return lines;
}

std::vector<ListenerState> Service::listeners() const { return core_->listeners(); }
std::chrono::milliseconds Service::handler_pool_waits() const {
  const auto& pool = core_->parts().handler_pool;
  return pool ? pool->waits() : std::chrono::milliseconds(0);
}

ServiceStats Service::stats() const { return core_->stats(); }

}  // namespace waybill
