#include "service/observed_delivery.hpp"

#include "service/packet_trace.hpp"

namespace waybill::detail {

void EndObserved::operator()(ObservedDelivery* observed) const noexcept { delete observed; }

void tell_replied(ObservedDelivery& observed, const Packet& reply) noexcept { observed.replied(reply); }

void tell_settled(ObservedDelivery& observed, const Delivery& delivery, Settlement settlement) noexcept {
  observed.settled(delivery, settlement);
}

void ObservedDelivery::begin(const std::shared_ptr<Observer>& observer, std::string_view url, const RouteEntry* entry,
                             std::uint64_t number, TimePoint now, const Delivery& delivery) {
  if (observer_ != observer) observer_ = observer;
  message_ = {url,
              entry ? std::string_view(entry->pattern.route()) : std::string_view(),
              delivery.packet.kind == PacketKind::request,
              number,
              delivery.attempt,
              entry ? entry->place : k_no_route,
              delivery.packet.payload.size()};
  began_ = now;
  step_.reset();
  observer->message_came(message_);
}

void ObservedDelivery::trace(const Packet& packet) {
  observer_->message_traced(message_, step_.emplace(trace_of(packet)));
}

void ObservedDelivery::settled(const Delivery& delivery, Settlement settlement) const noexcept {
  Fate fate = Fate::acknowledged;
  if (settlement == Settlement::retry) fate = Fate::retried;
  if (settlement == Settlement::reject) fate = Fate::dropped;
  if (settlement == Settlement::ack && delivery.failure) fate = Fate::parked;
  observer_->message_settled(message_, fate);
}

}  // namespace waybill::detail
