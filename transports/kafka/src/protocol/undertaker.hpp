// Where librdkafka's instances end: beside the loop.
#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/execution_context.hpp>

#include <memory>

namespace waybill::kafka {

/// rd_kafka_destroy() joins librdkafka's threads, and those may be busy for as long as a broker is away: a frozen one holds
/// up a commit for socket.timeout.ms (60 s), a name server a lookup. So each instance ends on a short-lived thread of its
/// own, the only ones that waybill starts for Kafka.
///
/// Threads:  any.
/// Lifetime: its context's; that waits a little for what still ends, and then leaves it to the process.
class Undertaker final : public asio::execution_context::service {
 public:
  static asio::execution_context::id id;

  static Undertaker& of(const asio::any_io_executor& executor);
  explicit Undertaker(asio::execution_context& context);
  ~Undertaker() override;

  /// Lets go of the last reference to an instance.
  void take(std::shared_ptr<void> last);

 private:
  struct Ending;
  void shutdown() override {}
  std::shared_ptr<Ending> ending_;
};

}  // namespace waybill::kafka
