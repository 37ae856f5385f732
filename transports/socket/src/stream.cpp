// Stream: its life from handshake to close, and its reading. Writing is in stream_write.cpp.
#include "waybill/transports/socket/stream.hpp"

#include "scratch.hpp"
#include "stream_handlers.hpp"
#include "tls_layer.hpp"
#include "waybill/detail/clock.hpp"
#include "waybill/transports/socket/dial.hpp"

#include <asio/error.hpp>
#include <asio/post.hpp>
#include <poll.h>

#include <algorithm>
#include <atomic>
#include <utility>

namespace waybill::socket {
namespace {

constexpr std::size_t k_own_tail = 64u << 10;       // an unfinished tail from here on is read into in place
constexpr std::size_t k_tls_read = 16u << 10;       // one TLS record
constexpr std::size_t k_least_own_read = 2u << 10;  // room for one read where little comes at a time
constexpr std::size_t k_most_own_read = 16u << 10;  // a turn that reads more is a bulk turn
constexpr std::size_t k_most_discarded = 8u << 20;  // of input after finish()
constexpr int k_rounds = 4;                         // reads in one turn, so that other streams get theirs
constexpr std::chrono::seconds k_finish_time{5};
constexpr std::chrono::milliseconds k_look_pause{100};  // of is_left(), which may be asked for each message

std::atomic<std::size_t> g_buffered{0};

}  // namespace

std::size_t buffered_bytes() noexcept { return g_buffered.load(std::memory_order_relaxed); }

Stream::Stream(asio::ip::tcp::socket socket, const StreamLimits& limits, TlsLayerPtr tls)
    : socket_(std::move(socket)),
      tls_(std::move(tls)),
      own_read_(tls_ ? k_tls_read : k_least_own_read),
      limits_(limits) {
  asio::error_code ec;
  socket_.set_option(asio::ip::tcp::no_delay(true), ec);
  socket_.non_blocking(true, ec);
  const auto remote = socket_.remote_endpoint(ec);
  peer_ = ec ? std::string("a peer that has left") : to_text(remote);
}

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

void Stream::start() {
  if (state_ == State::opening) state_ = State::open;
  started_ = true;
  end_of_turn();
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

void Stream::pause() { paused_ = true; }

void Stream::resume() {
  if (!paused_) return;
  paused_ = false;
  unfed_ = !tail_.empty();
  post_turn();
}

void Stream::continue_reading() {
  if (!started_ || reading_ || eof_ || state_ == State::closed) return;
  if (state_ == State::open) {
    if (!wants_bytes()) return;
    if (unfed_) {
      post_turn();
      return;
    }
  }
  if (tls_ && state_ == State::finishing) return;  // the TLS layer reads the other side's goodbye
  reading_ = true;
  if (bulk_) {
    socket_.async_wait(asio::socket_base::wait_read, StreamHandlers::Readable{Ref<Stream>(this)});
    return;
  }
  char* const room = tail_.prepare(own_read_);
  const std::size_t size = tail_.capacity() - tail_.size();
  if (tls_) {
    tls_->read(*this, room, size);
  } else {
    socket_.async_read_some(asio::buffer(room, size), StreamHandlers::Read{Ref<Stream>(this)});
  }
}

void Stream::handle_readable(const asio::error_code& ec) {
  reading_ = false;
  if (state_ == State::closed) return;
  batch_ = true;
  if (ec) {
    read_failed(ec);
  } else {
    adapt_reading(read_batch());
  }
  batch_ = false;
  end_of_turn();
}

void Stream::handle_read(const asio::error_code& ec, std::size_t count) {
  reading_ = false;
  if (state_ == State::closed) return;
  batch_ = true;
  if (ec) {
    read_failed(ec);
  } else {
    tail_.commit(count);
    const bool is_full = tail_.size() == tail_.capacity();
    if (state_ == State::open && !wants_bytes()) {
      unfed_ = true;
    } else {
      feed(tail_.data(), tail_.size(), true);
      if (is_full && !tls_ && state_ != State::closed) count += read_batch();
    }
    if (!tls_) adapt_reading(count);
  }
  batch_ = false;
  end_of_turn();
}

void Stream::adapt_reading(std::size_t count) noexcept {
  bulk_ = count > k_most_own_read;
  if (count >= own_read_) {
    own_read_ = std::min(own_read_ * 2, k_most_own_read);
  } else if (count < own_read_ / 4) {
    own_read_ = std::max(own_read_ / 2, k_least_own_read);
  }
}

std::size_t Stream::read_batch() {
  std::size_t total = 0;
  Scratch& scratch = Scratch::of_this_thread();
  char* const shared = scratch.lease();
  for (int round = 0; round < k_rounds; ++round) {
    if (state_ == State::open && !wants_bytes()) break;
    bool again = false;
    std::size_t count = 0;
    if (shared && tail_.size() < k_own_tail) {
      const std::size_t kept = tail_.size();
      if (kept) std::memcpy(shared, tail_.data(), kept);
      count = read_some(shared + kept, Scratch::k_read_size - kept, again);
      if (count) feed(shared, kept + count, false);
    } else {
      char* room = tail_.prepare(k_own_tail);
      count = read_some(room, tail_.capacity() - tail_.size(), again);
      tail_.commit(count);
      if (count) feed(tail_.data(), tail_.size(), true);
    }
    total += count;
    if (!again || state_ == State::closed) break;
  }
  if (shared) scratch.give_back();
  return total;
}

std::size_t Stream::read_some(char* data, std::size_t room, bool& again) {
  asio::error_code ec;
  const std::size_t count = socket_.read_some(asio::buffer(data, room), ec);
  again = count == room;
  if (ec && ec != asio::error::would_block && ec != asio::error::interrupted) read_failed(ec);
  return count;
}

void Stream::feed(const char* data, std::size_t size, bool from_tail) {
  if (state_ == State::finishing) {
    tail_.clear();
    discarded_ += size;
    if (discarded_ > k_most_discarded) fail(Error(errc::closed, peer_ + " kept sending after the end"));
    return;
  }
  const std::size_t done = on_bytes(data, size);
  if (state_ == State::closed) return;  // tail_ may be where `data` is: it goes with the stream
  if (state_ == State::finishing) {
    tail_.clear();
    return;
  }
  unfed_ = done < size && !wants_bytes();
  if (from_tail) {
    tail_.erase(0, done);
  } else {
    tail_.clear();
    tail_.append(data + done, size - done);
  }
  if (tail_.empty()) tail_.shrink(2 * own_read_);
}

void Stream::read_failed(const asio::error_code& ec) {
  if (ec == asio::error::eof) {
    eof_ = true;
    if (state_ == State::open) {
      on_eof();
    } else if (shut_down_) {
      fail(Error(errc::closed, "the connection with " + peer_ + " was closed"));
    }
    return;
  }
  fail(Error(errc::connection_lost, "the connection with " + peer_ + " broke: " + ec.message()));
}

void Stream::post_turn() {
  if (turn_posted_ || batch_ || state_ == State::closed) return;
  turn_posted_ = true;
  asio::post(socket_.get_executor(), StreamHandlers::Turn{Ref<Stream>(this)});
}

void Stream::handle_turn() {
  turn_posted_ = false;
  if (state_ == State::closed) return;
  if (unfed_ && !reading_ && wants_bytes()) {
    unfed_ = false;
    batch_ = true;
    feed(tail_.data(), tail_.size(), true);
    batch_ = false;
  }
  end_of_turn();
}

void Stream::end_of_turn() {
  flush();
  if (written_ != told_written_ && state_ != State::closed) {
    told_written_ = written_;
    on_written();
  }
  account();
  continue_reading();
}

void Stream::account() noexcept {
  const std::size_t held = tail_.capacity() + out_.capacity();
  if (held == accounted_) return;
  const std::size_t before = g_buffered.fetch_add(held - accounted_, std::memory_order_relaxed);
  const std::size_t total = before + (held - accounted_);
  const bool grew = held > accounted_;
  accounted_ = held;
  if (grew && held >= k_own_tail && total > limits_.max_process && state_ != State::closed)
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
