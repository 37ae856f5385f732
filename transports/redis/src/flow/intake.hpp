// Intake: messages that wait for handlers, and how many are in hand. Pub/sub cannot be held back, so what waits has a
// bound in bytes. Pure: no socket.
#pragma once

#include "flow/channel_table.hpp"

#include <cstddef>
#include <deque>
#include <utility>

namespace waybill::redis {

class Intake {
 public:
  struct Waiting {
    Channel* channel = nullptr;
    Slice body;
  };
  static constexpr std::size_t k_weight_of_message = 128;  ///< Beside its bytes.

  Intake(std::size_t max_in_flight, std::size_t max_bytes, std::size_t max_in_hand = SIZE_MAX) noexcept
      : max_in_flight_(max_in_flight ? max_in_flight : 1), max_bytes_(max_bytes), max_in_hand_(max_in_hand) {}

  /// False: a message that comes now may be handed over at once.
  bool must_wait() const noexcept { return is_held_ || is_full() || !waiting_.empty(); }
  /// False: there is no room.
  bool put(Channel& channel, const Slice& body) {
    const std::size_t weight = weight_of(channel, body);
    if (bytes_ + weight > max_bytes_) return false;
    bytes_ += weight;
    ++channel.queued;
    channel.use();
    waiting_.push_back({&channel, Slice::copy(body.view())});
    return true;
  }
  /// One of those that wait may be handed over.
  bool has_next() const noexcept { return !waiting_.empty() && !is_held_ && !is_full(); }
  /// The oldest; its channel is to be unuse()d. REQUIRES: something waits.
  Waiting take() {
    Waiting next = std::move(waiting_.front());
    waiting_.pop_front();
    --next.channel->queued;
    bytes_ -= weight_of(*next.channel, next.body);
    return next;
  }
  bool is_empty() const noexcept { return waiting_.empty(); }
  bool is_idle() const noexcept { return in_flight_ == 0; }
  /// Throws away what waits: the link has ended, and its channels with it.
  void clear() noexcept {
    waiting_.clear();
    bytes_ = 0;
  }
  std::size_t bytes() const noexcept { return bytes_; }

  void hold(bool on) noexcept { is_held_ = on; }
  /// Deliveries in hand. True for the first, and for the last.
  bool begin() noexcept { return in_flight_++ == 0; }
  bool end() noexcept { return --in_flight_ == 0; }
  /// Of those in hand.
  void hold_bytes(std::ptrdiff_t by) noexcept { in_hand_ += static_cast<std::size_t>(by); }

 private:
  bool is_full() const noexcept { return in_flight_ >= max_in_flight_ || in_hand_ >= max_in_hand_; }
  /// The first message of a channel pays for the channel.
  static std::size_t weight_of(const Channel& channel, const Slice& body) noexcept {
    return body.size() + k_weight_of_message + (channel.is_glob && channel.queued == 0 ? channel.weight() : 0);
  }
  const std::size_t max_in_flight_;
  const std::size_t max_bytes_;
  const std::size_t max_in_hand_;
  std::deque<Waiting> waiting_;
  std::size_t bytes_ = 0;
  std::size_t in_flight_ = 0;
  std::size_t in_hand_ = 0;  // bytes
  bool is_held_ = false;
};

}  // namespace waybill::redis
