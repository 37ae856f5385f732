#include "listener.hpp"

#include "waybill/transports/socket/dial.hpp"

namespace waybill::kafka {

asio::awaitable<Result<void>> KafkaListener::open(const Routes& routes, ListenerSink& sink) {
  if (is_closed_) co_return Error(errc::closed, "the listener was closed", End::rejected);
  if (link_ && link_->is_fenced()) {
    link_.reset();
    co_return Error(errc::invalid_config, k_fenced, End::rejected);
  }
  if (!link_ || !link_->is_joining()) {
    if (link_) link_->close();
    link_ = std::make_shared<ListenerLink>(environment_, options_, registry_);
  }
  const auto link = link_;
  Result<void> opened = co_await link->open(routes, sink);
  if (!opened && !link->is_joining()) link->close();
  co_return opened;
}

void KafkaListener::stop_intake() {
  if (link_) link_->stop_intake();
}

asio::awaitable<void> KafkaListener::flush() {
  const auto link = link_;
  if (link) co_await link->flush();
}

void KafkaListener::close() {
  is_closed_ = true;
  if (link_) link_->close();
  link_.reset();
}

std::string KafkaListener::address() const {
  return (options_.tls ? "kafkas://" : "kafka://") + socket::to_text(options_.hosts);
}

}  // namespace waybill::kafka
