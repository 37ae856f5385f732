// The kit for testing services and clients: a broker of their own, faults on demand, and a clock that does not wait.
#pragma once

#include "waybill/dead_letters.hpp"
#include "waybill/detail/kept_outcome.hpp"
#include "waybill/transports/memory.hpp"
#include "waybill/waybill.hpp"

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>

#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace waybill {

/// One loop, one broker and one clock: all that a service and its clients need in a test, and nothing that others share.
/// Time is virtual: a deadline of thirty seconds or five attempts with their pauses take no time, and always the same way.
/// What a handler waits for is to be a waybill::Timer; Asio's own timers, sockets and threads stay in the system's time, and
/// the bed then cannot know how far to move the clock.
///
/// Threads:  one. Handler pools (`handler_threads`) are for tests in real time.
/// Lifetime: outlives what is made on its loop. Services are to be closed before they go.
class TestBed {
 public:
  /// `log_level`: of the lines that log() keeps.
  explicit TestBed(LogLevel log_level = LogLevel::debug);
  ~TestBed();
  TestBed(const TestBed&) = delete;
  TestBed& operator=(const TestBed&) = delete;

  asio::io_context& loop() noexcept { return *loop_; }
  asio::any_io_executor executor() noexcept { return loop_->get_executor(); }
  VirtualTime& time() noexcept { return *time_; }
  /// Faults, counters, links that are cut: see docs/transports/memory.md.
  memory::Broker& broker() noexcept { return *broker_; }
  /// That of waybill, but that `memory` is broker().
  const std::shared_ptr<const Registry>& registry() const noexcept { return registry_; }

  /// One listener and a client's side of broker(): `options` as in a URL, "attempts=3&dead_letter=dead".
  Config config(std::string_view options = {}) const;
  ClientConfig client_config(std::string_view options = {}) const;
  Client client(std::string_view options = {}) { return Client(executor(), client_config(options), registry_, log_); }
  const Log& log() const noexcept { return log_; }
  /// What services with log_to(bed.log_sink()) and the bed's clients logged, as "warning the text", oldest first.
  LogSink log_sink() const;
  const std::vector<std::string>& log_lines() const noexcept { return *lines_; }
  bool has_logged(std::string_view part) const;

  /// Runs until `work` has ended and returns what it gives; throws what it throws. Moves the clock whenever nothing else
  /// is left to do. Throws Error(timeout) when nothing is left to wait for either, or after `limit` of virtual time.
  template <class T>
  T run(asio::awaitable<T> work, std::chrono::milliseconds limit = k_patience);
  /// The same until the condition holds; false where run() would throw.
  bool eventually(const std::function<bool()>& condition, std::chrono::milliseconds limit = k_patience);
  /// Runs all that is ready, and what that makes ready; the clock stands still. What must not happen has had its chance.
  /// Throws Error(timeout), as all that runs, after a million steps without a pause.
  void settle();
  /// Moves the clock, step by step, and runs what becomes ready.
  void advance(std::chrono::milliseconds by);

  /// What was parked in a channel (`dead_letter` of a listener), oldest first.
  std::vector<DeadLetter> dead_letters(const std::string& channel) const { return broker_->dead_letters(channel); }

  static constexpr std::chrono::hours k_patience{1};

 private:
  std::shared_ptr<VirtualTime> time_;
  std::unique_ptr<asio::io_context> loop_;
  std::shared_ptr<memory::Broker> broker_;
  std::shared_ptr<const Registry> registry_;
  std::shared_ptr<std::vector<std::string>> lines_;
  Log log_;
};

template <class T>
T TestBed::run(asio::awaitable<T> work, std::chrono::milliseconds limit) {
  auto outcome = std::make_shared<detail::KeptOutcome<T>>();
  auto keeping = detail::keep_outcome(std::move(work), outcome);
  asio::co_spawn(*loop_, std::move(keeping), [](std::exception_ptr) {});
  if (!eventually([&outcome] { return outcome->is_done; }, limit)) {
    throw Error(errc::timeout, "nothing is left that could end what the test runs", End::unknown);
  }
  return outcome->take();
}

}  // namespace waybill
