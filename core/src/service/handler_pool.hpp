// The threads of `handler_threads`.
#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/post.hpp>
#include <asio/prefer.hpp>
#include <asio/query.hpp>
#include <asio/require.hpp>
#include <asio/strand.hpp>
#include <asio/thread_pool.hpp>

#include <atomic>
#include <chrono>
#include <memory>
#include <thread>
#include <utility>

namespace waybill::detail {

/// Lets work into a pool until it is shut. Any thread.
class Entrance {
 public:
  template <class Work>
  void pass(const Work& work) noexcept(noexcept(work())) {
    const Inside inside(*this);
    if (!is_shut_) work();
  }
  void shut() noexcept { is_shut_ = true; }
  /// Until who was let in before has left.
  void wait_until_empty() const noexcept {
    while (inside_ > 0) std::this_thread::yield();
  }

 private:
  struct Inside {
    explicit Inside(Entrance& entrance) noexcept : its(entrance) { ++its.inside_; }
    ~Inside() { --its.inside_; }
    Entrance& its;
  };
  std::atomic<bool> is_shut_{false};
  std::atomic<int> inside_{0};
};

template <class Inner>
class GuardedExecutor;
template <class Inner>
GuardedExecutor<Inner> guard(Inner inner, std::shared_ptr<Entrance> entrance) noexcept {
  return {std::move(inner), std::move(entrance)};
}

/// The executor behind an entrance, and its pool with it: once that is shut, what is handed over is destroyed, and with it
/// perhaps all else that keeps the pool.
template <class Inner>
class GuardedExecutor {
 public:
  GuardedExecutor(Inner inner, std::shared_ptr<Entrance> entrance) noexcept
      : entrance_(std::move(entrance)), inner_(std::move(inner)) {}

  template <class Property>
  requires(asio::can_query<const Inner&, Property>::value) decltype(auto) query(const Property& property) const
      noexcept(asio::is_nothrow_query<const Inner&, Property>::value) {
    return asio::query(inner_, property);
  }
  template <class Property>
  requires(asio::can_require<const Inner&, Property>::value) auto require(const Property& property) const {
    return guard(asio::require(inner_, property), entrance_);
  }
  template <class Property>
  requires(asio::can_prefer<const Inner&, Property>::value) auto prefer(const Property& property) const {
    return guard(asio::prefer(inner_, property), entrance_);
  }
  template <class Function>
  void execute(Function&& function) const {
    entrance_->pass([&] { inner_.execute(std::forward<Function>(function)); });
  }
  friend bool operator==(const GuardedExecutor& one, const GuardedExecutor& other) noexcept {
    return one.inner_ == other.inner_;
  }
  friend bool operator!=(const GuardedExecutor& one, const GuardedExecutor& other) noexcept { return !(one == other); }

 private:
  std::shared_ptr<Entrance> entrance_;
  Inner inner_;
};

/// Threads for handlers that may block. Shared by the hosts; ended by the service, while the loops of hosts, and of clients
/// that handlers wait for, may still have something for it.
class HandlerPool final : public asio::thread_pool, public std::enable_shared_from_this<HandlerPool> {
 public:
  explicit HandlerPool(unsigned threads) : asio::thread_pool(threads) {}

  /// Where one delivery is handled: its handler, middleware and whatever they wait for never run at the same time.
  asio::any_io_executor make_strand() {
    return guard(asio::make_strand(get_executor()), std::shared_ptr<Entrance>(shared_from_this(), &entrance_));
  }

  /// How long the last probe waits for a thread; puts one there if none does. Any thread.
  std::chrono::milliseconds waits() {
    using Time = std::chrono::steady_clock;
    const auto now = Time::now().time_since_epoch();
    const auto since = Time::duration(probed_at_.load());
    if (since.count()) return std::chrono::duration_cast<std::chrono::milliseconds>(now - since);
    Time::rep none = 0;
    if (probed_at_.compare_exchange_strong(none, now.count())) {
      asio::post(make_strand(), [weak = weak_from_this()] {
        if (const auto self = weak.lock()) self->probed_at_ = 0;
      });
    }
    return std::chrono::milliseconds(0);
  }

  /// Whether this is one of its threads.
  bool runs_here() noexcept { return get_executor().running_in_this_thread(); }

  /// Waits for handlers that run. Those that wait for something are destroyed where they stand. Not on one of its threads.
  void end() {
    entrance_.shut();
    stop();
    join();
    entrance_.wait_until_empty();  // shutdown() takes Asio's queue for its own
    shutdown();
  }

 private:
  Entrance entrance_;
  std::atomic<std::chrono::steady_clock::rep> probed_at_{0};  // 0: no probe waits
};

}  // namespace waybill::detail
