// Deafness: whether a consumer is one in name only. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

namespace waybill::amqp {

/// RabbitMQ 3 moves the consumers of a quorum queue that is deleted and soon made again to the new one, and delivers nothing to
/// them: the queue holds messages, its consumer could take some, and none comes. It is suspected once; then not again before a
/// message came, since who stands behind another consumer (x-single-active-consumer) gets none either.
///
/// Threads: one.
class Deafness {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  static constexpr std::chrono::seconds k_patience{3};
  /// At least: who stood still has seen the queue before, and what came since not yet.
  static constexpr int k_looks = 3;

  void message_came() noexcept {
    since_.reset();
    may_suspect_ = true;
  }
  /// The queue holds so many messages; `has_room`: the consumer may be given more, and none is on its way. True: it is to be
  /// made anew.
  bool is_suspected(std::uint64_t waiting, bool has_room, TimePoint now) noexcept {
    if (waiting == 0 || !has_room || !may_suspect_) {
      since_.reset();
      return false;
    }
    if (!since_) {
      since_ = now;
      looks_ = 0;
    }
    if (++looks_ < k_looks || now - *since_ < k_patience) return false;
    since_.reset();
    may_suspect_ = false;
    return true;
  }

 private:
  std::optional<TimePoint> since_;  ///< From when on it holds messages that do not come.
  int looks_ = 0;
  bool may_suspect_ = true;
};

}  // namespace waybill::amqp
