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
  void delivered(std::uint64_t tag) { tags_.push_back({tag, false, false}); }
  /// It was asked for (basic.get), and takes no place in the window of the consumer.
  void fetched(std::uint64_t tag) {
    tags_.push_back({tag, false, true});
    ++fetched_;
  }
  /// To be acknowledged by the next flush(). False for a tag that is not outstanding.
  bool ack(std::uint64_t tag) noexcept;
  /// Settled in another way: no acknowledgement follows. False for a tag that is not outstanding.
  bool forget(std::uint64_t tag) noexcept;
  /// Delivered and not settled.
  bool is_outstanding(std::uint64_t tag) noexcept;
  void flush(Buffer& out, ChannelId channel);
  /// The oldest that is outstanding; 0: none.
  std::uint64_t oldest() const noexcept;
  bool has_acks() const noexcept { return acks_ != 0; }
  std::size_t outstanding() const noexcept { return tags_.size(); }
  std::size_t outstanding_fetched() const noexcept { return fetched_; }
  /// Places in the consumer's window that the next flush() leaves taken.
  std::size_t taken_after_flush() const noexcept;

 private:
  struct Tag {
    std::uint64_t tag;
    bool is_done;
    bool was_fetched;
  };
  std::vector<Tag>::iterator find(std::uint64_t tag) noexcept;
  std::vector<Tag> tags_;  ///< Ascending; at most as many as the prefetch, and those that were fetched.
  std::size_t acks_ = 0;
  std::size_t fetched_ = 0;
  std::size_t fetched_acks_ = 0;
};

}  // namespace waybill::amqp
