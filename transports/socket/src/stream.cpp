// Stream: what it reads and what it writes. How it begins and ends is in stream_life.cpp.
#include "waybill/transports/socket/stream.hpp"

#include "scratch.hpp"
#include "stream_handlers.hpp"
#include "tls_layer.hpp"
#include "waybill/detail/clock.hpp"
#include "waybill/detail/read_scope.hpp"
#include "waybill/transport/held_bytes.hpp"
#include "waybill/transports/socket/dial.hpp"

#include <asio/error.hpp>
#include <asio/post.hpp>

#include <algorithm>
#include <exception>
#include <utility>

namespace waybill::socket {
namespace {

constexpr std::size_t k_own_tail = 64u << 10;        // an unfinished tail from here on is read into in place
constexpr std::size_t k_tls_read = 16u << 10;        // one TLS record
constexpr std::size_t k_least_own_read = 2u << 10;   // room for one read where little comes at a time
constexpr std::size_t k_most_own_read = 16u << 10;   // a turn that reads more is a bulk turn
constexpr std::size_t k_most_discarded = 64u << 20;  // of input after finish()
constexpr std::size_t k_eager = 256u << 10;          // as much is written at once, in the middle of a turn too
constexpr int k_rounds = 4;                          // reads in one turn, so that other streams get theirs

}  // namespace

Stream::Stream(asio::ip::tcp::socket socket, const StreamLimits& limits, TlsLayerPtr tls)
    : socket_(std::move(socket)),
      tls_(std::move(tls)),
      own_read_(tls_ ? k_tls_read : k_least_own_read),
      limits_(limits) {
  asio::error_code ec;
  socket_.set_option(asio::ip::tcp::no_delay(true), ec);
  socket_.non_blocking(true, ec);
  keep_alive(socket_.native_handle(), limits_.keep_alive);
  transport::note_held_limit(limits_.max_process);
  const auto remote = socket_.remote_endpoint(ec);
  peer_ = ec ? std::string("a peer that has left") : to_text(remote);
}

void Stream::start() {
  if (state_ == State::opening) state_ = State::open;
  started_ = true;
  end_of_turn();
}

void Stream::pause() { paused_ = true; }

void Stream::resume() {
  if (!paused_) return;
  paused_ = false;
  unfed_ = !tail_.empty();
  post_turn();
}

// Reading: where little comes at a time, into the stream's own tail; where much comes, into a buffer of the thread.

void Stream::continue_reading() {
  if (!started_ || reading_ || eof_ || state_ == State::closed) return;
  if (state_ == State::open) {
    if (!wants_bytes()) return;
    if (unfed_) {
      post_turn();
      return;
    }
  }
  if (tls_ && state_ == State::finishing && !plain_end_) return;
  reading_ = true;
  if (bulk_ || plain_end_) {
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
  if (plain_end_) {
    tail_.clear();  // of a read that TLS still had under way
  } else if (ec) {
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
  std::size_t done = 0;
  try {
    const waybill::detail::ReadScope read;
    done = on_bytes(data, size);
  } catch (...) {
    // A serializer's, or no memory: how far it got is unknown, so this stream ends; who runs the loop sees it.
    fail(Error(errc::internal, "what " + peer_ + " sent could not be handled: an exception was thrown"));
    asio::post(socket_.get_executor(), [thrown = std::current_exception()] { std::rethrow_exception(thrown); });
  }
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
    expect_acknowledgement();
    on_written();
  }
  account();
  continue_reading();
}

// Writing: what is ready together leaves in one write, tried at once and without waiting.

Buffer& Stream::out() {
  if (state_ == State::closed || broken_) {  // nobody will read it
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
  if (!batch_) post_turn();  // else it is flushed at the turn's end
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
  if (broken_) {
    out_.clear();
    head_ = 0;
  }
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
    write_failed(ec);
  } else if (out_.size() > head_) {
    wait_writable();
  } else if (state_ == State::finishing) {
    shut_down();
  }
}

void Stream::output_written(std::size_t count) {
  written_ += count;
  if (written_ >= unsent_mark_) unsent_deadline_ = TimePoint::max();
  head_ += count;
  if (head_ == out_.size()) {
    out_.clear();
    head_ = 0;
    Scratch::of_this_thread().return_output(out_);
  } else if (head_ > k_eager && head_ > out_.size() / 2) {  // seldom enough that moving costs nothing
    out_.erase(0, std::exchange(head_, 0));
  }
}

/// A peer that has left may have sent something before: it is read until its end shows there, too.
void Stream::write_failed(const asio::error_code& ec) {
  out_.clear();
  head_ = 0;
  write_deadline_ = unsent_deadline_ = TimePoint::max();
  if (state_ != State::open || !started_ || eof_) {
    fail(Error(errc::connection_lost, "writing to " + peer_ + " failed: " + ec.message()));
    return;
  }
  broken_ = true;
  awaits_ack_ = false;
  continue_reading();
}

void Stream::wait_writable() {
  writing_ = true;
  expect_progress();
  socket_.async_wait(asio::socket_base::wait_write, StreamHandlers::Writable{Ref<Stream>(this)});
}

void Stream::handle_written(const asio::error_code& ec, std::size_t count) {
  writing_ = false;
  write_deadline_ = TimePoint::max();
  flying_ = 0;
  if (state_ == State::closed) return;
  if (ec) return write_failed(ec);
  written_ += count;
  if (written_ >= unsent_mark_) unsent_deadline_ = TimePoint::max();
  end_of_turn();
}

}  // namespace waybill::socket
