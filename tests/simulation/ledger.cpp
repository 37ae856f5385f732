#include "ledger.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace waybill::simulation {

using namespace std::chrono_literals;

namespace {

/// The clock of deadlines may run some milliseconds behind.
constexpr Moment k_coarse = 6ms;

bool is_of_ours(const Error& error) { return error.code() != errc::remote; }

}  // namespace

int Ledger::begin(Call::Kind kind, std::string route, std::chrono::milliseconds timeout) {
  const int number = static_cast<int>(calls_.size()) + 1;
  Call& call = calls_[number];
  call.kind = kind;
  call.route = std::move(route);
  call.begun = time_.now();
  call.timeout = timeout;
  return number;
}

std::string Ledger::name(int number) const {
  const auto found = calls_.find(number);
  if (found == calls_.end()) return "message " + std::to_string(number) + ", which nobody sent,";
  return found->second.route + " " + std::to_string(number);
}

void Ledger::end(int number, const Error* error) {
  Call& call = calls_.at(number);
  if (++call.ends > 1) return broken(name(number) + " ended twice");
  call.ended = time_.now();
  if (error) call.error = *error;
}

void Ledger::value(int number, int expected, int got) {
  if (calls_.at(number).ends > 0) broken(name(number) + " got a value after its end");
  if (expected != got) {
    broken(name(number) + " got " + std::to_string(got) + " instead of " + std::to_string(expected));
  }
}

int Ledger::handle(int number, const Context& context) {
  Handling& handling = handlings_[number];
  const bool is_marked = context.attempt() > 1 || context.is_redelivered() || context.header(header::k_resent);
  if (!is_marked) ++handling.unmarked;
  const bool is_retried = handling.failed > 0 && handling.failed == handling.begun;
  if (is_retried && !run.loses_links && !run.has_duplicates && !run.retries_calls &&
      time_.now() < handling.last_failure + run.backoff) {
    broken(name(number) + " was tried again before its pause had passed");
  }
  handling.has_copies |= run.has_duplicates || run.retries_calls || context.header(header::k_resent);
  const bool has_lost = last_loss_ && *last_loss_ >= handling.begun_at;
  if (handling.begun > 0 && handling.left == handling.begun && !has_lost && !handling.has_copies) {
    broken(name(number) + " was left in hand, and came again though no link was lost");
  }
  handling.begun_at = time_.now();
  return ++handling.begun;
}

void Ledger::failed(int number) {
  Handling& handling = handlings_[number];
  ++handling.failed;
  handling.last_failure = time_.now();
}

void Ledger::completed(int number) {
  Handling& handling = handlings_[number];
  if (++handling.completed == 1) handling.completed_at = time_.now();
}

void Ledger::left(int number) {
  Handling& handling = handlings_[number];
  handling.left = handling.begun;
}

bool Ledger::free_left() {
  links_are_lost();
  bool had_any = false;
  for (auto& [number, handling] : handlings_) had_any |= std::exchange(handling.left, 0) > 0;
  return had_any;
}

int Ledger::open_calls() const {
  return static_cast<int>(std::count_if(
      calls_.begin(), calls_.end(), [](const auto& one) { return !one.second.is_abandoned && one.second.ends == 0; }));
}

int Ledger::unaccounted(const std::vector<DeadLetter>& dead) const {
  std::set<int> parked;
  for (const DeadLetter& letter : dead) {
    const Slice& bytes = letter.packet.payload;
    int number = 0;
    if (letter.packet.serializer->decode(bytes, ValueOut::of(number))) parked.insert(number);
  }
  int count = 0;
  for (const auto& [number, call] : calls_) {
    if (call.kind != Call::Kind::event || call.ends == 0 || call.error) continue;
    const auto handling = handlings_.find(number);
    const bool is_handled = handling != handlings_.end() && handling->second.completed > 0;
    count += is_handled || parked.contains(number) ? 0 : 1;
  }
  return count;
}

std::vector<std::string> Ledger::judge(const std::vector<DeadLetter>& dead, std::uint64_t dropped) {
  for (const auto& [number, call] : calls_) judge_call(number, call);
  for (const auto& [number, handling] : handlings_) judge_handling(number, handling);
  for (const DeadLetter& letter : dead) {
    if (!run.loses_links && letter.attempts > run.attempts) {
      broken("an event was parked after " + std::to_string(letter.attempts) + " attempts, there are " +
             std::to_string(run.attempts));
    }
  }
  const int lost = unaccounted(dead);
  if (lost > static_cast<int>(dropped)) {
    broken(std::to_string(lost) + " accepted events were neither handled nor parked, and services gave up " +
           std::to_string(dropped));
  }
  return broken_;
}

void Ledger::judge_call(int number, const Call& call) {
  if (call.is_abandoned) return;
  if (call.ends == 0) return broken(name(number) + " never ended");
  const Moment deadline = call.begun + call.timeout + k_coarse;
  if (call.ended > deadline && call.kind != Call::Kind::stream) {
    broken(name(number) + " ended " + std::to_string((call.ended - deadline) / 1ms) + " ms after its deadline");
  }
  if (call.cancelled && call.kind != Call::Kind::stream && call.ended > *call.cancelled) {
    broken(name(number) + " went on for " + std::to_string((call.ended - *call.cancelled) / 1ms) +
           " ms after it was cancelled");
  }
  if (call.closed && call.kind != Call::Kind::stream && call.ended > *call.closed)
    broken(name(number) + " outlived its client");
  const bool was_sent = !call.error || call.error->end() != End::rejected;  // what waits for a link outlives another
  if (call.cut && was_sent && call.ended > *call.cut) broken(name(number) + " went on after its link was cut");
  const auto handling = handlings_.find(number);
  const bool is_calm = !run.has_faults && !run.loses_links && !call.cancelled && !call.closed;
  if (is_calm && call.error && is_of_ours(*call.error) && call.kind != Call::Kind::event &&
      handling != handlings_.end() && handling->second.completed > 0 && handling->second.completed_at < call.ended) {
    broken(name(number) + " was handled and its caller was told: " + call.error->what());
  }
  if (call.error && is_of_ours(*call.error) && call.error->end() == End::rejected && handling != handlings_.end()) {
    broken(name(number) + " was rejected (" + call.error->what() + ") and handled");
  }
  if (call.had_no_link && call.error && call.error->end() != End::rejected) {
    broken(name(number) + " never left its client and was not rejected: " + call.error->what());
  }
  if (call.kind == Call::Kind::request && !call.error && handling == handlings_.end())
    broken(name(number) + " was answered by nobody");
}

void Ledger::judge_handling(int number, const Handling& handling) {
  const auto found = calls_.find(number);
  if (found == calls_.end()) return broken(name(number) + " was handled");
  const Call& call = found->second;
  if (run.has_duplicates) return;
  if (call.kind != Call::Kind::event) {
    if (handling.begun > 1 && !run.retries_calls && !run.loses_links) broken(name(number) + " was handled twice");
    return;
  }
  if (handling.unmarked > 1 && !run.retries_calls && !run.has_faults) {
    broken(name(number) + " was handled again without a mark");
  }
  if (run.loses_links || run.retries_calls) return;
  if (handling.begun > run.attempts) {
    broken(name(number) + " was handled " + std::to_string(handling.begun) + " times, attempts are " +
           std::to_string(run.attempts));
  }
  if (handling.completed > 1) broken(name(number) + " was handled with success and handled again");
}

}  // namespace waybill::simulation
