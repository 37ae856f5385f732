// CallerWatch: whether the callers of requests in hand are still there. While handlers run nothing is published, so the
// server is asked. Pure: says what to ask, and takes the answers.
#pragma once

#include "flow/channel_table.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace waybill::redis {

class CallerWatch {
 public:
  static constexpr std::size_t k_asked_at_once = 256;

  explicit CallerWatch(ChannelTable& table) noexcept : table_(table) {}
  CallerWatch(const CallerWatch&) = delete;
  CallerWatch& operator=(const CallerWatch&) = delete;

  /// The channels whose replies' subscribers are to be counted by one PUBSUB NUMSUB; they stay until done().
  /// REQUIRES: done() was called for those before.
  const std::vector<Channel*>& ask() {
    number_ = table_.number();
    asked_ = table_.to_ask_for(k_asked_at_once);
    for (Channel* channel : asked_) channel->use();
    return asked_;
  }
  void take_count(std::size_t index, std::int64_t count) noexcept {
    if (count == 0 && index < asked_.size()) asked_[index]->heard_by_nobody(number_);
  }
  /// All counts have come, or none will.
  void done() noexcept {
    for (Channel* channel : asked_) channel->unuse();
    asked_.clear();
  }

 private:
  ChannelTable& table_;
  std::vector<Channel*> asked_;
  std::uint64_t number_ = 0;
};

}  // namespace waybill::redis
