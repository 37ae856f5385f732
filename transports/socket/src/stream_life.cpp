// Stream: how it begins and ends, its deadlines, and its part of what all streams may hold.
#include "stream_handlers.hpp"
#include "tls_layer.hpp"
#include "waybill/detail/clock.hpp"
#include "waybill/transports/socket/stream.hpp"

#include <asio/error.hpp>
#include <asio/post.hpp>
#include <poll.h>

#include <algorithm>
#include <atomic>
#include <utility>

namespace waybill::socket {
namespace {

constexpr std::chrono::seconds k_finish_time{5};
constexpr std::chrono::milliseconds k_look_pause{100};  // of is_left(), which may be asked for each message
constexpr std::size_t k_much = 64u << 10;               // a stream that holds less is never ended for all the others

std::atomic<std::size_t> g_buffered{0};

}  // namespace

std::size_t buffered_bytes() noexcept { return g_buffered.load(std::memory_order_relaxed); }

Stream::~Stream() { g_buffered.fetch_sub(accounted_, std::memory_order_relaxed); }

void Stream::handshake(TimePoint deadline) {
  if (!tls_) {
    asio::post(socket_.get_executor(), StreamHandlers::Ready{Ref<Stream>(this)});
    return;
  }
  set_deadline(deadline);
  tls_->handshake(*this);
}

void Stream::handle_handshake(const asio::error_code& ec, const std::string& story) {
  if (state_ == State::closed) return;
  set_deadline(TimePoint::max());
  if (ec) {
    fail(Error(story.empty() ? errc::refused : errc::unauthorized,
               "TLS with " + peer_ + " failed: " + (story.empty() ? ec.message() : story), End::rejected));
    return;
  }
  state_ = State::open;
  on_ready();
}

bool Stream::is_left() const noexcept {
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

void Stream::account() noexcept {
  const std::size_t held = tail_.capacity() + out_.capacity();
  if (held == accounted_) return;
  const std::size_t before = g_buffered.fetch_add(held - accounted_, std::memory_order_relaxed);
  const std::size_t total = before + (held - accounted_);
  const bool grew = held > accounted_;
  accounted_ = held;
  if (grew && held >= k_much && total > limits_.max_process && state_ != State::closed)
    fail(Error(errc::overloaded, "all connections together hold more than " + std::to_string(limits_.max_process) +
                                     " bytes; the one with " + peer_ + " was closed"));
}

void Stream::set_deadline(TimePoint deadline) {
  deadline_ = deadline;
  if (deadline != TimePoint::max()) watch_deadline();
}

bool Stream::check_deadline(TimePoint now) {
  if (state_ == State::closed) return false;
  if (now < deadline_ && now < write_deadline_) return std::min(deadline_, write_deadline_) != TimePoint::max();
  if (now >= write_deadline_) {
    fail(Error(errc::timeout, peer_ + " takes nothing of what is sent to it"));
  } else if (state_ == State::finishing) {
    fail(Error(errc::closed, peer_ + " did not close its side"));
  } else if (state_ == State::opening) {
    fail(Error(errc::timeout, peer_ + " did not finish the TLS handshake in time", End::rejected));
  } else {
    fail(Error(errc::timeout, peer_ + " did not finish a message in time"));
  }
  return false;
}

void Stream::finish() {
  if (state_ == State::finishing || state_ == State::closed) return;
  state_ = State::finishing;
  set_deadline(std::chrono::steady_clock::now() + k_finish_time);
  post_turn();
}

void Stream::shut_down() {
  if (shut_down_) return;
  shut_down_ = true;
  if (tls_) {
    tls_->shut_down(*this);
    return;
  }
  asio::error_code ec;
  socket_.shutdown(asio::socket_base::shutdown_send, ec);
  if (eof_ || !started_) fail(Error(errc::closed, "the connection with " + peer_ + " was closed"));
}

void Stream::handle_tls_shut_down() {
  if (state_ == State::closed) return;
  asio::error_code ec;
  socket_.shutdown(asio::socket_base::shutdown_send, ec);
  fail(Error(errc::closed, "the connection with " + peer_ + " was closed"));
}

void Stream::close() {
  if (state_ == State::closed) return;
  // Closing with unread input would make the system answer with a reset, which may overtake what was written.
  if (started_) discard_input();
  end();
}

void Stream::fail(Error error) {
  if (state_ == State::closed) return;
  failure_ = std::make_unique<Error>(std::move(error));
  end();
  asio::post(socket_.get_executor(), StreamHandlers::Closed{Ref<Stream>(this)});
}

void Stream::discard_input() {
  char room[4096];
  asio::error_code ec;
  for (int i = 0; i < 64 && !ec; ++i) socket_.read_some(asio::buffer(room), ec);
}

void Stream::end() {
  state_ = State::closed;
  deadline_ = write_deadline_ = TimePoint::max();
  asio::error_code ec;
  socket_.close(ec);
}

}  // namespace waybill::socket
