// The records that were taken and are not finished: by token, in order within a key, at most so many in hand. Calls
// nothing of librdkafka but the end of a message.
#pragma once

#include "flow/assignment.hpp"
#include "flow/key_lanes.hpp"
#include "protocol/handle.hpp"

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace waybill::kafka {

class InFlight {
 public:
  using Token = std::uint64_t;

  struct Record {
    Token token = 0;
    Message message;
    std::shared_ptr<Partition> partition;
    int attempt = 1;
    std::size_t bytes = 0;
    std::int64_t offset() const noexcept { return message ? message->offset : -1; }
  };

  explicit InFlight(std::size_t most_in_hand, std::size_t most_bytes = SIZE_MAX)
      : most_in_hand_(most_in_hand), most_bytes_(most_bytes) {}

  /// Nothing as key: it waits for no other.
  void add(Message message, std::shared_ptr<Partition> partition, std::optional<std::string_view> key,
           std::size_t bytes = 0);
  /// The next one that may run is in hand now. Null: there is none, or no hand is free. Good until the next add().
  const Record* start();
  /// Null: it is not in hand (any more). Good until the next add().
  const Record* in_hand(Token token) const noexcept;

  // REQUIRES for the next three: it is in hand.
  /// Those of its key go on.
  void finish(Token token);
  /// Those of its key wait until it was tried again().
  void retry(Token token) noexcept;
  /// Here it is over, unfinished. Those of its key that came since go on.
  void drop(Token token) { finish(token); }

  /// False: it is not waiting to be tried again (any more).
  bool again(Token token);
  /// Forgets those of the partition that wait; its offsets are told. A key with a record in hand stays busy.
  void drop_waiting(Partition& partition);
  void clear();

  /// No more should be added now; how many may wait for others of their key is the partition's business.
  bool is_full() const noexcept;

 private:
  enum class State : std::uint8_t { unused, waiting, in_hand, retrying };
  struct Slot : Record {
    std::string lane;  ///< Empty: no key.
    State state = State::unused;
  };

  Slot& slot(Token token) noexcept { return slots_[static_cast<std::uint32_t>(token)]; }
  bool is(Token token, State state) const noexcept;
  void release(Slot& slot);
  void may_run(std::uint32_t index);

  const std::size_t most_in_hand_;
  const std::size_t most_bytes_;
  std::vector<Slot> slots_;  ///< A token is a slot's index, and above it how often the slot was used before.
  std::vector<std::uint32_t> free_slots_;
  std::deque<std::uint32_t> runnable_;
  KeyLanes lanes_;
  std::size_t in_hand_ = 0;
  std::size_t bytes_ = 0;  ///< Of those in hand, and of those that may run.
};

}  // namespace waybill::kafka
