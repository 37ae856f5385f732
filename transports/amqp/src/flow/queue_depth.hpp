// How many messages wait in the queue of a listener, asked now and then.
#pragma once

#include "protocol/session.hpp"
#include "waybill/log.hpp"

#include <asio/any_io_executor.hpp>
#include <asio/steady_timer.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

namespace waybill::amqp {

/// Who wants to know; outlives the time from start() to stop().
class DepthHost {
 public:
  virtual void on_depth(std::uint64_t messages) = 0;

 protected:
  ~DepthHost() = default;
};

/// Looks for the queue (queue.declare, passive) on a channel of its own, which the broker closes if there is none.
///
/// Threads:  all on the executor.
/// Lifetime: the session outlives the time from start() to stop().
class QueueDepth : public std::enable_shared_from_this<QueueDepth> {
 public:
  QueueDepth(const asio::any_io_executor& executor, Log log, DepthHost& host)
      : log_(std::move(log)), host_(host), timer_(executor) {}

  /// Asks at once, and then so often; ends by itself where it is not allowed.
  void start(Session& session, ChannelId channel, std::string queue, std::chrono::seconds every);
  void stop();

 private:
  void ask();
  void answered(const Result<Method>& answer);

  Log log_;
  DepthHost& host_;
  asio::steady_timer timer_;
  Session* session_ = nullptr;
  ChannelId channel_ = 0;
  std::string queue_;
  std::chrono::seconds every_{};
};

}  // namespace waybill::amqp
