#include "client/pending_calls.hpp"

#include "random_bits.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace waybill::detail {

namespace {

/// The digits' values by character; 16: no digit.
constexpr auto k_digit_values = [] {
  std::array<std::uint8_t, 256> values{};
  values.fill(16);
  for (std::uint8_t i = 0; i < 10; ++i) values[static_cast<std::size_t>('0' + i)] = i;
  for (std::uint8_t i = 0; i < 6; ++i) values[static_cast<std::size_t>('a' + i)] = static_cast<std::uint8_t>(10 + i);
  return values;
}();

/// 64 random bits as sixteen digits, in an order of its own.
void write_hex(char* to, std::uint64_t bits) noexcept {
  using Words [[gnu::vector_size(16)]] = std::uint64_t;
  using Digits [[gnu::vector_size(16)]] = signed char;
  const auto values = reinterpret_cast<Digits>(Words{bits, bits >> 4} & 0x0f0f0f0f0f0f0f0f);
  const Digits digits = values + '0' + ((values > 9) & ('a' - '0' - 10));
  std::memcpy(to, &digits, sizeof digits);
}

bool ends_call(const Packet& packet) noexcept { return packet.kind != PacketKind::value || packet.last; }

}  // namespace

void PendingCalls::add_slot() {
  Slot& added = *slots_.emplace_back(std::make_unique<Slot>());
  added.index = static_cast<std::uint32_t>(slots_.size() - 1);
  added.generation = first_generation_;
  std::uint32_t left = added.index;
  for (std::size_t i = k_id_length; i > k_random_digits; left /= 16) added.id[--i] = "0123456789abcdef"[left % 16];
  first_free_ = &added;
}

CallKey PendingCalls::open(TimePoint deadline, const CallInfo& info) {
  if (!first_free_) {
    if (slots_.size() == k_most) return {};
    add_slot();
  }
  Slot& slot = *first_free_;
  first_free_ = slot.next_free;
  slot.is_open = true;
  slot.is_ended = false;
  slot.deadline = deadline;
  slot.counts = info.counts;
  slot.is_request = info.is_request;
  slot.stage = info.stage;
  slot.is_cut = info.route.size() > k_most_name;
  slot.name_length = static_cast<std::uint8_t>(slot.is_cut ? k_most_name : info.route.size());
  copy_bytes(slot.name, info.route.data(), slot.name_length);
  slot.timeout = info.timeout.count() < k_unlimited ? static_cast<std::uint32_t>(info.timeout.count()) : k_unlimited;
  count(slot, 1);
  write_hex(slot.id, random_bits());
  if (open_count_++ == 0 || deadline < earliest_) earliest_ = deadline;
  return CallKey{slot.index, slot.generation};
}

PendingCalls::Slot* PendingCalls::find(CallKey key) const noexcept {
  if (key.slot >= slots_.size()) return nullptr;
  Slot* const slot = slots_[key.slot].get();
  return slot->generation == key.generation ? slot : nullptr;
}

Term PendingCalls::id(CallKey key) const noexcept {
  const Slot* const slot = find(key);
  return slot ? Term{{slot->id, k_id_length}, false} : Term{};
}

void PendingCalls::set_deadline(CallKey key, TimePoint deadline) noexcept {
  slots_[key.slot]->deadline = deadline;
  earliest_ = std::min(earliest_, deadline);
}

std::string PendingCalls::name(CallKey key) const {
  const Slot& slot = *slots_[key.slot];
  return '"' + std::string(slot.name, slot.name_length) + (slot.is_cut ? "...\"" : "\"");
}

std::chrono::milliseconds PendingCalls::timeout(CallKey key) const noexcept {
  const std::uint32_t timeout = slots_[key.slot]->timeout;
  return timeout == k_unlimited ? std::chrono::milliseconds::max() : std::chrono::milliseconds(timeout);
}

bool PendingCalls::attach_quietly(CallKey key, ReplyHandler& handler) noexcept {
  Slot* const slot = find(key);
  if (!slot || slot->mail) return false;
  slot->handler = std::move(handler);
  return true;
}

void PendingCalls::attach(CallKey key, ReplyHandler&& handler) {
  if (!is_open(key)) {
    const Error error(errc::overloaded, "more than 1048576 calls are waiting for replies", End::rejected);
    return call(handler, {nullptr, nullptr, &error, true});
  }
  // What comes while the handler is told is told after that.
  while (!attach_quietly(key, handler) && is_open(key)) {
    Slot& slot = *slots_[key.slot];
    const std::unique_ptr<Mail> mail = std::move(slot.mail);
    if (slot.is_ended) release(slot);
    bool is_enough = false;
    for (const Mail::Letter& letter : mail->letters) {
      const ReplyEvent event{letter.packet ? &*letter.packet : nullptr, letter.accepted ? &*letter.accepted : nullptr,
                             letter.error ? &*letter.error : nullptr, letter.is_final};
      call(handler, event);
      is_enough = is_enough || event.is_enough;
    }
    if (is_enough && is_waiting(key) && given_up_) return given_up_(key);
  }
}

void PendingCalls::close(CallKey key) noexcept {
  if (Slot* const slot = find(key)) release(*slot);
}

PendingCalls::Delivered PendingCalls::deliver(const Packet& packet) {
  const std::string_view id = packet.id.text;
  if (packet.id.is_json || id.size() != k_id_length) return Delivered::nobody;
  std::uint32_t index = 0;  // too large for the slots, or another's, where a character is no digit
  for (std::size_t i = k_random_digits; i < k_id_length; ++i) {
    index = index * 16 + k_digit_values[static_cast<unsigned char>(id[i])];
  }
  if (index >= slots_.size()) return Delivered::nobody;
  Slot& slot = *slots_[index];
  if (!slot.is_open || slot.is_ended || std::memcmp(slot.id, id.data(), k_id_length) != 0) return Delivered::nobody;
  const bool is_last = ends_call(packet);
  tell_slot(slot, {&packet, nullptr, nullptr, is_last});
  return is_last ? Delivered::last : Delivered::more;
}

void PendingCalls::tell(CallKey key, const ReplyEvent& event) {
  if (Slot* const slot = find(key)) tell_slot(*slot, event);
}

std::vector<CallKey> PendingCalls::open_calls() const {
  std::vector<CallKey> keys;
  for (const auto& slot : slots_) {
    if (slot->is_open) keys.push_back({slot->index, slot->generation});
  }
  return keys;
}

std::vector<ReplyHandler> PendingCalls::take_waiters() {
  std::vector<ReplyHandler> waiters;
  for (const auto& slot : slots_) {
    if (slot->handler) waiters.push_back(std::move(slot->handler));
  }
  return waiters;
}

std::vector<CallKey> PendingCalls::expired(TimePoint now) {
  std::vector<CallKey> keys;
  if (now < earliest_) return keys;
  earliest_ = TimePoint::max();
  for (const auto& slot : slots_) {
    if (!slot->is_open || slot->is_ended) continue;
    if (slot->deadline <= now) {
      keys.push_back({slot->index, slot->generation});
    } else {
      earliest_ = std::min(earliest_, slot->deadline);
    }
  }
  return keys;
}

void PendingCalls::end(Slot& slot, const ReplyEvent& event) noexcept {
  slot.is_ended = true;
  count(slot, -1);
  if (end_sink_ && slot.counts) end_sink_->call_ended({slot.index, slot.generation}, event);
}

void PendingCalls::keep(Slot& slot, const ReplyEvent& event) {
  if (!slot.mail) slot.mail = std::make_unique<Mail>();
  Mail& mail = *slot.mail;
  if (mail.letters.size() == k_most_letters || mail.bytes > k_most_letter_bytes) {
    const std::string count = std::to_string(mail.letters.size());
    const Error error(errc::overloaded, count + " replies came and nobody read them", End::unknown);
    if (!slot.is_ended) end(slot, {nullptr, nullptr, &error, true});
    mail.letters.push_back({{}, {}, error, true});
    return;
  }
  if (event.packet) mail.bytes += event.packet->payload.size();
  Mail::Letter& letter = mail.letters.emplace_back();
  if (event.packet) letter.packet = event.packet->own();
  if (event.accepted) letter.accepted = *event.accepted;
  if (event.error) letter.error = *event.error;
  letter.is_final = event.is_final;
}

void PendingCalls::tell_slot(Slot& slot, const ReplyEvent& event) {
  if (slot.is_ended) return;
  if (event.is_final) end(slot, event);
  if (!slot.handler) return keep(slot, event);
  ReplyHandler handler = std::move(slot.handler);
  if (event.is_final) {
    release(slot);
    return call(handler, event);
  }
  const CallKey key{slot.index, slot.generation};
  call(handler, event);
  if (slot.generation != key.generation) return;  // the waiter has closed the call
  slot.handler = std::move(handler);
  if (event.is_enough && given_up_) given_up_(key);
}

void PendingCalls::call(ReplyHandler& handler, const ReplyEvent& event) {
  try {
    handler(event);
  } catch (...) {
    if (!thrown_) throw;
    thrown_(std::current_exception());
  }
}

void PendingCalls::release(Slot& slot) noexcept {
  if (!slot.is_ended) end(slot, {});
  slot.handler.reset();
  slot.mail.reset();
  slot.is_open = false;
  slot.generation = (slot.generation + 1) & ((1u << k_generation_bits) - 1);
  slot.next_free = first_free_;
  first_free_ = &slot;
  --open_count_;
}

}  // namespace waybill::detail
