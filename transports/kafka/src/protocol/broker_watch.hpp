// Whether a broker answers. librdkafka says when it has lost all of them, but neither when they are silent nor when they are
// back.
#pragma once

#include "protocol/admin.hpp"

#include <asio/steady_timer.hpp>

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace waybill::kafka {

/// Threads:  all on the executor.
/// Lifetime: close() before `admin` ends; after it nothing is told.
class BrokerWatch : public std::enable_shared_from_this<BrokerWatch> {
 public:
  /// Why no broker can be used; empty: one answers again. It may close the watch.
  using Tell = std::function<void(std::string_view reason)>;

  BrokerWatch(const asio::any_io_executor& executor, Admin& admin, const Options& options, Tell tell)
      : admin_(admin),
        interval_(options.ping_interval),
        timeout_(options.ping_timeout),
        tell_(std::move(tell)),
        timer_(executor) {}

  /// Asks every `ping_interval` from now on; two questions without an answer make them silent.
  void start();
  /// librdkafka has lost all of them.
  void note_lost(std::string_view reason);
  void close();

 private:
  void ask_after(std::chrono::milliseconds pause);
  void ask();
  void answered(const Result<void>& outcome);
  void down(const std::string& reason);

  Admin& admin_;
  std::chrono::milliseconds interval_;
  std::chrono::milliseconds timeout_;
  Tell tell_;
  asio::steady_timer timer_;
  int unanswered_ = 0;
  bool is_asking_ = false;
  bool is_down_ = false;
  bool is_closed_ = false;
};

}  // namespace waybill::kafka
