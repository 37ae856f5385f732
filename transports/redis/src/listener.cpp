#include "listener.hpp"

namespace waybill::redis {

asio::awaitable<Result<void>> RedisListener::open(const Routes& routes, ListenerSink& sink) {
  if (is_closed_) co_return Error(errc::closed, "the listener was closed", End::rejected);
  const bool was_met = link_ && link_->was_met();
  if (link_) link_->close();
  const socket::Ref<ListenerLink> link(new ListenerLink(environment_, options_, was_met));
  link_ = socket::Ref<ListenerLink>(link.get());
  Result<void> opened = co_await link->open(routes, sink);
  if (!opened) link->close();
  co_return opened;
}

asio::awaitable<void> RedisListener::flush() {
  const socket::Ref<ListenerLink> link(link_.get());
  if (link) co_await link->flush();
}

void RedisListener::close() {
  is_closed_ = true;
  if (link_) link_->close();
}

}  // namespace waybill::redis
