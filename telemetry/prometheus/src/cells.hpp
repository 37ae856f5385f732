// Counters that one thread writes at a time, and others read.
#pragma once

#include "waybill/error.hpp"
#include "waybill/status.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace waybill::telemetry {

class Cell {
 public:
  void add(std::uint64_t by = 1) noexcept { value_.store(value() + by, std::memory_order_relaxed); }
  std::uint64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

/// Upper bounds of the buckets of all histograms.
struct Bounds {
  std::vector<double> seconds;
  std::vector<std::int64_t> nanoseconds;  // the same
};

class Durations {
 public:
  explicit Durations(const Bounds& bounds)
      : bounds_(bounds), cells_(std::make_unique<Cell[]>(bounds.nanoseconds.size() + 1)) {}

  void add(std::chrono::nanoseconds took) noexcept {
    std::size_t place = 0;
    while (place < bounds_.nanoseconds.size() && took.count() > bounds_.nanoseconds[place]) ++place;
    cells_[place].add();
    sum_.add(static_cast<std::uint64_t>(took.count()));
  }
  std::size_t size() const noexcept { return bounds_.nanoseconds.size() + 1; }
  std::uint64_t in(std::size_t bucket) const noexcept { return cells_[bucket].value(); }
  double sum() const noexcept { return static_cast<double>(sum_.value()) / 1e9; }

 private:
  const Bounds& bounds_;
  std::unique_ptr<Cell[]> cells_;  // the last: of what is longer than all bounds
  Cell sum_;                       // nanoseconds
};

/// errc by name, in their order; the first is for what is none of them.
inline constexpr std::array<std::string_view, 17> k_codes{
    "other",       "timeout", "connection_lost",  "refused",           "unauthorized", "no_handler",
    "no_receiver", "remote",  "payload_mismatch", "payload_malformed", "too_large",    "overloaded",
    "cancelled",   "closed",  "unsupported",      "invalid_config",    "internal"};

class Failures {
 public:
  void add(const Error& error) noexcept { cells_[place_of(error)].add(); }
  std::uint64_t of(std::size_t code) const noexcept { return cells_[code].value(); }

 private:
  static std::size_t place_of(const Error& error) noexcept;
  std::array<Cell, k_codes.size()> cells_;
};

/// How often a link came and went.
class Link {
 public:
  void changed(Status to) noexcept;
  Status status() const noexcept { return status_.load(std::memory_order_relaxed); }
  std::uint64_t reconnects() const noexcept { return reconnects_.value(); }

 private:
  std::atomic<Status> status_{Status::idle};
  bool was_ready_ = false;
  bool was_lost_ = false;
  Cell reconnects_;
};

}  // namespace waybill::telemetry
