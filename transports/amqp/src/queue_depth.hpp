// How many messages wait in the queue of a listener, asked every second where somebody wants to know.
#pragma once

#include "session.hpp"
#include "waybill/log.hpp"
#include "waybill/transport/transport.hpp"

#include <asio/any_io_executor.hpp>
#include <asio/steady_timer.hpp>

#include <memory>
#include <string>

namespace waybill::amqp {

/// Looks for the queue (queue.declare, passive) on a channel of its own, which the broker closes if there is none.
///
/// Threads:  all on the executor.
/// Lifetime: the session outlives the time from start() to stop().
class QueueDepth : public std::enable_shared_from_this<QueueDepth> {
 public:
  /// `tell`: the figure "lag"; null: nothing is asked.
  QueueDepth(const asio::any_io_executor& executor, Log log, MetricSink tell)
      : log_(std::move(log)), tell_(std::move(tell)), timer_(executor) {}

  void start(Session& session, ChannelId channel, std::string queue);
  void stop();

 private:
  void ask();
  void answered(const Result<Method>& answer);

  Log log_;
  MetricSink tell_;
  asio::steady_timer timer_;
  Session* session_ = nullptr;
  ChannelId channel_ = 0;
  std::string queue_;
};

}  // namespace waybill::amqp
