#include "support/ledger.hpp"

#include <algorithm>
#include <ostream>

namespace waybill::test {

void Ledger::attempted(std::uint64_t event, Clock::time_point at) {
  Event& entry = events_[event];
  entry.is_attempted = true;
  entry.at = at;
}

void Ledger::ended(std::uint64_t event, Outcome outcome) {
  Event& entry = events_[event];
  entry.is_ended = true;
  entry.outcome = outcome;
}

void Ledger::handled(std::uint64_t event, bool is_marked_as_repeated) {
  Event& entry = events_[event];
  if (++entry.handled > 1 && !is_marked_as_repeated) ++entry.unmarked;
}

void Ledger::asked(std::uint64_t request) { requests_[request].is_asked = true; }

void Ledger::answered(std::uint64_t request, bool has_value, std::chrono::milliseconds late) {
  ++requests_[request].answers;
  if (has_value) ++values_;
  latest_ = std::max(latest_, late);
}

void Ledger::outage_began(Clock::time_point at) { outages_.push_back({at, Clock::time_point::max()}); }
void Ledger::outage_ended(Clock::time_point at) { outages_.back().ended = at; }

bool Ledger::is_within_outage(Clock::time_point at) const {
  return std::any_of(outages_.begin(), outages_.end(),
                     [at](const Outage& outage) { return at >= outage.began && at <= outage.ended; });
}

Ledger::Report Ledger::report() const {
  Report report;
  for (const auto& [number, event] : events_) {
    report.attempted += event.is_attempted ? 1 : 0;
    report.handled += event.handled > 0 ? 1 : 0;
    report.repeated += event.handled > 1 ? 1 : 0;
    if (event.unmarked > 0) report.unmarked.push_back(number);
    const bool is_refused = event.is_ended && event.outcome == Outcome::rejected;
    if (event.handled > 0 && (!event.is_attempted || is_refused)) report.handled_unasked.push_back(number);
    if (!event.is_attempted) continue;
    if (!event.is_ended) {
      report.endless_events.push_back(number);
      continue;
    }
    switch (event.outcome) {
      case Outcome::accepted: ++report.accepted; break;
      case Outcome::rejected: ++report.rejected; break;
      case Outcome::unknown: ++report.unknown; break;
    }
    if (event.outcome != Outcome::accepted || event.handled > 0) continue;
    report.lost.push_back(number);
    if (!is_within_outage(event.at)) report.lost_outside.push_back(number);
  }
  for (const auto& [number, request] : requests_) {
    report.requests += request.is_asked ? 1 : 0;
    if (request.is_asked && request.answers == 0) report.endless_requests.push_back(number);
    if (request.answers > 1) report.answered_twice.push_back(number);
  }
  report.values = values_;
  report.latest = latest_;
  return report;
}

std::ostream& operator<<(std::ostream& out, const Ledger::Report& report) {
  out << report.attempted << " events: " << report.accepted << " accepted, " << report.rejected << " rejected, "
      << report.unknown << " unknown; " << report.handled << " handled, " << report.repeated << " of them again; lost "
      << report.lost.size() << " (" << report.lost_outside.size() << " outside of outages), unmarked "
      << report.unmarked.size() << ", endless " << report.endless_events.size() << "; " << report.requests
      << " requests: " << report.values << " values, endless " << report.endless_requests.size();
  if (report.requests > 0) out << ", the latest " << report.latest.count() << " ms after its deadline";
  return out;
}

}  // namespace waybill::test
