// Deliveries that core keeps on purpose: those whose handler failed, until they are to be delivered again, and those that
// their handler left.
#pragma once

#include "waybill/detail/clock.hpp"
#include "waybill/detail/unique_function.hpp"
#include "waybill/time.hpp"
#include "waybill/transport/transport.hpp"

#include <chrono>
#include <map>
#include <memory>
#include <vector>

namespace waybill::detail {

/// Gives each delivery back (Settlement::retry) when its time has come, and never before: being given back counts as an
/// attempt. When more than `most` wait, whoever brings them should stop to take messages until there is room again; what
/// was on its way then is kept as well. A carrier that keeps to `most` unsettled messages never brings it that far.
///
/// Threads: all on one executor. Lifetime: shared; what still waits at the end is given back.
class WaitingRetries : public std::enable_shared_from_this<WaitingRetries> {
 public:
  WaitingRetries(const asio::any_io_executor& executor, std::size_t most) : timer_(executor), most_(most) {}

  /// `call` is told after some were given back, when there is room again.
  void when_room(UniqueFunction<void()> call) { when_room_ = std::move(call); }

  /// Takes ownership of all that the delivery sees.
  void add(Delivery&& delivery, std::chrono::milliseconds wait);
  /// Keeps it until give_back() or drop(); it takes no room.
  void leave(Delivery&& delivery);
  /// All of them, now. Returns how many.
  std::size_t give_back();
  /// Forgets them all: their link is gone, and the other side will deliver them again by itself.
  void drop();

  std::size_t size() const noexcept { return waiting_.size(); }
  bool is_full() const noexcept { return waiting_.size() > most_; }

 private:
  void give_back_first();
  void watch();

  std::multimap<TimePoint, Delivery> waiting_;
  std::vector<Delivery> left_;
  Timer timer_;
  UniqueFunction<void()> when_room_;
  std::size_t most_;
};

}  // namespace waybill::detail
