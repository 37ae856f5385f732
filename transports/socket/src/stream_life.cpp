// Stream: how it begins and how it ends.
#include "holders.hpp"
#include "stream_handlers.hpp"
#include "tls_layer.hpp"
#include "waybill/transport/held_bytes.hpp"
#include "waybill/transports/socket/stream.hpp"

#include <asio/error.hpp>
#include <asio/post.hpp>

#include <utility>

namespace waybill::socket {
namespace {

constexpr std::chrono::seconds k_finish_time{5};
constexpr std::chrono::seconds k_look_time{1};
constexpr int k_most_looks = 30;

}  // namespace

Stream::~Stream() {
  unlist();
  if (holder_) holder_->stream = nullptr;
  transport::hold_bytes(-static_cast<std::ptrdiff_t>(accounted_));
}

void Stream::handshake(TimePoint deadline) {
  if (!tls_) {
    asio::post(socket_.get_executor(), StreamHandlers::Ready{Ref<Stream>(this)});
    return;
  }
  set_deadline(deadline);
  tls_->handshake(*this);
}

std::optional<TlsIdentity> Stream::identity() const { return tls_ ? tls_->identity() : std::nullopt; }

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

void Stream::handle_refusal(const std::string& story) {
  reading_ = false;
  fail(Error(errc::unauthorized, "TLS with " + peer_ + " ended: " + story, End::rejected));
}

void Stream::finish() {
  if (state_ == State::finishing || state_ == State::closed) return;
  if (state_ == State::opening) return fail(Error(errc::closed, "closed before " + peer_ + " had said anything"));
  state_ = State::finishing;
  set_deadline(std::chrono::steady_clock::now() + k_finish_time);
  post_turn();
}

void Stream::finish_alone() {
  if (state_ == State::closed) return;
  if (state_ == State::opening || !started_ || broken_ || eof_) return close();
  own_time_ = std::make_unique<asio::steady_timer>(socket_.get_executor());
  look_after_itself(0, 0);
  finish();
}

void Stream::look_after_itself(std::size_t unacknowledged, int turns) {
  own_time_->expires_after(k_look_time);
  own_time_->async_wait([self = Ref<Stream>(this), unacknowledged, turns](const asio::error_code& ec) {
    if (ec || self->is_closed()) return;
    const std::size_t left = self->unsent_bytes() + self->unacknowledged_bytes();
    const bool goes_on = left && (!turns || left < unacknowledged);
    if (turns >= k_most_looks || (turns * k_look_time >= k_finish_time && !goes_on)) return self->close();
    self->look_after_itself(left, turns + 1);
  });
}

void Stream::shut_down() {
  if (shut_down_) return;
  if (tls_ && !plain_end_) {
    if (!std::exchange(says_goodbye_, true)) tls_->shut_down(*this);
    return;
  }
  shut_down_ = true;
  asio::error_code ec;
  socket_.shutdown(asio::socket_base::shutdown_send, ec);
  if (eof_ || !started_) fail(Error(errc::closed, "the connection with " + peer_ + " was closed"));
}

void Stream::handle_tls_shut_down() {
  if (state_ == State::closed) return;
  plain_end_ = true;
  shut_down();
  continue_reading();
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
  deadline_ = write_deadline_ = unsent_deadline_ = TimePoint::max();
  own_time_.reset();
  if (holder_) holder_->is_asked = true;  // what it holds goes with it
  asio::error_code ec;
  socket_.close(ec);
}

}  // namespace waybill::socket
