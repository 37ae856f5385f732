#include "connection.hpp"

namespace waybill::kafka {

asio::awaitable<Result<void>> KafkaConnection::open(ConnectionSink& sink) {
  if (is_closed_) co_return Error(errc::closed, "the connection was closed", End::rejected);
  if (link_) link_->close();
  const auto link = link_ = std::make_shared<ConnectionLink>(environment_, options_, registry_);
  Result<void> opened = co_await link->open(sink);
  if (!opened) link->close();
  co_return opened;
}

asio::awaitable<void> KafkaConnection::flush() {
  const auto link = link_;
  if (link) co_await link->flush();
}

void KafkaConnection::close() {
  is_closed_ = true;
  if (link_) link_->close();
}

}  // namespace waybill::kafka
