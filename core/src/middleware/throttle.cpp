#include "config/config_options.hpp"
#include "middleware/token_bucket.hpp"
#include "middleware/waiters.hpp"
#include "waybill/middleware.hpp"

#include <memory>
#include <mutex>
#include <string>
#include <utility>

namespace waybill::middleware {

namespace {

using detail::TokenBucket;
constexpr int k_most = 1'000'000;
constexpr std::chrono::hours k_longest_per{1};

/// What the calls through one throttle share, perhaps on several threads.
struct Throttle {
  explicit Throttle(const ThrottleOptions& its)
      : options(its), bucket(its.rate, its.per, its.burst.value_or(its.rate), its.max_waiting) {}
  const ThrottleOptions options;
  std::mutex mutex;
  TokenBucket bucket;
  detail::Waiters waiters;
};

/// One call's turn; given up when this ends before it has come.
class Turn {
 public:
  Turn(std::shared_ptr<Throttle> throttle, const Context& context)
      : throttle_(std::move(throttle)), clock_(detail::Clock::of(context.executor())) {
    const detail::TimePoint now = clock_.now();
    limit_ = detail::wait_limit(context, now, throttle_->options.max_wait);
    const std::lock_guard lock(throttle_->mutex);
    entry_ = throttle_->bucket.enter(now, limit_.at);
    if (!is_waiting()) return;
    timer_ = std::make_shared<Timer>(context.executor(), entry_.at);
    throttle_->waiters.add(entry_.ticket, timer_);
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  ~Turn() {
    if (!is_waiting()) return;
    const std::lock_guard lock(throttle_->mutex);
    throttle_->waiters.remove(entry_.ticket);
    if (const auto first = throttle_->bucket.leave(entry_.ticket, clock_.now())) throttle_->waiters.wake(*first);
  }

  bool is_waiting() const noexcept { return entry_.standing == TokenBucket::Standing::waiting; }
  bool is_refused() const noexcept { return entry_.standing == TokenBucket::Standing::refused; }
  const std::shared_ptr<Timer>& timer() const noexcept { return timer_; }
  void ask() {
    const std::lock_guard lock(throttle_->mutex);
    const TokenBucket::Ticket ticket = entry_.ticket;
    entry_ = throttle_->bucket.ask(ticket, clock_.now());
    if (is_waiting()) return timer_->expires_at(entry_.at);
    throttle_->waiters.remove(ticket);
    if (entry_.wake) throttle_->waiters.wake(*entry_.wake);
  }

  Error refusal() const {
    const ThrottleOptions& options = throttle_->options;
    std::string text =
        std::to_string(options.rate) + " in " + std::to_string(options.per.count()) + " ms are let through";
    if (limit_.is_deadline) {
      text += ", and its turn comes after its deadline";
    } else if (options.max_wait.count() > 0) {
      text += ", and its turn does not come within " + std::to_string(options.max_wait.count()) + " ms";
    }
    return Error(errc::overloaded, std::move(text), End::rejected);
  }

 private:
  std::shared_ptr<Throttle> throttle_;
  detail::Clock clock_;
  detail::WaitLimit limit_{};
  TokenBucket::Entry entry_;
  std::shared_ptr<Timer> timer_;  // while it waits
};

}  // namespace

Result<void> ThrottleOptions::validate() const {
  detail::Mistakes mistakes;
  const auto require = [&mistakes](bool is_right, const char* what) {
    if (!is_right) mistakes.push_back(std::string("throttle: ") + what);
  };
  require(rate >= 1 && rate <= k_most, "rate must be from 1 to 1000000");
  require(per.count() > 0 && per <= k_longest_per, "per must be more than 0 and at most an hour");
  require(!burst || (*burst >= 1 && *burst <= k_most), "burst must be from 1 to 1000000");
  require(max_waiting >= 0 && max_waiting <= k_most, "max_waiting must be from 0 to 1000000");
  require(max_wait.count() >= 0, "max_wait is negative");
  return detail::outcome_of(mistakes);
}

Middleware throttle(ThrottleOptions options) {
  options.validate().value();
  const auto throttle = std::make_shared<Throttle>(options);
  return {"throttle", [throttle](Context& context, Next next) {
            return detail::run_in_turn<Turn>("throttle", throttle, context, std::move(next));
          }};
}

}  // namespace waybill::middleware
