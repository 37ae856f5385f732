// Stream's writing: what is ready together leaves in one write, tried at once and without waiting.
#include "scratch.hpp"
#include "stream_handlers.hpp"
#include "tls_layer.hpp"
#include "waybill/detail/clock.hpp"
#include "waybill/transports/socket/stream.hpp"

#include <asio/error.hpp>

namespace waybill::socket {
namespace {

constexpr std::size_t k_eager = 256u << 10;  // as much is written at once, in the middle of a turn too

}  // namespace

Buffer& Stream::out() {
  if (state_ == State::closed) {  // nobody will read it
    out_.clear();
    head_ = 0;
    return out_;
  }
  if (out_.size() - head_ >= k_eager) {
    if (!writing_) flush();
    if (unsent_bytes() > limits_.max_unsent)
      fail(Error(errc::overloaded,
                 peer_ + " reads too slowly: " + std::to_string(unsent_bytes()) + " bytes wait for it"));
  }
  if (out_.capacity() == 0) Scratch::of_this_thread().lend_output(out_);
  post_turn();
  return out_;
}

void Stream::discard_output() noexcept {
  if (tls_ || !writing_) {
    out_.clear();
    head_ = 0;
  }
}

void Stream::flush() {
  if (writing_ || state_ == State::closed || state_ == State::opening) return;
  if (out_.size() == head_) {
    if (state_ == State::finishing) shut_down();
    return;
  }
  if (tls_) {
    writing_ = true;
    flying_ = out_.size() - head_;
    Buffer bytes;
    bytes = std::move(out_);
    const std::size_t from = std::exchange(head_, 0);
    expect_progress();
    tls_->write(*this, std::move(bytes), from);
    return;
  }
  asio::error_code ec;
  const std::size_t count = socket_.write_some(asio::buffer(out_.data() + head_, out_.size() - head_), ec);
  output_written(count);
  if (ec && ec != asio::error::would_block && ec != asio::error::interrupted) {
    fail(Error(errc::connection_lost, "writing to " + peer_ + " failed: " + ec.message()));
  } else if (out_.size() > head_) {
    wait_writable();
  } else if (state_ == State::finishing) {
    shut_down();
  }
}

void Stream::output_written(std::size_t count) {
  written_ += count;
  head_ += count;
  if (head_ == out_.size()) {
    out_.clear();
    head_ = 0;
    Scratch::of_this_thread().return_output(out_);
  } else if (head_ > k_eager && head_ > out_.size() / 2) {  // seldom enough that moving costs nothing
    out_.erase(0, std::exchange(head_, 0));
  }
}

void Stream::expect_progress() {
  if (limits_.write_timeout.count() == 0) return;
  write_deadline_ = detail::coarse_now() + limits_.write_timeout;
  watch_deadline();
}

void Stream::wait_writable() {
  writing_ = true;
  expect_progress();
  socket_.async_wait(asio::socket_base::wait_write, StreamHandlers::Writable{Ref<Stream>(this)});
}

void Stream::handle_writable(const asio::error_code& ec) {
  writing_ = false;
  write_deadline_ = TimePoint::max();
  if (state_ == State::closed) return;
  if (ec) {
    fail(Error(errc::connection_lost, "writing to " + peer_ + " failed: " + ec.message()));
    return;
  }
  end_of_turn();
}

void Stream::handle_tls_written(const asio::error_code& ec, std::size_t count) {
  writing_ = false;
  write_deadline_ = TimePoint::max();
  flying_ = 0;
  if (state_ == State::closed) return;
  if (ec) {
    fail(Error(errc::connection_lost, "writing to " + peer_ + " failed: " + ec.message()));
    return;
  }
  written_ += count;
  end_of_turn();
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

}  // namespace waybill::socket
