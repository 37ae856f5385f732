// Deliveries whose handler failed, kept until they are to be delivered again.
#pragma once

#include "waybill/detail/clock.hpp"
#include "waybill/transport.hpp"

#include <asio/steady_timer.hpp>

#include <chrono>
#include <map>
#include <memory>

namespace waybill::detail {

/// Gives each delivery back (Settlement::retry) when its time has come. At most `most` wait: beyond it the one that is due
/// first goes at once, so that failing messages never keep others from being taken.
///
/// Threads: all on one executor. Lifetime: shared; what still waits at the end is given back.
class WaitingRetries : public std::enable_shared_from_this<WaitingRetries> {
 public:
  WaitingRetries(const asio::any_io_executor& executor, std::size_t most) : timer_(executor), most_(most) {}

  /// Takes ownership of all that the delivery sees.
  void add(Delivery&& delivery, std::chrono::milliseconds wait);
  /// All of them, now. Returns how many.
  std::size_t give_back();
  std::size_t size() const noexcept { return waiting_.size(); }

 private:
  void give_back_first();
  void watch();

  std::multimap<TimePoint, Delivery> waiting_;
  asio::steady_timer timer_;
  std::size_t most_;
};

}  // namespace waybill::detail
