#include "config/config_options.hpp"
#include "middleware/places.hpp"
#include "middleware/waiters.hpp"
#include "waybill/middleware.hpp"

#include <memory>
#include <mutex>
#include <string>
#include <utility>

namespace waybill::middleware {

namespace {

using detail::Places;

/// What the calls through one bulkhead share, perhaps on several threads.
struct Bulkhead {
  explicit Bulkhead(const BulkheadOptions& its)
      : options(its), places(static_cast<std::size_t>(its.max_concurrent), static_cast<std::size_t>(its.max_waiting)) {}
  const BulkheadOptions options;
  std::mutex mutex;
  Places places;
  detail::Waiters waiters;
};

/// One call's place, or its turn for one; given up when this ends.
class Visit {
 public:
  Visit(std::shared_ptr<Bulkhead> bulkhead, const Context& context)
      : bulkhead_(std::move(bulkhead)), clock_(detail::Clock::of(context.executor())) {
    const detail::TimePoint now = clock_.now();
    limit_ = detail::wait_limit(context, now, bulkhead_->options.max_wait);
    const std::lock_guard lock(bulkhead_->mutex);
    entry_ = bulkhead_->places.enter(now, limit_.at);
    if (!is_waiting()) return;
    timer_ = std::make_shared<Timer>(context.executor(), limit_.at);
    bulkhead_->waiters.add(entry_.ticket, timer_);
  }
  Visit(const Visit&) = delete;
  Visit& operator=(const Visit&) = delete;
  ~Visit() {
    if (is_refused()) return;
    const std::lock_guard lock(bulkhead_->mutex);
    bulkhead_->waiters.remove(entry_.ticket);
    const auto next = bulkhead_->places.leave(entry_.ticket, clock_.now());
    if (next) bulkhead_->waiters.wake(*next);
  }

  bool is_waiting() const noexcept { return entry_.standing == Places::Standing::waiting; }
  bool is_refused() const noexcept { return entry_.standing == Places::Standing::refused; }
  const std::shared_ptr<Timer>& timer() const noexcept { return timer_; }
  void ask() {
    const std::lock_guard lock(bulkhead_->mutex);
    entry_.standing = bulkhead_->places.ask(entry_.ticket, clock_.now());
    if (!is_waiting()) bulkhead_->waiters.remove(entry_.ticket);
    has_waited_ = true;
  }

  Error refusal() const {
    const BulkheadOptions& options = bulkhead_->options;
    if (limit_.is_deadline && (has_waited_ || limit_.at <= clock_.now())) {
      return Error(errc::timeout, "the deadline passed before there was a place in the bulkhead", End::rejected);
    }
    std::string text = "the bulkhead is full: " + std::to_string(options.max_concurrent) + " at once";
    if (has_waited_) {
      text += ", and none ended within " + std::to_string(options.max_wait.count()) + " ms";
    } else if (options.max_waiting > 0 && options.max_wait.count() > 0) {
      text += ", " + std::to_string(options.max_waiting) + " wait";
    }
    return Error(errc::overloaded, std::move(text), End::rejected);
  }

 private:
  std::shared_ptr<Bulkhead> bulkhead_;
  detail::Clock clock_;
  std::shared_ptr<Timer> timer_;  // while it waits
  detail::WaitLimit limit_{};
  Places::Entry entry_{};
  bool has_waited_ = false;
};

}  // namespace

Result<void> BulkheadOptions::validate() const {
  detail::Mistakes mistakes;
  if (max_concurrent < 1) mistakes.push_back("bulkhead: max_concurrent must be at least 1");
  if (max_waiting < 0) mistakes.push_back("bulkhead: max_waiting is negative");
  if (max_wait.count() < 0) mistakes.push_back("bulkhead: max_wait is negative");
  return detail::outcome_of(mistakes);
}

Middleware bulkhead(BulkheadOptions options) {
  options.validate().value();
  const auto bulkhead = std::make_shared<Bulkhead>(options);
  return {"bulkhead", [bulkhead](Context& context, Next next) {
            return detail::run_in_turn<Visit>("bulkhead", bulkhead, context, std::move(next));
          }};
}

}  // namespace waybill::middleware
