#include "waybill/time.hpp"

#include "waybill/detail/clock.hpp"

#include <asio/execution/context_as.hpp>
#include <asio/query.hpp>

#include <algorithm>
#include <map>
#include <mutex>

namespace waybill {

namespace {

using TimePoint = VirtualTime::TimePoint;

/// Any moment will do that leaves room before it: times that are not set are at 0.
constexpr TimePoint k_beginning{std::chrono::hours(24 * 365)};

}  // namespace

class VirtualTime::State {
 public:
  TimePoint now() const {
    const std::lock_guard lock(mutex_);
    return now_;
  }
  /// Names the call, for forget().
  detail::VirtualMoment call_at(TimePoint at, std::function<void()> call) {
    const std::lock_guard lock(mutex_);
    const detail::VirtualMoment moment(std::max(at, now_), ++last_);
    calls_.emplace(moment, std::move(call));
    return moment;
  }
  void forget(const detail::VirtualMoment& moment) noexcept {
    const std::lock_guard lock(mutex_);
    calls_.erase(moment);
  }
  /// The next call that is due at `limit`, the clock set to its time; empty if there is none.
  std::function<void()> take_due(TimePoint limit) {
    const std::lock_guard lock(mutex_);
    const auto first = calls_.begin();
    if (first == calls_.end() || first->first.first > limit) return {};
    now_ = std::max(now_, first->first.first);
    auto call = std::move(first->second);
    calls_.erase(first);
    return call;
  }
  void move_to(TimePoint time) {
    const std::lock_guard lock(mutex_);
    now_ = std::max(now_, time);
  }
  std::size_t waiting() const {
    const std::lock_guard lock(mutex_);
    return calls_.size();
  }

 private:
  mutable std::mutex mutex_;
  TimePoint now_ = k_beginning;
  std::map<detail::VirtualMoment, std::function<void()>> calls_;  // equal times keep their order of registration
  std::uint64_t last_ = 0;
};

namespace {

/// Where a loop keeps the time that it lives in.
class TimeOfLoop final : public asio::execution_context::service {
 public:
  inline static asio::execution_context::id id;

  explicit TimeOfLoop(asio::execution_context& loop, std::shared_ptr<VirtualTime::State> its = {})
      : asio::execution_context::service(loop), state(std::move(its)) {}
  const std::shared_ptr<VirtualTime::State> state;

 private:
  void shutdown() noexcept override {}
};

}  // namespace

VirtualTime::VirtualTime() : state_(std::make_shared<State>()) {}
VirtualTime::~VirtualTime() = default;

void VirtualTime::drive(asio::execution_context& loop) { asio::make_service<TimeOfLoop>(loop, state_); }

VirtualTime::Duration VirtualTime::now() const { return state_->now() - k_beginning; }
VirtualTime::TimePoint VirtualTime::moment() const { return state_->now(); }

void VirtualTime::advance(Duration by) {
  const TimePoint limit = detail::deadline_after(state_->now(), by);
  while (auto call = state_->take_due(limit)) call();
  state_->move_to(limit);
}

bool VirtualTime::advance_to_next(Duration limit) {
  auto call = state_->take_due(detail::deadline_after(k_beginning, limit));
  if (call) call();
  return static_cast<bool>(call);
}

void VirtualTime::call_after(Duration delay, std::function<void()> call) {
  state_->call_at(detail::deadline_after(state_->now(), delay), std::move(call));
}

std::size_t VirtualTime::waiting() const { return state_->waiting(); }

namespace detail {

Clock Clock::of(const asio::any_io_executor& executor) {
  Clock clock;
  if (!executor) return clock;
  auto& loop = asio::query(executor, asio::execution::context_as_t<asio::execution_context&>());
  if (asio::has_service<TimeOfLoop>(loop)) clock.state_ = asio::use_service<TimeOfLoop>(loop).state;
  return clock;
}

Clock::TimePoint Clock::now() const { return state_ ? state_->now() : std::chrono::steady_clock::now(); }
Clock::TimePoint Clock::coarse() const { return state_ ? state_->now() : coarse_now(); }

void WaitInVirtualTime::begin(VirtualTime::TimePoint at) {
  forget();
  has_come_ = std::make_shared<bool>(false);
  if (at == TimePoint::max()) return;
  moment_ = state_->call_at(at, [this, has_come = has_come_] {
    *has_come = true;
    timer_.expires_at(TimePoint::min());
  });
}

void WaitInVirtualTime::forget() noexcept {
  if (moment_.second) state_->forget(std::exchange(moment_, {}));
}

}  // namespace detail

Timer::Timer(asio::any_io_executor executor, TimePoint at)
    : clock_(detail::Clock::of(executor)), at_(at), timer_(std::move(executor)) {
  if (clock_.is_virtual()) virtual_ = std::make_unique<detail::WaitInVirtualTime>(clock_, timer_);
  expires_at(at);
}

void Timer::expires_at(TimePoint at) {
  at_ = at;
  timer_.expires_at(virtual_ ? TimePoint::max() : at);
  if (virtual_) virtual_->begin(at);
}

}  // namespace waybill
