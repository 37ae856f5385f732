// What happened in a run, and what must hold of it whatever the seed was.
#pragma once

#include "waybill/error.hpp"
#include "waybill/testing.hpp"

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace waybill::simulation {

using Moment = VirtualTime::Duration;

/// One call, known by the number that is its payload.
struct Call {
  enum class Kind { request, stream, event };
  Kind kind = Kind::request;
  std::string route;
  Moment begun{};
  std::chrono::milliseconds timeout{};
  Moment ended{};
  int ends = 0;
  std::optional<Error> error;       ///< Of its end.
  std::optional<Moment> cancelled;  ///< When its caller did not want it any more.
  std::optional<Moment> closed;     ///< When its client was closed.
  std::optional<Moment> cut;        ///< When the link that it was sent over was cut.
  bool is_abandoned = false;        ///< Nobody waits for its end.
  bool had_no_link = false;         ///< Its client had none from its beginning to its end.
};

/// What services did with the message of one call.
struct Handling {
  int begun = 0;
  int failed = 0;
  int completed = 0;
  int left = 0;             ///< Which handling has left it in hand; 0: none has.
  Moment begun_at{};        ///< The last time.
  bool has_copies = false;  ///< It was perhaps sent more than once.
  /// Handlings that did not say that they might not be the first: one at most, with several services perhaps a later one.
  int unmarked = 0;
  Moment last_failure{};
  Moment completed_at{};  ///< The first time.
};

struct Circumstances {
  bool has_duplicates = false;  ///< Faults double packets.
  bool has_faults = false;      ///< Packets are dropped, late, doubled or overtaken.
  bool loses_links = false;     ///< Links were cut, services stopped.
  bool retries_calls = false;   ///< Of clients or around handlers.
  int attempts = 1;
  std::chrono::milliseconds backoff{};
};

class Ledger {
 public:
  explicit Ledger(VirtualTime& time) : time_(time) {}

  int begin(Call::Kind kind, std::string route, std::chrono::milliseconds timeout);
  Call& call(int number) { return calls_.at(number); }
  std::map<int, Call>& calls() noexcept { return calls_; }
  void end(int number, const Error* error);
  void value(int number, int expected, int got);
  /// A handler was called with the number; says which time this is.
  int handle(int number, const Context& context);
  void failed(int number);
  void completed(int number);
  /// Its handler has left it in hand: nobody sees it again before listeners have lost links.
  void left(int number);
  void links_are_lost() { run.loses_links = true, last_loss_ = time_.now(); }
  /// All links of listeners are lost: what was left in hand is free. False: nothing was.
  bool free_left();

  /// Calls without an end that somebody waits for.
  int open_calls() const;
  /// Events that were accepted and are neither handled nor in `dead`.
  int unaccounted(const std::vector<DeadLetter>& dead) const;

  void broken(std::string what) { broken_.push_back(std::move(what)); }
  /// All that does not hold at the end. `dropped`: events that services said they gave up.
  std::vector<std::string> judge(const std::vector<DeadLetter>& dead, std::uint64_t dropped);

  Circumstances run;

 private:
  void judge_call(int number, const Call& call);
  void judge_handling(int number, const Handling& handling);
  std::string name(int number) const;

  VirtualTime& time_;
  std::map<int, Call> calls_;
  std::map<int, Handling> handlings_;
  std::vector<std::string> broken_;
  std::optional<Moment> last_loss_;
};

}  // namespace waybill::simulation
