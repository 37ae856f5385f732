#include "client/outbox.hpp"

#include "client/unconfirmed.hpp"

#include <algorithm>
#include <utility>

namespace waybill::detail {

void Outbox::add(const Packet& packet, Ticket ticket, CallKey key, TimePoint give_up) {
  entries_.push_back({packet.own(), ticket, key, give_up, next_++});
  bytes_ += weight(packet);
  earliest_ = entries_.size() == 1 ? give_up : std::min(earliest_, give_up);
}

Outbox::Entry Outbox::pop() {
  Entry first = std::move(entries_.front());
  entries_.pop_front();
  bytes_ -= weight(first.packet);
  return first;
}

std::optional<Outbox::Entry> Outbox::take(CallKey key) {
  const auto at = std::find_if(entries_.begin(), entries_.end(), [key](const Entry& one) {
    return one.ticket != 0 && one.key.slot == key.slot && one.key.generation == key.generation;
  });
  if (at == entries_.end()) return std::nullopt;
  std::optional<Entry> entry(std::move(*at));
  entries_.erase(at);
  bytes_ -= weight(entry->packet);
  return entry;
}

std::vector<Outbox::Entry> Outbox::take_late(TimePoint now) {
  std::vector<Entry> late;
  if (now < earliest()) return late;
  earliest_ = TimePoint::max();
  std::deque<Entry> rest;
  for (Entry& one : entries_) {
    if (one.give_up <= now) {
      bytes_ -= weight(one.packet);
      late.push_back(std::move(one));
    } else {
      earliest_ = std::min(earliest_, one.give_up);
      rest.push_back(std::move(one));
    }
  }
  entries_ = std::move(rest);
  return late;
}

std::vector<Outbox::Entry> Outbox::take_all() {
  std::vector<Entry> all(std::make_move_iterator(entries_.begin()), std::make_move_iterator(entries_.end()));
  entries_.clear();
  bytes_ = 0;
  return all;
}

}  // namespace waybill::detail
