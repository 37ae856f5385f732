// Ledger: what a load attempted, what was accepted, what was handled and how requests ended; and what that adds up to.
#pragma once

#include "waybill/result.hpp"
#include "waybill/transport/transport.hpp"

#include <chrono>
#include <cstdint>
#include <iosfwd>
#include <map>
#include <string>
#include <vector>

namespace waybill::test {

/// The books of one load over outages. Events and requests are numbered by whoever makes the load.
///
/// Threads: one.
class Ledger {
 public:
  using Clock = std::chrono::steady_clock;
  enum class Outcome { accepted, rejected, unknown };

  // Events.
  void attempted(std::uint64_t event, Clock::time_point at = Clock::now());
  void ended(std::uint64_t event, Outcome outcome);
  void ended(std::uint64_t event, const Result<Accepted>& outcome) {
    ended(event, outcome                                  ? Outcome::accepted
                 : outcome.error().end() == End::rejected ? Outcome::rejected
                                                          : Outcome::unknown);
  }
  void handled(std::uint64_t event, bool is_marked_as_repeated);

  // Requests; `late` is how long after its deadline one ended (negative: before).
  void asked(std::uint64_t request);
  void answered(std::uint64_t request, bool has_value, std::chrono::milliseconds late);

  /// From when on the broker may have been away, and until when it was surely back for everybody.
  void outage_began(Clock::time_point at = Clock::now());
  void outage_ended(Clock::time_point at = Clock::now());

  struct Report {
    std::size_t attempted = 0, accepted = 0, rejected = 0, unknown = 0, handled = 0, repeated = 0;
    std::size_t requests = 0, values = 0;
    std::vector<std::uint64_t> lost;                   ///< Accepted, never handled.
    std::vector<std::uint64_t> lost_outside;           ///< Of lost: attempted while there was no outage.
    std::vector<std::uint64_t> unmarked;               ///< Handled again without being marked as repeated.
    std::vector<std::uint64_t> handled_unasked;        ///< Handled, never attempted, or rejected as surely not taken.
    std::vector<std::uint64_t> endless_events;         ///< Attempted, never ended.
    std::vector<std::uint64_t> endless_requests;       ///< Asked, never answered.
    std::vector<std::uint64_t> answered_twice;         ///< Requests with more than one outcome.
    std::chrono::milliseconds latest{-1'000'000'000};  ///< The most that a request was late.
  };
  Report report() const;

 private:
  struct Event {
    bool is_attempted = false;
    bool is_ended = false;
    Outcome outcome = Outcome::unknown;
    Clock::time_point at;
    unsigned handled = 0;
    unsigned unmarked = 0;
  };
  struct Request {
    bool is_asked = false;
    unsigned answers = 0;
  };
  struct Outage {
    Clock::time_point began;
    Clock::time_point ended = Clock::time_point::max();
  };
  bool is_within_outage(Clock::time_point at) const;

  std::map<std::uint64_t, Event> events_;
  std::map<std::uint64_t, Request> requests_;
  std::vector<Outage> outages_;
  std::size_t values_ = 0;
  std::chrono::milliseconds latest_{-1'000'000'000};
};

std::ostream& operator<<(std::ostream& out, const Ledger::Report& report);

}  // namespace waybill::test
