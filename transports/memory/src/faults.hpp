// Faults: which packets are struck, and what becomes of them. Pure.
#pragma once

#include "waybill/transports/memory.hpp"

#include <functional>
#include <string_view>
#include <vector>

namespace waybill::memory {

class Faults {
 public:
  void add(Fault fault) { faults_.push_back({std::move(fault), 0}); }
  void clear() noexcept { faults_.clear(); }

  /// The fault that strikes the next packet of a leg, or null; valid until the next add or clear.
  const Fault* strike(Leg leg, std::string_view route) noexcept;

 private:
  struct Entry {
    Fault fault;
    std::size_t seen = 0;  ///< Matching packets so far.
  };
  std::vector<Entry> faults_;
};

/// Packets of one leg that wait to be overtaken.
class HeldBack {
 public:
  /// REQUIRES: behind > 0.
  void hold(unsigned behind, std::function<void()> arrive) { held_.push_back({behind, std::move(arrive)}); }
  /// Another packet has arrived: returns those that it was the last to overtake.
  std::vector<std::function<void()>> overtake();
  std::vector<std::function<void()>> take_all();

 private:
  struct Entry {
    unsigned behind;
    std::function<void()> arrive;
  };
  std::vector<Entry> held_;
};

}  // namespace waybill::memory
