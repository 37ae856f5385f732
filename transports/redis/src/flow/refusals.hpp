// Refusals: replies that say "not by me" (no handler, overloaded, shutting down). Every subscriber of a channel gets a
// request, so one that refuses does not speak for the others: the call ends when as many have refused as got it. Pure.
#pragma once

#include "waybill/transport/packet.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <unordered_map>
#include <utility>

namespace waybill::redis {

class Refusals {
 public:
  /// A refusal came. `is_counted`: PUBLISH was answered; without an answer of more than one the call had one receiver.
  /// True: it ends the call; else it is kept until then.
  bool take(std::uint64_t call, const Packet& packet, bool is_counted) {
    auto found = calls_.find(call);
    if (found == calls_.end()) {
      if (is_counted) return true;
      found = calls_.try_emplace(call).first;
    }
    State& state = found->second;
    if (++state.refused >= state.receivers && state.receivers) return true;
    state.last = packet.own();
    return false;
  }
  /// PUBLISH was answered. REQUIRES: receivers > 0, and more than 1 unless the call is known here.
  /// The refusal that ends the call, if all have refused already.
  std::optional<Packet> counted(std::uint64_t call, std::size_t receivers) {
    State& state = calls_[call];
    state.receivers = receivers;
    if (state.refused < receivers) return std::nullopt;
    return std::move(state.last);
  }
  bool knows(std::uint64_t call) const { return !calls_.empty() && calls_.contains(call); }
  /// Of a call whose caller waits no more: how many of how many refused it; 0 if nobody did.
  struct Count {
    std::size_t refused = 0;
    std::size_t receivers = 0;
  };
  Count count(std::uint64_t call) const {
    const auto found = calls_.find(call);
    return found == calls_.end() ? Count() : Count{found->second.refused, found->second.receivers};
  }
  void forget(std::uint64_t call) {
    if (!calls_.empty()) calls_.erase(call);
  }

 private:
  struct State {
    std::size_t receivers = 0;  ///< 0: not counted yet.
    std::size_t refused = 0;
    Packet last;  ///< Owned.
  };
  std::unordered_map<std::uint64_t, State> calls_;
};

}  // namespace waybill::redis
