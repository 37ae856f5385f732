// Stream: what is watched of it: its deadlines, whether its other side is still there, and what it holds.
#include "holders.hpp"
#include "stream_handlers.hpp"
#include "waybill/detail/clock.hpp"
#include "waybill/transport/held_bytes.hpp"
#include "waybill/transports/socket/stream.hpp"

#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>

namespace waybill::socket {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds k_look_pause{100};  // of is_left(), which may be asked for each message
constexpr std::size_t k_much = 64u << 10;               // a stream that holds less is never ended for all the others
constexpr std::size_t k_tls_bytes = 40u << 10;          // of OpenSSL and of Asio's engine, for one connection
constexpr std::size_t k_grain = 4u << 10;               // of what is counted outside of the stream's buffers

int seconds_of(std::chrono::milliseconds time) noexcept {
  return static_cast<int>(std::max<long>(1, static_cast<long>((time.count() + 999) / 1000)));
}

}  // namespace

std::size_t buffered_bytes() noexcept { return transport::held_bytes(); }

void keep_alive(int descriptor, const KeepAlive& rules) noexcept {
  if (rules.idle.count() == 0) return;
  const auto set = [descriptor](int level, int option, int value) {
    setsockopt(descriptor, level, option, &value, sizeof value);
  };
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  set(IPPROTO_TCP, TCP_KEEPIDLE, seconds_of(rules.idle));
  set(IPPROTO_TCP, TCP_KEEPINTVL, seconds_of(rules.interval));
  set(IPPROTO_TCP, TCP_KEEPCNT, rules.probes);
}

bool Stream::is_left() const noexcept {
  if (broken_) return true;
  if (eof_ || !started_ || wants_bytes()) return eof_;
#ifdef POLLRDHUP
  const TimePoint now = detail::coarse_now();
  if (left_ || now < look_again_) return left_;
  look_again_ = now + k_look_pause;
  pollfd watched{const_cast<asio::ip::tcp::socket&>(socket_).native_handle(), POLLRDHUP, 0};
  left_ = poll(&watched, 1, 0) > 0;
#endif
  return left_;
}

std::size_t Stream::unacknowledged_bytes() const noexcept {
  int bytes = 0;
  if (ioctl(const_cast<asio::ip::tcp::socket&>(socket_).native_handle(), SIOCOUTQ, &bytes) != 0) return 0;
  return static_cast<std::size_t>(std::max(bytes, 0));
}

std::uint64_t Stream::acknowledged_bytes() const noexcept {
  return written_ - std::min<std::uint64_t>(written_, unacknowledged_bytes());
}

bool Stream::is_delivered() const noexcept {
  return state_ == State::closed || (shut_down_ && !unsent_bytes() && !unacknowledged_bytes());
}

void Stream::account() {
  const std::size_t held =
      tail_.capacity() + out_.capacity() + flying_ + kept_ / k_grain * k_grain + (tls_ ? k_tls_bytes : 0);
  if (held == accounted_) return;
  const bool grew = held > accounted_;
  const std::size_t total = transport::hold_bytes(static_cast<std::ptrdiff_t>(held - accounted_));
  accounted_ = held;
  if (held < k_much) return unlist();
  if (!holder_) holder_ = std::make_shared<Holder>(*this, socket_.get_executor());
  holder_->bytes.store(held, std::memory_order_relaxed);
  if (!holder_->is_listed) {
    Holders::of_this_process().add(holder_);
    holder_->is_listed = true;
  }
  if (grew && total > limits_.max_process) Holders::of_this_process().relieve(total, limits_.max_process);
}

void Stream::unlist() noexcept {
  if (!holder_ || !holder_->is_listed) return;
  Holders::of_this_process().remove(*holder_);
  holder_->is_listed = false;
}

void Stream::make_room(std::size_t limit) {
  if (state_ == State::closed) return;
  fail(Error(errc::overloaded, "all connections together hold more than " + std::to_string(limit) +
                                   " bytes; the one with " + peer_ + " held most and was closed"));
}

bool Stream::is_process_short() const noexcept { return transport::held_bytes() > limits_.max_process / 4 * 3; }

void Stream::keep(std::ptrdiff_t by) {
  const std::size_t before = kept_ / k_much;
  kept_ += static_cast<std::size_t>(by);
  if (kept_ / k_much != before) account();
}

void Stream::set_deadline(TimePoint deadline) {
  deadline_ = deadline;
  if (deadline != TimePoint::max()) watch_deadline();
}

void Stream::expect_progress() {
  if (limits_.write_timeout.count() == 0 && limits_.unsent_timeout.count() == 0) return;
  const TimePoint now = detail::coarse_now();
  if (limits_.write_timeout.count()) write_deadline_ = now + limits_.write_timeout;
  if (limits_.unsent_timeout.count() && unsent_deadline_ == TimePoint::max()) {
    unsent_mark_ = produced_bytes();
    unsent_deadline_ = now + limits_.unsent_timeout;
  }
  watch_deadline();
}

void Stream::expect_acknowledgement() {
  if (awaits_ack_ || limits_.ack_timeout.count() == 0) return;
  awaits_ack_ = true;
  unheard_since_ = TimePoint::max();
  look_for_ack_ = detail::coarse_now() + limits_.ack_timeout / 4;
  watch_deadline();
}

/// TCP_USER_TIMEOUT would do this by itself, but it also ends connections whose other side only pauses its reading.
bool Stream::is_vanished(TimePoint now) noexcept {
  if (!awaits_ack_ || now < look_for_ack_) return false;
  look_for_ack_ = now + limits_.ack_timeout / 4;
  if (!unacknowledged_bytes()) {
    awaits_ack_ = false;
    return false;
  }
  tcp_info info{};
  socklen_t size = sizeof info;
  if (getsockopt(socket_.native_handle(), IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return false;
  const TimePoint heard = now - std::chrono::milliseconds(info.tcpi_last_ack_recv);
  // Who only pauses is asked ever more rarely whether it reads again, and answers; among the first questions, which are
  // less than half a second apart, systems leave one without an answer.
  const unsigned unanswered = info.tcpi_backoff <= 3 ? 1 : 0;
  const bool is_pausing = info.tcpi_unacked == 0 && info.tcpi_probes <= unanswered;
  if (unheard_since_ == TimePoint::max() || is_pausing) {
    unheard_since_ = now;
  } else if (heard > unheard_since_) {
    unheard_since_ = heard;
  }
  return now - unheard_since_ >= limits_.ack_timeout;
}

bool Stream::check_deadline(TimePoint now) {
  if (state_ == State::closed) return false;
  if (is_vanished(now)) {
    fail(Error(errc::timeout, peer_ + " has vanished: its system has not acknowledged what was sent to it for " +
                                  std::to_string(limits_.ack_timeout.count()) + " ms"));
    return false;
  }
  const TimePoint next = std::min({deadline_, write_deadline_, unsent_deadline_});
  if (now < next) return next != TimePoint::max() || awaits_ack_;
  if (now >= write_deadline_) {
    fail(Error(errc::timeout, peer_ + " takes nothing of what is sent to it"));
  } else if (now >= unsent_deadline_) {
    fail(Error(errc::timeout, peer_ + " takes what is sent to it too slowly"));
  } else if (state_ == State::finishing) {
    fail(Error(errc::closed, peer_ + " did not close its side"));
  } else if (state_ == State::opening) {
    fail(Error(errc::timeout, peer_ + " did not finish the TLS handshake in time", End::rejected));
  } else {
    fail(Error(errc::timeout, peer_ + " did not finish a message in time"));
  }
  return false;
}

}  // namespace waybill::socket
