// Correlation id -> waiter and deadline. Late replies find nobody and are dropped.
#pragma once

#include "waybill/detail/call.hpp"
#include "waybill/detail/clock.hpp"

#include <cstdint>
#include <memory>
#include <vector>

namespace waybill::detail {

/// Calls that wait for replies, in slots of an array. The id on the wire is 64 random bits and the slot's number, as 21
/// hexadecimal digits (the length that NestJS uses): it cannot be guessed, and finding its slot is an array access.
///
/// Threads: one. A waiter may open, close and attach calls while it is told.
class PendingCalls {
 public:
  static constexpr std::uint32_t k_most = 1u << 20;

  /// Errors: overloaded.
  Result<CallKey> open(TimePoint deadline);
  /// The id on the wire; valid while the call is open and no other is opened.
  Term id(CallKey key) const noexcept;
  bool is_open(CallKey key) const noexcept;

  /// REQUIRES: is_open(key). Who is told; what came before is told at once.
  void attach(CallKey key, ReplyHandler handler);
  /// True when attach() would tell something.
  bool has_mail(CallKey key) const noexcept;
  /// Nobody will wait any more; a waiter is dropped untold.
  void close(CallKey key) noexcept;

  enum class Delivered { nobody, more, last };
  /// Tells the waiter of the packet's id. `nobody`: the id is unknown, late or forged.
  Delivered deliver(const Packet& packet);
  void accept(CallKey key, const Accepted& accepted);
  /// Ends one call or all of them with an error.
  void fail(CallKey key, const Error& error);
  /// Returns how many.
  std::size_t fail_all(const Error& error);
  std::vector<CallKey> open_calls() const;

  /// The calls whose deadline has passed; still open.
  std::vector<CallKey> expired(TimePoint now);
  /// No deadline is earlier than this (it may be too early itself); max() if nothing is open.
  TimePoint earliest() const noexcept { return open_count_ ? earliest_ : TimePoint::max(); }
  std::size_t size() const noexcept { return open_count_; }

 private:
  static constexpr std::size_t k_id_length = 21;
  struct Slot {
    char id[k_id_length];
    bool is_open = false;
    std::uint32_t generation = 0;
    std::uint32_t next_free = UINT32_MAX;
    TimePoint deadline;
    ReplyHandler handler;
    std::shared_ptr<Mailbox> mailbox;  // until a handler is attached
  };
  void tell(std::uint32_t index, const ReplyEvent& event);
  void release(std::uint32_t index) noexcept;

  std::vector<Slot> slots_;
  std::uint32_t first_free_ = UINT32_MAX;
  std::size_t open_count_ = 0;
  TimePoint earliest_ = TimePoint::max();
};

}  // namespace waybill::detail
