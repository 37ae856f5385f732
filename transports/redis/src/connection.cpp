#include "connection.hpp"

namespace waybill::redis {

asio::awaitable<Result<void>> RedisConnection::open(ConnectionSink& sink) { return holder_.open(sink); }

}  // namespace waybill::redis
