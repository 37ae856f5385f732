// AckWindow: deliveries of a channel that the broker waits for, acknowledged together. Pure.
#pragma once

#include "frame.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace waybill::amqp {

/// Tags come in ascending order. What is done from the oldest on goes in one acknowledgement; what is done out of turn
/// gets one of its own.
class AckWindow {
 public:
  void delivered(std::uint64_t tag) { tags_.push_back({tag, false}); }
  /// To be acknowledged by the next flush(). False for a tag that is not outstanding.
  bool ack(std::uint64_t tag) noexcept;
  /// Settled in another way: no acknowledgement follows. False for a tag that is not outstanding.
  bool forget(std::uint64_t tag) noexcept;
  /// Delivered and not settled.
  bool is_outstanding(std::uint64_t tag) noexcept;
  void flush(Buffer& out, ChannelId channel);
  bool has_acks() const noexcept { return acks_ != 0; }
  std::size_t outstanding() const noexcept { return tags_.size(); }

 private:
  struct Tag {
    std::uint64_t tag;
    bool is_done;
  };
  std::vector<Tag>::iterator find(std::uint64_t tag) noexcept;
  std::vector<Tag> tags_;  ///< Ascending; at most as many as the prefetch.
  std::size_t acks_ = 0;
};

}  // namespace waybill::amqp
