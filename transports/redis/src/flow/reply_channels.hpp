// ReplyChannels: which reply channels a client is subscribed to, and for whom. Decides; its link sends. Pure.
#pragma once

#include "flow/call_table.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace waybill::redis {

/// A pattern that requests were sent to.
struct ReplyChannel {
  enum class State : std::uint8_t { subscribing, subscribed };

  std::string route;
  std::string channel;  ///< Where requests go: the route behind the prefix.
  std::string replies;  ///< Where replies come from.
  std::string head;     ///< PUBLISH's, for requests.
  State state = State::subscribing;
  bool warned = false;             ///< That several services answer.
  bool warned_of_silence = false;  ///< That some refuse, and others say nothing.
  std::size_t calls = 0;           ///< In flight or waiting for the subscription.
  std::uint64_t last_used = 0;
};

class ReplyChannels {
 public:
  ReplyChannels(std::string prefix, std::size_t most);

  /// The channel of a route. A new one is in the state subscribing: `unsubscribe` then names what must be given up for
  /// it, the one unused for the longest; empty if nothing.
  struct Found {
    ReplyChannel* channel = nullptr;
    bool is_new = false;
    std::string unsubscribe;
  };
  Found find_or_add(std::string_view route);
  /// By the name that replies come from; null if it is none of ours.
  ReplyChannel* by_replies(std::string_view replies) noexcept;
  /// The subscription was refused.
  void remove(ReplyChannel& channel);

  void call_begins(std::uint64_t key, ReplyChannel& channel) {
    if (calls_.insert(key, channel)) ++channel.calls;
  }
  /// False if there is no such call.
  bool call_ends(std::uint64_t key) noexcept {
    ReplyChannel* const channel = calls_.erase(key);
    if (channel) --channel->calls;
    return channel != nullptr;
  }
  ReplyChannel* channel_of_call(std::uint64_t key) const noexcept { return calls_.find(key); }

  std::size_t size() const noexcept { return by_route_.size(); }

 private:
  std::string give_up_one();

  const std::string prefix_;
  const std::size_t most_;
  std::unordered_map<std::string_view, std::unique_ptr<ReplyChannel>> by_route_;  // keys are views of the values
  std::unordered_map<std::string_view, ReplyChannel*> by_replies_;
  ReplyChannel* last_ = nullptr;        // requests to one pattern come in rows
  ReplyChannel* last_reply_ = nullptr;  // and so do their replies
  CallTable calls_;
  std::uint64_t uses_ = 0;
};

}  // namespace waybill::redis
