// Correlation id -> waiter and deadline. Late replies find nobody and are dropped.
#pragma once

#include "waybill/detail/call.hpp"
#include "waybill/detail/clock.hpp"

#include <atomic>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace waybill::detail {

/// How far a call has come, which decides what its end says.
enum class Stage : std::uint8_t {
  held,     ///< Nobody else has seen it: it ends as rejected.
  sent,     ///< Given to the link: perhaps taken.
  chained,  ///< It goes through middleware, which sends it as calls of their own; a lost link does not end it.
};

/// What errors say of a call. Without a count it is part of another, and stands in no statistics.
struct CallInfo {
  std::string_view route;
  std::chrono::milliseconds timeout{};
  bool is_request = true;
  bool counts = true;
  Stage stage = Stage::held;
};

/// Calls that wait for replies, in slots of an array. The id on the wire is 64 random bits and the slot's number, as 21
/// hexadecimal digits (the length that NestJS uses): it cannot be guessed, and finding its slot is an array access.
///
/// Threads: one, but for waiting(). A waiter may open, close and attach calls while it is told.
class PendingCalls {
 public:
  static constexpr std::uint32_t k_most = 1u << 20;
  /// Of a CallKey: they fit into a Ticket between its slot and its two flags.
  static constexpr unsigned k_generation_bits = 30;

  /// `thrown` takes what a waiter throws, so that the others are told all the same; without it, it is thrown on.
  /// `first_generation`: of every slot, for tests.
  using Thrown = UniqueFunction<void(std::exception_ptr)>;
  explicit PendingCalls(Thrown thrown = {}, std::uint32_t first_generation = 0)
      : thrown_(std::move(thrown)), first_generation_(first_generation) {}

  /// Takes what each call that counts ends with, before its waiter does; the call is still open.
  class EndSink {
   public:
    /// An empty event: nobody waited any more.
    virtual void call_ended(CallKey key, const ReplyEvent& event) noexcept = 0;

   protected:
    ~EndSink() = default;
  };
  void tell_ends_to(EndSink* sink) noexcept { end_sink_ = sink; }

  /// Not open where too many are: attach() to it tells errc::overloaded.
  CallKey open(TimePoint deadline, const CallInfo& info = CallInfo());
  /// The id on the wire; valid while the call is open and no other is opened.
  Term id(CallKey key) const noexcept;
  bool is_open(CallKey key) const noexcept { return find(key) != nullptr; }
  /// Open, and without an end so far: one that has ended may still wait for its waiter.
  bool is_waiting(CallKey key) const noexcept {
    const Slot* const slot = find(key);
    return slot && !slot->is_ended;
  }

  /// The call was given to the link. REQUIRES: is_open(key), as for all below that give something of the call.
  void mark_sent(CallKey key) noexcept { slots_[key.slot]->stage = Stage::sent; }
  Stage stage(CallKey key) const noexcept { return slots_[key.slot]->stage; }
  bool counts(CallKey key) const noexcept { return slots_[key.slot]->counts; }
  bool is_request(CallKey key) const noexcept { return slots_[key.slot]->is_request; }
  TimePoint deadline(CallKey key) const noexcept { return slots_[key.slot]->deadline; }
  /// For who watches: a call does not need it.
  void set_began(CallKey key, TimePoint now) noexcept { slots_[key.slot]->began = now; }
  TimePoint began(CallKey key) const noexcept { return slots_[key.slot]->began; }
  /// The first bytes of its route.
  std::string_view short_route(CallKey key) const noexcept {
    return {slots_[key.slot]->name, slots_[key.slot]->name_length};
  }
  void set_deadline(CallKey key, TimePoint deadline) noexcept;
  /// The call for errors: its pattern in quotes, cut when it is long.
  std::string name(CallKey key) const;
  /// What was asked for; max() when that is more than 49 days.
  std::chrono::milliseconds timeout(CallKey key) const noexcept;

  /// Who is told; what came before is told at once. Bounded: a reply that nobody reads ends with errc::overloaded.
  void attach(CallKey key, ReplyHandler&& handler);
  /// The same where nothing came before. False, and nothing is done: attach() would tell something.
  bool attach_quietly(CallKey key, ReplyHandler& handler) noexcept;
  /// Nobody will wait any more; a waiter is dropped untold.
  void close(CallKey key) noexcept;

  enum class Delivered { nobody, more, last };
  /// Tells the waiter of the packet's id. `nobody`: the id is unknown, late or forged.
  Delivered deliver(const Packet& packet);
  /// Tells the waiter of the call, if it is open and has not ended.
  void tell(CallKey key, const ReplyEvent& event);
  /// Called with each call whose waiter has enough before its end (ReplyEvent::is_enough); it is still open.
  void tell_enough_to(UniqueFunction<void(CallKey)> given_up) { given_up_ = std::move(given_up); }
  std::vector<CallKey> open_calls() const;
  /// Those of all open calls: nobody tells them any more.
  std::vector<ReplyHandler> take_waiters();

  /// The calls whose deadline has passed; still open.
  std::vector<CallKey> expired(TimePoint now);
  /// No deadline is earlier than this (it may be too early itself); max() if nothing is open.
  TimePoint earliest() const noexcept { return open_count_ ? earliest_ : TimePoint::max(); }
  std::size_t size() const noexcept { return open_count_; }
  /// Calls without an end, those that count. Any thread may ask.
  std::uint64_t waiting() const noexcept { return waiting_.load(std::memory_order_relaxed); }

 private:
  static constexpr std::size_t k_id_length = 21;
  static constexpr std::size_t k_random_digits = 16;  // and behind them the slot's number
  static constexpr std::size_t k_most_name = 48;      // of the route, for errors
  static constexpr std::uint32_t k_unlimited = UINT32_MAX;
  static constexpr std::size_t k_most_letters = 1024;
  static constexpr std::size_t k_most_letter_bytes = 64u << 20;
  /// What came while nobody was attached.
  struct Mail {
    struct Letter {
      std::optional<Packet> packet;
      std::optional<Accepted> accepted;
      std::optional<Error> error;
      bool is_final;
    };
    std::vector<Letter> letters;
    std::size_t bytes = 0;
  };
  /// Stays where it is. Its generation begins anew when a call is closed: no key of an earlier one fits it any more.
  struct Slot {
    char id[k_id_length];
    bool is_open = false;
    bool is_ended = false;
    bool counts = true;
    bool is_request = true;
    Stage stage = Stage::held;
    bool is_cut = false;
    std::uint8_t name_length = 0;
    char name[k_most_name];
    std::uint32_t timeout = 0;  // in ms
    std::uint32_t index = 0;
    std::uint32_t generation = 0;
    Slot* next_free = nullptr;
    TimePoint deadline;
    TimePoint began;
    ReplyHandler handler;
    std::unique_ptr<Mail> mail;
  };
  Slot* find(CallKey key) const noexcept;  // null: not open
  void add_slot();
  void tell_slot(Slot& slot, const ReplyEvent& event);
  void keep(Slot& slot, const ReplyEvent& event);
  void end(Slot& slot, const ReplyEvent& event) noexcept;
  void call(ReplyHandler& handler, const ReplyEvent& event);
  void release(Slot& slot) noexcept;
  void count(Slot& slot, int by) noexcept {
    if (!slot.counts) return;
    waiting_.store(waiting_.load(std::memory_order_relaxed) + static_cast<std::uint64_t>(by),
                   std::memory_order_relaxed);
  }

  Thrown thrown_;
  UniqueFunction<void(CallKey)> given_up_;
  EndSink* end_sink_ = nullptr;
  std::uint32_t first_generation_;
  std::vector<std::unique_ptr<Slot>> slots_;
  Slot* first_free_ = nullptr;
  std::size_t open_count_ = 0;
  std::atomic<std::uint64_t> waiting_{0};
  TimePoint earliest_ = TimePoint::max();
};

/// The ticket that a call is sent with, and back; flags beside the key are left out.
inline Ticket ticket_of(CallKey key) noexcept { return Ticket{key.generation} << 32 | (key.slot + 1); }
inline CallKey key_of(Ticket ticket) noexcept {
  constexpr Ticket k_generations = (Ticket{1} << PendingCalls::k_generation_bits) - 1;
  return {static_cast<std::uint32_t>(ticket & 0xffffffff) - 1,
          static_cast<std::uint32_t>(ticket >> 32 & k_generations)};
}

}  // namespace waybill::detail
