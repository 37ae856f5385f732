// AckWindow: deliveries of a channel that the broker waits for, acknowledged together. Pure.
#pragma once

#include "protocol/frame.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace waybill::amqp {

/// Tags come in ascending order. What is done from the oldest on goes in one acknowledgement; what is done out of turn
/// gets one of its own.
class AckWindow {
 public:
  /// `print`: the owner's own note (take_all).
  void delivered(std::uint64_t tag, std::uint64_t print = 0) { tags_.push_back({tag, print, false, false}); }
  /// It was asked for (basic.get), and takes no place in the window of the consumer.
  void fetched(std::uint64_t tag, std::uint64_t print = 0) {
    tags_.push_back({tag, print, false, true});
    ++fetched_;
  }
  /// To be acknowledged by the next flush(). False for a tag that is not outstanding.
  bool ack(std::uint64_t tag) noexcept;
  /// Settled in another way: no acknowledgement follows. False for a tag that is not outstanding.
  bool forget(std::uint64_t tag) noexcept;
  /// Delivered and not settled.
  bool is_outstanding(std::uint64_t tag) noexcept;
  void flush(Buffer& out, ChannelId channel);
  struct Tag {
    std::uint64_t tag;
    std::uint64_t print;
    bool is_done;  ///< Acknowledged, and not flushed.
    bool was_fetched;
  };
  /// The channel is gone: all that it had delivered, in ascending order. Nothing is left.
  std::vector<Tag> take_all() noexcept;
  /// The owner's note; 0 for a tag that is not outstanding.
  std::uint64_t print_of(std::uint64_t tag) noexcept;
  /// The oldest that is outstanding; 0: none.
  std::uint64_t oldest() const noexcept;
  bool has_acks() const noexcept { return acks_ != 0; }
  std::size_t outstanding() const noexcept { return tags_.size(); }
  std::size_t outstanding_fetched() const noexcept { return fetched_; }
  /// Places in the consumer's window that the next flush() leaves taken.
  std::size_t taken_after_flush() const noexcept;

 private:
  std::vector<Tag>::iterator find(std::uint64_t tag) noexcept;
  std::vector<Tag> tags_;  ///< Ascending; at most as many as the prefetch, and those that were fetched.
  std::size_t acks_ = 0;
  std::size_t fetched_ = 0;
  std::size_t fetched_acks_ = 0;
};

}  // namespace waybill::amqp
