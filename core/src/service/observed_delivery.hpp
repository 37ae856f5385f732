// A delivery that an observer is told of.
#pragma once

#include "service/route_table.hpp"
#include "waybill/detail/clock.hpp"
#include "waybill/observer.hpp"
#include "waybill/transport/transport.hpp"

#include <memory>
#include <optional>
#include <string_view>

namespace waybill::detail {

/// Tells of one delivery what becomes of it. Exists where there is an observer, and goes with its delivery.
///
/// Threads: on the listener's loop.
class ObservedDelivery {
 public:
  /// Tells of it: it came. `entry`: null if nobody handles it. `entry` and `url` outlive the delivery.
  void begin(const std::shared_ptr<Observer>& observer, std::string_view url, const RouteEntry* entry,
             std::uint64_t number, TimePoint now, const Delivery& delivery);
  /// Asks the observer for a step of a trace.
  void trace(const Packet& packet);
  /// The step that it made; null: none.
  const TraceContext* step() const noexcept { return step_ ? &*step_ : nullptr; }

  void handled(const Error* error, TimePoint now) const noexcept {
    observer_->message_handled(message_, error, now - began_);
  }
  void replied(const Packet& reply) noexcept { message_.sent += reply.payload.size(); }
  void settled(const Delivery& delivery, Settlement settlement) const noexcept;

 private:
  std::shared_ptr<Observer> observer_;
  ObservedMessage message_{};
  TimePoint began_;
  std::optional<TraceContext> step_;
};

}  // namespace waybill::detail
