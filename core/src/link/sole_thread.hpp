// Debug builds notice when two threads are at once in what belongs to one loop: a host that forgot the strand. In release
// builds this is nothing.
#pragma once

#include <string>

#ifndef NDEBUG
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <thread>
#endif

namespace waybill::detail {

class SoleThread {
 public:
#ifdef NDEBUG
  explicit SoleThread(std::string) {}
#else
  /// `what`: whose loop it is, for people.
  explicit SoleThread(std::string what) : what_(std::move(what)) {}
#endif

  /// Stands at the beginning of a function that only the loop may run. Must not live across a co_await.
  class Visit {
   public:
#ifdef NDEBUG
    explicit Visit(SoleThread&) noexcept {}
    ~Visit() {}  // NOLINT: or it would be an unused variable
#else
    explicit Visit(SoleThread& place) : place_(place) {
      const std::thread::id me = std::this_thread::get_id();
      std::thread::id inside;
      is_first_ = place.inside_.compare_exchange_strong(inside, me);
      if (!is_first_ && inside != me) place.fail();
    }
    ~Visit() {
      if (is_first_) place_.inside_ = std::thread::id();
    }
#endif
    Visit(const Visit&) = delete;
    Visit& operator=(const Visit&) = delete;

#ifndef NDEBUG
   private:
    SoleThread& place_;
    bool is_first_;
#endif
  };

#ifndef NDEBUG
 private:
  [[noreturn]] void fail() const {
    std::fprintf(
        stderr,
        "waybill: two threads are in the loop of %s: an io_context that several threads run must be handed over as "
        "asio::make_strand(loop)\n",
        what_.c_str());
    std::abort();
  }
  std::atomic<std::thread::id> inside_{};
  const std::string what_;
#endif
};

}  // namespace waybill::detail
