#include "waybill/transports/memory.hpp"

#include <algorithm>
#include <map>
#include <mutex>
#include <utility>

namespace waybill::memory {

struct VirtualTime::State {
  mutable std::mutex mutex;
  Duration now{0};
  std::multimap<Duration, std::function<void()>> calls;  // equal times keep their order of registration

  /// The next call that is due at `limit`, the clock set to its time; empty if there is none.
  std::function<void()> take_due(Duration limit) {
    const std::lock_guard lock(mutex);
    const auto first = calls.begin();
    if (first == calls.end() || first->first > limit) return {};
    now = std::max(now, first->first);
    auto call = std::move(first->second);
    calls.erase(first);
    return call;
  }
};

VirtualTime::VirtualTime() : state_(std::make_unique<State>()) {}
VirtualTime::~VirtualTime() = default;

VirtualTime::Duration VirtualTime::now() const {
  const std::lock_guard lock(state_->mutex);
  return state_->now;
}

void VirtualTime::advance(Duration by) {
  const auto limit = now() + by;
  while (auto call = state_->take_due(limit)) call();
  const std::lock_guard lock(state_->mutex);
  state_->now = std::max(state_->now, limit);
}

bool VirtualTime::advance_to_next() {
  auto call = state_->take_due(Duration::max());
  if (call) call();
  return static_cast<bool>(call);
}

void VirtualTime::call_after(Duration delay, std::function<void()> call) {
  const std::lock_guard lock(state_->mutex);
  state_->calls.emplace(state_->now + delay, std::move(call));
}

std::size_t VirtualTime::waiting() const {
  const std::lock_guard lock(state_->mutex);
  return state_->calls.size();
}

}  // namespace waybill::memory
