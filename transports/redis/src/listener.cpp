#include "listener.hpp"

namespace waybill::redis {

asio::awaitable<Result<void>> RedisListener::open(const Routes& routes, ListenerSink& sink) {
  return holder_.open(routes, sink);
}

}  // namespace waybill::redis
