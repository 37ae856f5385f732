#include "connection.hpp"

namespace waybill::redis {

asio::awaitable<Result<void>> RedisConnection::open(ConnectionSink& sink) {
  if (is_closed_) co_return Error(errc::closed, "the connection was closed", End::rejected);
  const bool was_met = link_ && link_->was_met();
  if (link_) link_->close();
  const socket::Ref<ConnectionLink> link(new ConnectionLink(environment_, options_, was_met));
  link_ = socket::Ref<ConnectionLink>(link.get());
  Result<void> opened = co_await link->open(sink);
  if (!opened) link->close();
  co_return opened;
}

asio::awaitable<void> RedisConnection::flush() {
  const socket::Ref<ConnectionLink> link(link_.get());
  if (link) co_await link->flush();
}

void RedisConnection::close() {
  is_closed_ = true;
  if (link_) link_->close();
}

}  // namespace waybill::redis
