#include "client/unconfirmed.hpp"

namespace waybill::detail {

std::size_t weight(const Packet& packet) noexcept {
  return sizeof(Packet) + packet.payload.size() + packet.metadata.size() + packet.pattern.text.size() +
         packet.route.size();
}

Ticket Unconfirmed::add(const Packet& packet, std::optional<CallKey> caller) {
  const Ticket ticket = k_mark | (first_ + events_.size());
  bytes_ += weight(packet);
  ++size_;
  events_.push_back(Event{packet.own(), caller});
  return ticket;
}

Unconfirmed::Event* Unconfirmed::find(Ticket ticket) noexcept {
  const std::uint64_t number = ticket & ~(k_mark | k_failure_only);
  if (number < first_ || number - first_ >= events_.size()) return nullptr;
  auto& slot = events_[static_cast<std::size_t>(number - first_)];
  return slot ? &*slot : nullptr;
}

std::optional<Unconfirmed::Event> Unconfirmed::take(Ticket ticket) {
  Event* const found = find(ticket);
  if (!found) return std::nullopt;
  std::optional<Event> event(std::move(*found));
  const std::uint64_t number = ticket & ~(k_mark | k_failure_only);
  events_[static_cast<std::size_t>(number - first_)].reset();
  bytes_ -= weight(event->packet);
  --size_;
  while (!events_.empty() && !events_.front()) {
    events_.pop_front();
    ++first_;
  }
  return event;
}

std::vector<Ticket> Unconfirmed::tickets() const {
  std::vector<Ticket> kept;
  kept.reserve(size_);
  for (std::size_t i = 0; i < events_.size(); ++i) {
    if (events_[i]) kept.push_back(k_mark | (first_ + i));
  }
  return kept;
}

}  // namespace waybill::detail
