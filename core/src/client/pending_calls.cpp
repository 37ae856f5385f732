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

constexpr auto k_digit_pairs = [] {  // "00" to "ff"
  constexpr char k_digits[] = "0123456789abcdef";
  std::array<std::array<char, 2>, 256> pairs{};
  for (std::size_t i = 0; i < pairs.size(); ++i) pairs[i] = {k_digits[i / 16], k_digits[i % 16]};
  return pairs;
}();

/// Writes 32 bits as eight digits.
void write_hex(char* to, std::uint32_t bits) noexcept {
  for (int shift = 24; shift >= 0; shift -= 8, to += 2) std::memcpy(to, k_digit_pairs[bits >> shift & 0xff].data(), 2);
}

bool ends_call(const Packet& packet) noexcept { return packet.kind != PacketKind::value || packet.last; }

}  // namespace

CallKey PendingCalls::open(TimePoint deadline, const CallInfo& info) {
  if (first_free_ == UINT32_MAX) {
    if (slots_.size() == k_most) return {};
    Slot& added = slots_.emplace_back();
    first_free_ = static_cast<std::uint32_t>(slots_.size() - 1);
    added.generation = first_generation_;
    write_hex(added.id + k_id_length - 8, first_free_);  // its last five digits stay
  }
  const std::uint32_t index = first_free_;
  Slot& slot = slots_[index];
  first_free_ = slot.next_free;
  slot.is_open = true;
  slot.is_ended = false;
  slot.deadline = deadline;
  slot.counts = info.counts;
  slot.is_request = info.is_request;
  slot.stage = info.stage;
  slot.is_cut = info.route.size() > k_most_name;
  slot.name_length = static_cast<std::uint8_t>(slot.is_cut ? k_most_name : info.route.size());
  if (slot.name_length != 0) std::memcpy(slot.name, info.route.data(), slot.name_length);
  slot.timeout = info.timeout.count() < k_unlimited ? static_cast<std::uint32_t>(info.timeout.count()) : k_unlimited;
  count(slot, 1);
  const std::uint64_t bits = random_bits();
  write_hex(slot.id, static_cast<std::uint32_t>(bits >> 32));
  write_hex(slot.id + 8, static_cast<std::uint32_t>(bits));
  if (open_count_++ == 0 || deadline < earliest_) earliest_ = deadline;
  return CallKey{index, slot.generation};
}

Term PendingCalls::id(CallKey key) const noexcept {
  return is_open(key) ? Term{{slots_[key.slot].id, k_id_length}, false} : Term{};
}

bool PendingCalls::is_open(CallKey key) const noexcept {
  return key.slot < slots_.size() && slots_[key.slot].is_open && slots_[key.slot].generation == key.generation;
}

void PendingCalls::set_deadline(CallKey key, TimePoint deadline) noexcept {
  slots_[key.slot].deadline = deadline;
  earliest_ = std::min(earliest_, deadline);
}

std::string PendingCalls::name(CallKey key) const {
  const Slot& slot = slots_[key.slot];
  return '"' + std::string(slot.name, slot.name_length) + (slot.is_cut ? "...\"" : "\"");
}

std::chrono::milliseconds PendingCalls::timeout(CallKey key) const noexcept {
  const std::uint32_t timeout = slots_[key.slot].timeout;
  return timeout == k_unlimited ? std::chrono::milliseconds::max() : std::chrono::milliseconds(timeout);
}

bool PendingCalls::has_mail(CallKey key) const noexcept { return !is_open(key) || slots_[key.slot].mail; }

void PendingCalls::attach(CallKey key, ReplyHandler&& handler) {
  if (!is_open(key)) {
    const Error error(errc::overloaded, "more than 1048576 calls are waiting for replies", End::rejected);
    return call(handler, {nullptr, nullptr, &error, true});
  }
  // What comes while the handler is told is told after that.
  while (is_open(key) && slots_[key.slot].mail) {
    const std::unique_ptr<Mail> mail = std::move(slots_[key.slot].mail);
    if (slots_[key.slot].is_ended) release(key.slot);
    for (const Mail::Letter& letter : mail->letters) {
      call(handler, {letter.packet ? &*letter.packet : nullptr, letter.accepted ? &*letter.accepted : nullptr,
                     letter.error ? &*letter.error : nullptr, letter.is_final});
    }
  }
  if (is_open(key)) slots_[key.slot].handler = std::move(handler);
}

void PendingCalls::close(CallKey key) noexcept {
  if (is_open(key)) release(key.slot);
}

PendingCalls::Delivered PendingCalls::deliver(const Packet& packet) {
  const std::string_view id = packet.id.text;
  if (packet.id.is_json || id.size() != k_id_length) return Delivered::nobody;
  std::uint32_t index = 0;  // too large for the slots, or another's, where a character is no digit
  for (std::size_t i = 16; i < k_id_length; ++i) {
    index = index * 16 + k_digit_values[static_cast<unsigned char>(id[i])];
  }
  if (index >= slots_.size() || !slots_[index].is_open || slots_[index].is_ended ||
      std::memcmp(slots_[index].id, id.data(), k_id_length) != 0) {
    return Delivered::nobody;
  }
  const bool is_last = ends_call(packet);
  tell_slot(index, {&packet, nullptr, nullptr, is_last});
  return is_last ? Delivered::last : Delivered::more;
}

void PendingCalls::tell(CallKey key, const ReplyEvent& event) {
  if (is_open(key)) tell_slot(key.slot, event);
}

std::vector<CallKey> PendingCalls::open_calls() const {
  std::vector<CallKey> keys;
  for (std::uint32_t i = 0; i < slots_.size(); ++i) {
    if (slots_[i].is_open) keys.push_back({i, slots_[i].generation});
  }
  return keys;
}

std::vector<ReplyHandler> PendingCalls::take_waiters() {
  std::vector<ReplyHandler> waiters;
  for (Slot& slot : slots_) {
    if (slot.handler) waiters.push_back(std::move(slot.handler));
  }
  return waiters;
}

std::vector<CallKey> PendingCalls::expired(TimePoint now) {
  std::vector<CallKey> keys;
  if (now < earliest_) return keys;
  earliest_ = TimePoint::max();
  for (std::uint32_t i = 0; i < slots_.size(); ++i) {
    if (!slots_[i].is_open || slots_[i].is_ended) continue;
    if (slots_[i].deadline <= now) {
      keys.push_back({i, slots_[i].generation});
    } else if (slots_[i].deadline < earliest_) {
      earliest_ = slots_[i].deadline;
    }
  }
  return keys;
}

/// The sink may open calls, and so move the slots.
void PendingCalls::end(std::uint32_t index, const ReplyEvent& event) noexcept {
  Slot& slot = slots_[index];
  slot.is_ended = true;
  count(slot, -1);
  if (end_sink_ && slot.counts) end_sink_->call_ended({index, slot.generation}, event);
}

void PendingCalls::keep(std::uint32_t index, const ReplyEvent& event) {
  if (!slots_[index].mail) slots_[index].mail = std::make_unique<Mail>();
  Mail& mail = *slots_[index].mail;
  if (mail.letters.size() == k_most_letters || mail.bytes > k_most_letter_bytes) {
    const std::string count = std::to_string(mail.letters.size());
    const Error error(errc::overloaded, count + " replies came and nobody read them", End::unknown);
    if (!slots_[index].is_ended) end(index, {nullptr, nullptr, &error, true});
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

void PendingCalls::tell_slot(std::uint32_t index, const ReplyEvent& event) {
  if (slots_[index].is_ended) return;
  if (event.is_final) end(index, event);
  Slot& slot = slots_[index];
  if (!slot.handler) return keep(index, event);
  // The waiter may open calls, and so move the slots, or close this one.
  ReplyHandler handler = std::move(slot.handler);
  if (event.is_final) {
    release(index);
    return call(handler, event);
  }
  const CallKey key{index, slot.generation};
  call(handler, event);
  if (is_open(key)) slots_[index].handler = std::move(handler);
}

void PendingCalls::call(ReplyHandler& handler, const ReplyEvent& event) {
  try {
    handler(event);
  } catch (...) {
    if (!thrown_) throw;
    thrown_(std::current_exception());
  }
}

void PendingCalls::release(std::uint32_t index) noexcept {
  if (!slots_[index].is_ended) end(index, {});
  Slot& slot = slots_[index];
  slot.handler.reset();
  slot.mail.reset();
  slot.is_open = false;
  slot.generation = (slot.generation + 1) & ((1u << k_generation_bits) - 1);
  slot.next_free = first_free_;
  first_free_ = index;
  --open_count_;
}

}  // namespace waybill::detail
