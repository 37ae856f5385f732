// A delivery that an observer is told of.
#pragma once

#include "service/route_table.hpp"
#include "waybill/detail/clock.hpp"
#include "waybill/observer.hpp"
#include "waybill/transport/transport.hpp"

#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>

namespace waybill::detail {

/// Stands between one delivery and its source, and tells of its settlement. Exists where there is an observer, and no longer
/// than its delivery.
///
/// Threads: on the listener's loop.
class ObservedDelivery final : public DeliverySource {
 public:
  /// Tells that it came. `entry`: null if nobody handles it; it and `url` outlive the delivery. `traces`: the observer does.
  static void begin(const std::shared_ptr<Observer>& observer, std::string_view url, const RouteEntry* entry,
                    std::uint64_t number, TimePoint now, bool traces, Delivery& delivery);
  /// Of a delivery that began.
  static const ObservedDelivery& of(const Delivery& delivery) noexcept {
    return static_cast<const ObservedDelivery&>(delivery.source());
  }
  /// The step of a trace that the observer has made of it; null: none.
  const TraceContext* step() const noexcept { return step_ ? &*step_ : nullptr; }
  void handled(const Error* error, TimePoint now) const noexcept;

  void reply(const Delivery& delivery, const Packet& packet) override;
  void settle(const Delivery& delivery, Settlement settlement) override;
  void park(const Delivery& delivery, ParkDone done) override { source_.park(delivery, std::move(done)); }
  void add_delivery() noexcept override {}
  void drop_delivery() noexcept override;

  // Made and ended for each message, on one thread: some blocks are kept for the next ones.
  static void* operator new(std::size_t size);
  static void operator delete(void* block) noexcept;

  void hold_bytes(std::ptrdiff_t by) noexcept override { source_.hold_bytes(by); }
  void delivery_waits(bool on) noexcept override { source_.delivery_waits(on); }
  bool is_congested() const noexcept override { return source_.is_congested(); }
  bool is_connected() const noexcept override { return source_.is_connected(); }
  bool is_awaited(const Delivery& delivery) const noexcept override { return source_.is_awaited(delivery); }

 private:
  ObservedDelivery(DeliverySource& source, const std::shared_ptr<Observer>& observer, const ObservedMessage& message,
                   TimePoint now) noexcept
      : source_(source), observer_(observer), message_(message), began_(now) {}
  ~ObservedDelivery() = default;

  DeliverySource& source_;
  std::shared_ptr<Observer> observer_;
  ObservedMessage message_;
  TimePoint began_;
  std::optional<TraceContext> step_;
};

}  // namespace waybill::detail
