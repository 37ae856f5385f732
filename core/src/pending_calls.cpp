#include "pending_calls.hpp"

#include <sys/random.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <random>

namespace waybill::detail {

namespace {

/// Two hexadecimal digits for each byte.
constexpr auto k_hex_pairs = [] {
  std::array<char, 512> pairs{};
  constexpr char k_digits[] = "0123456789abcdef";
  for (std::size_t i = 0; i < 256; ++i) {
    pairs[2 * i] = k_digits[i >> 4];
    pairs[2 * i + 1] = k_digits[i & 15];
  }
  return pairs;
}();

int hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

/// Writes `bytes` bytes of the value, most significant first.
void write_hex(char* to, std::uint64_t value, int bytes) noexcept {
  for (int i = bytes - 1; i >= 0; --i, value >>= 8) std::memcpy(to + 2 * i, &k_hex_pairs[2 * (value & 255)], 2);
}

bool ends_call(const Packet& packet) noexcept { return packet.kind != PacketKind::value || packet.last; }

}  // namespace

std::uint64_t random_bits() {
  thread_local std::array<std::uint64_t, 256> pool;
  thread_local std::size_t left = 0;
  if (left == 0) {
    char* at = reinterpret_cast<char*>(pool.data());
    std::size_t missing = sizeof(pool);
    while (missing > 0) {
      const ssize_t got = getrandom(at, missing, 0);
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) {  // a kernel without getrandom: the library's own source
        std::random_device device;
        for (auto& word : pool) word = (std::uint64_t{device()} << 32) | device();
        break;
      }
      at += got;
      missing -= static_cast<std::size_t>(got);
    }
    left = pool.size();
  }
  return pool[--left];
}

Result<CallKey> PendingCalls::open(TimePoint deadline) {
  if (first_free_ == UINT32_MAX) {
    if (slots_.size() == k_most) {
      return Error(errc::overloaded, "more than 1048576 calls are waiting for replies", End::rejected);
    }
    slots_.emplace_back();
    first_free_ = static_cast<std::uint32_t>(slots_.size() - 1);
  }
  const std::uint32_t index = first_free_;
  Slot& slot = slots_[index];
  first_free_ = slot.next_free;
  slot.is_open = true;
  slot.deadline = deadline;
  if (slot.generation == 0) {  // the slot's own digits never change; its first one overlaps the random part
    write_hex(slot.id + 15, index, 3);
  }
  write_hex(slot.id, random_bits(), 8);
  if (open_count_++ == 0 || deadline < earliest_) earliest_ = deadline;
  return CallKey{index, slot.generation};
}

Term PendingCalls::id(CallKey key) const noexcept {
  return is_open(key) ? Term{{slots_[key.slot].id, k_id_length}, false} : Term{};
}

bool PendingCalls::is_open(CallKey key) const noexcept {
  return key.slot < slots_.size() && slots_[key.slot].is_open && slots_[key.slot].generation == key.generation;
}

bool PendingCalls::has_mail(CallKey key) const noexcept { return is_open(key) && slots_[key.slot].mailbox; }

void PendingCalls::attach(CallKey key, ReplyHandler handler) {
  Slot& slot = slots_[key.slot];
  if (!slot.mailbox) {
    slot.handler = std::move(handler);
    return;
  }
  const std::shared_ptr<Mailbox> mailbox = std::move(slot.mailbox);
  if (mailbox->is_ended()) {
    release(key.slot);
  } else {
    slot.handler = [mailbox](const ReplyEvent& event) { mailbox->tell(event); };
  }
  mailbox->attach(std::move(handler));
}

void PendingCalls::close(CallKey key) noexcept {
  if (is_open(key)) release(key.slot);
}

PendingCalls::Delivered PendingCalls::deliver(const Packet& packet) {
  const std::string_view id = packet.id.text;
  if (packet.id.is_json || id.size() != k_id_length) return Delivered::nobody;
  std::uint32_t index = 0;
  for (std::size_t i = 16; i < k_id_length; ++i) {
    const int digit = hex_digit(id[i]);
    if (digit < 0) return Delivered::nobody;
    index = index * 16 + static_cast<std::uint32_t>(digit);
  }
  if (index >= slots_.size() || !slots_[index].is_open || std::memcmp(slots_[index].id, id.data(), k_id_length) != 0) {
    return Delivered::nobody;
  }
  const bool is_last = ends_call(packet);
  tell(index, {&packet, nullptr, nullptr, is_last});
  return is_last ? Delivered::last : Delivered::more;
}

void PendingCalls::fail(CallKey key, const Error& error) {
  if (is_open(key)) tell(key.slot, {nullptr, nullptr, &error, true});
}

std::size_t PendingCalls::fail_all(const Error& error) {
  const std::vector<CallKey> keys = open_calls();
  for (const CallKey key : keys) fail(key, error);
  return keys.size();
}

std::vector<CallKey> PendingCalls::open_calls() const {
  std::vector<CallKey> keys;
  for (std::uint32_t i = 0; i < slots_.size(); ++i) {
    if (slots_[i].is_open) keys.push_back({i, slots_[i].generation});
  }
  return keys;
}

std::vector<CallKey> PendingCalls::expired(TimePoint now) {
  std::vector<CallKey> keys;
  if (now < earliest_) return keys;
  earliest_ = TimePoint::max();
  for (std::uint32_t i = 0; i < slots_.size(); ++i) {
    if (!slots_[i].is_open) continue;
    if (slots_[i].deadline <= now) {
      keys.push_back({i, slots_[i].generation});
    } else if (slots_[i].deadline < earliest_) {
      earliest_ = slots_[i].deadline;
    }
  }
  return keys;
}

void PendingCalls::accept(CallKey key, const Accepted& accepted) {
  if (is_open(key)) tell(key.slot, {nullptr, &accepted, nullptr, true});
}

void PendingCalls::tell(std::uint32_t index, const ReplyEvent& event) {
  Slot& slot = slots_[index];
  if (!slot.handler) {  // not awaited yet
    if (!slot.mailbox) slot.mailbox = std::make_shared<Mailbox>();
    slot.mailbox->tell(event);
    if (event.is_final) slot.deadline = TimePoint::max();  // it ended in time; its waiter may come late
    return;
  }
  // The waiter may open calls, and so move the slots, or close this one.
  ReplyHandler handler = std::move(slot.handler);
  if (event.is_final) {
    release(index);
    handler(event);
    return;
  }
  const CallKey key{index, slot.generation};
  handler(event);
  if (is_open(key)) slots_[index].handler = std::move(handler);
}

void PendingCalls::release(std::uint32_t index) noexcept {
  Slot& slot = slots_[index];
  slot.handler.reset();
  slot.mailbox.reset();
  slot.is_open = false;
  slot.generation = (slot.generation + 1) & 0x7fffffff;  // fits into a Ticket beside its flag
  slot.next_free = first_free_;
  first_free_ = index;
  --open_count_;
}

}  // namespace waybill::detail
