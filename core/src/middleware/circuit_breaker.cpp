#include "config/config_options.hpp"
#include "middleware/circuit.hpp"
#include "random_bits.hpp"
#include "waybill/time.hpp"

#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

namespace waybill::middleware {

namespace {

using detail::Circuit;

struct NamedCircuit {
  NamedCircuit(std::string of, const CircuitBreakerOptions& options) : name(std::move(of)), circuit(options) {}
  std::string name;
  Circuit circuit;
};

/// The circuits of one middleware, which several threads may share.
class Circuits {
 public:
  explicit Circuits(CircuitBreakerOptions options)
      : options_(std::move(options)), all_(std::make_shared<NamedCircuit>("all patterns", options_)) {}

  const CircuitBreakerOptions& options() const noexcept { return options_; }
  std::mutex& mutex() noexcept { return mutex_; }

  /// Of a pattern; the least lately used gives way to a new one. With the mutex held.
  std::shared_ptr<NamedCircuit> of(std::string_view pattern) {
    if (options_.scope == CircuitBreakerOptions::Scope::all) return all_;
    if (const auto found = by_pattern_.find(pattern); found != by_pattern_.end()) {
      by_use_.splice(by_use_.begin(), by_use_, found->second);
      return by_use_.front();
    }
    if (by_pattern_.size() >= static_cast<std::size_t>(options_.max_patterns)) {
      // One that is open is what this is for: rather than forget it, what is new shares a circuit.
      if (by_use_.back()->circuit.state() != Circuit::State::closed) return others();
      by_pattern_.erase(by_use_.back()->name);
      by_use_.pop_back();
    }
    by_use_.push_front(std::make_shared<NamedCircuit>(std::string(pattern), options_));
    by_pattern_.emplace(by_use_.front()->name, by_use_.begin());
    return by_use_.front();
  }

 private:
  std::shared_ptr<NamedCircuit> others() {
    if (!others_) others_ = std::make_shared<NamedCircuit>("other patterns", options_);
    return others_;
  }

  const CircuitBreakerOptions options_;
  std::mutex mutex_;
  std::list<std::shared_ptr<NamedCircuit>> by_use_;                                            // the latest first
  std::map<std::string_view, std::list<std::shared_ptr<NamedCircuit>>::iterator> by_pattern_;  // names of by_use_
  std::shared_ptr<NamedCircuit> all_;
  std::shared_ptr<NamedCircuit> others_;
};

Circuit::Outcome meaning(const CircuitBreakerOptions& options, const Result<void>& outcome) {
  if (outcome) return Circuit::Outcome::good;
  const Error& error = outcome.error();
  if (error.code() == errc::cancelled || error.code() == errc::closed) return Circuit::Outcome::none;
  if (options.counts ? options.counts(error) : error.is_passing()) return Circuit::Outcome::bad;
  // An answer shows that the other side works, whatever it says.
  const bool is_answer = error.code() == errc::remote || error.code() == errc::no_handler;
  return is_answer ? Circuit::Outcome::good : Circuit::Outcome::none;
}

/// One call on its way through its circuit; if nobody says how it ended, it says nothing.
class Crossing {
 public:
  Crossing(std::shared_ptr<Circuits> circuits, const Context& context)
      : circuits_(std::move(circuits)), clock_(detail::Clock::of(context.executor())) {
    const detail::TimePoint now = clock_.now();
    const std::lock_guard lock(circuits_->mutex());
    named_ = circuits_->of(context.pattern());
    pass_ = named_->circuit.enter(now);
    if (!pass_) refuse(now);
  }
  Crossing(const Crossing&) = delete;
  Crossing& operator=(const Crossing&) = delete;
  ~Crossing() { end(Circuit::Outcome::none); }

  const std::optional<Error>& refusal() const noexcept { return refusal_; }

  void end(const Result<void>& outcome, const Log& log) {
    const Circuit::Outcome meant = meaning(circuits_->options(), outcome);
    if (!end(meant)) return;
    if (meant == Circuit::Outcome::good) return log.info("the circuit breaker of " + named_->name + " is closed again");
    log.warning("the circuit breaker of " + named_->name + " is open for " + std::to_string(pause_.count()) +
                " ms: " + std::to_string(counts_.failed) + " of " + std::to_string(counts_.calls) +
                " calls failed, the last with: " + outcome.error().what());
  }

 private:
  bool end(Circuit::Outcome outcome) {
    if (!pass_) return false;
    const detail::TimePoint now = clock_.now();
    const std::lock_guard lock(circuits_->mutex());
    const bool has_moved = named_->circuit.ended(*pass_, outcome, now, detail::random_bits());
    pass_.reset();
    pause_ = named_->circuit.pause();
    counts_ = named_->circuit.counted(now);
    return has_moved;
  }

  void refuse(detail::TimePoint now) {
    std::string text = "the circuit breaker of " + named_->name;
    if (named_->circuit.state() == Circuit::State::half_open) {
      text += " is half open: its trial calls are under way";
    } else {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(named_->circuit.until() - now);
      text += " is open for another " + std::to_string(left.count()) + " ms";
    }
    refusal_.emplace(errc::overloaded, std::move(text), End::rejected);
  }

  std::shared_ptr<Circuits> circuits_;
  detail::Clock clock_;
  std::shared_ptr<NamedCircuit> named_;
  std::optional<Circuit::Pass> pass_;
  std::optional<Error> refusal_;
  std::chrono::milliseconds pause_{0};
  Circuit::Counts counts_;
};

asio::awaitable<Result<void>> run_through_circuit(std::shared_ptr<Circuits> circuits, Context& context, Next next) {
  Crossing crossing(std::move(circuits), context);
  if (crossing.refusal()) co_return *crossing.refusal();
  Result<void> outcome = co_await next();
  crossing.end(outcome, context.log());
  co_return outcome;
}

}  // namespace

Result<void> CircuitBreakerOptions::validate() const {
  detail::Mistakes mistakes;
  const auto require = [&mistakes](bool is_right, const char* what) {
    if (!is_right) mistakes.push_back(std::string("circuit_breaker: ") + what);
  };
  require(failure_rate > 0 && failure_rate <= 1, "failure_rate must be more than 0 and at most 1");
  require(minimum_calls >= 1, "minimum_calls must be at least 1");
  require(window.count() > 0, "window must be more than 0");
  require(consecutive >= 0, "consecutive is negative");
  require(open.count() > 0, "open must be more than 0");
  require(most_open >= open, "most_open is less than open");
  require(trials >= 1, "trials must be at least 1");
  require(max_patterns >= 1, "max_patterns must be at least 1");
  return detail::outcome_of(mistakes);
}

Middleware circuit_breaker(CircuitBreakerOptions options) {
  options.validate().value();
  auto circuits = std::make_shared<Circuits>(std::move(options));
  return {"circuit_breaker",
          [circuits](Context& context, Next next) { return run_through_circuit(circuits, context, std::move(next)); }};
}

}  // namespace waybill::middleware
