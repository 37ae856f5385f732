#include "connection.hpp"

namespace waybill::memory {

MemoryConnection::MemoryConnection(std::shared_ptr<Hub> hub, Environment environment, bool wire)
    : environment_(std::move(environment)), end_(std::make_shared<ClientEnd>(std::move(hub), environment_.executor)) {
  end_->wire = {wire, environment_.serializer};
}

asio::awaitable<Result<void>> MemoryConnection::open(ConnectionSink& sink) {
  const auto end = end_;  // may outlive this connection while it waits
  co_await until_moving(end);
  const std::lock_guard lock(end->hub->mutex());
  if (end->is_closed) co_return Error(errc::closed, "the connection was closed", waybill::End::rejected);
  if (end->is_up) co_return Result<void>();
  end->sink = &sink;
  end->lost.reset();
  co_return end->hub->open_locked(*end);
}

void MemoryConnection::send(const Packet& packet, Ticket ticket) {
  auto carried = end_->wire.carry(packet, Direction::to_service);
  if (carried) {
    end_->hub->publish(*end_, *carried, ticket);
    return;
  }
  const std::lock_guard lock(end_->hub->mutex());
  end_->tell_sent_locked(ticket, carried.error());
}

void MemoryConnection::forget(Term id) { end_->hub->forget(*end_, id.text); }

asio::awaitable<void> MemoryConnection::flush() { co_await until_moving(end_); }

void MemoryConnection::close() {
  end_->sink = nullptr;
  const std::lock_guard lock(end_->hub->mutex());
  if (!end_->is_closed) end_->hub->close_locked(*end_);
}

}  // namespace waybill::memory
