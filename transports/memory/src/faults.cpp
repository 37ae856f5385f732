#include "faults.hpp"

#include <utility>

namespace waybill::memory {

const Fault* Faults::strike(Leg leg, std::string_view route) noexcept {
  for (auto& [fault, seen] : faults_) {
    if (fault.leg != Leg::both && fault.leg != leg) continue;
    if (!fault.route.empty() && fault.route != route && !matches(fault.route, route)) continue;
    const auto number = seen++;
    if (number < fault.skip || number - fault.skip >= fault.times) continue;
    return &fault;
  }
  return nullptr;
}

std::vector<std::function<void()>> HeldBack::overtake() {
  std::vector<std::function<void()>> due;
  std::vector<Entry> still;
  for (auto& entry : held_) {
    if (--entry.behind == 0) {
      due.push_back(std::move(entry.arrive));
    } else {
      still.push_back(std::move(entry));
    }
  }
  held_ = std::move(still);
  return due;
}

std::vector<std::function<void()>> HeldBack::take_all() {
  std::vector<std::function<void()>> all;
  for (auto& entry : std::exchange(held_, {})) all.push_back(std::move(entry.arrive));
  return all;
}

}  // namespace waybill::memory
