// A librdkafka queue on an Asio loop: woken by a descriptor, drained in bounded batches.
#pragma once

#include "protocol/handle.hpp"

#include <asio/any_io_executor.hpp>
#include <asio/posix/stream_descriptor.hpp>

#include <functional>
#include <memory>

namespace waybill::kafka {

/// Calls `drain` on the executor whenever there may be something in the queue, until it says that there is nothing.
/// The descriptor is written only when the queue turns from empty to non-empty: a drain that stops early must say so.
///
/// Threads:  all members on the executor.
/// Lifetime: stop() before the queue's instance is destroyed; after it `drain` is not called.
class QueueWatch : public std::enable_shared_from_this<QueueWatch> {
 public:
  /// Takes a batch; true: there may be more.
  using Drain = std::function<bool()>;

  QueueWatch(const asio::any_io_executor& executor, Queue queue, Drain drain);
  ~QueueWatch();

  void start();
  void stop();
  /// Has the queue looked at again soon, whatever the descriptor says.
  void poke() noexcept;
  rd_kafka_queue_t* queue() const noexcept { return queue_.get(); }

 private:
  void arm();
  void run();
  Queue queue_;
  asio::posix::stream_descriptor wake_;
  Drain drain_;
  bool is_stopped_ = false;
};

/// Hands `use` every event that is in the queue now. `use` may stop the watch and end its owner.
template <class Use>
void use_events(const std::shared_ptr<QueueWatch> watch, Use use) {
  while (rd_kafka_queue_t* queue = watch->queue()) {
    const Event event(rd_kafka_queue_poll(queue, 0));
    if (!event) return;
    use(event.get());
  }
}

}  // namespace waybill::kafka
