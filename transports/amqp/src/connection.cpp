#include "connection.hpp"

#include <utility>

namespace waybill::amqp {

asio::awaitable<Result<void>> AmqpConnection::open(ConnectionSink& sink) {
  if (is_closed_) co_return Error(errc::closed, "the connection was closed", End::rejected);
  if (link_) link_->close();
  const auto link = link_ = std::make_shared<ConnectionLink>(environment_, options_, registry_);
  const auto was_open = was_open_;
  Result<void> opened = co_await ConnectionLink::open(link, sink, !*was_open);
  if (opened)
    *was_open = true;
  else
    link->close();
  co_return opened;
}

asio::awaitable<void> AmqpConnection::flush() {
  if (const auto link = link_) co_await ConnectionLink::flush(link);
}

void AmqpConnection::close() {
  is_closed_ = true;
  if (link_) link_->close();
}

}  // namespace waybill::amqp
