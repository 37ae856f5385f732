// Stream: one live byte stream, plain or TLS, under the protocol of a transport.
#pragma once

#include "waybill/error.hpp"
#include "waybill/slice.hpp"
#include "waybill/transports/socket/ref.hpp"
#include "waybill/transports/socket/tls.hpp"

#include <asio/ip/tcp.hpp>
#include <asio/steady_timer.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace waybill::socket {

class TlsLayer;
struct Holder;

using TimePoint = std::chrono::steady_clock::time_point;

/// The system asks an idle connection's other side whether it is there, as these say: after `idle`, then every
/// `interval`; after `probes` without an answer the connection has ended. Whole seconds. 0 idle: never.
struct KeepAlive {
  std::chrono::milliseconds idle{15'000};
  std::chrono::milliseconds interval{5'000};
  int probes = 3;
};

/// Bounds of one stream; sizes in bytes.
struct StreamLimits {
  std::size_t max_unsent = 32u << 20;  ///< Produced and not yet written; beyond it the stream fails (overloaded).
  std::size_t pause_reading_at = 0;    ///< As much unsent stops reading until it is written; 0: never.
  /// What the process holds of other people's bytes; beyond it the stream that holds most fails.
  std::size_t max_process = 512u << 20;
  std::chrono::milliseconds write_timeout{0};   ///< Nothing unsent taken for that long: the stream fails. 0: never.
  std::chrono::milliseconds unsent_timeout{0};  ///< Bytes that stay unsent for that long, though others go. 0: never.
  /// What was sent is not acknowledged by the other side's system for that long, however patient its program is: the
  /// stream fails. Needs check_deadline(). 0: never.
  std::chrono::milliseconds ack_timeout{0};
  KeepAlive keep_alive;
};

/// Reads, writes and closes one socket. A protocol derives from it: it takes bytes in on_bytes() and appends what it
/// answers to out(), and nothing else. What one read produced leaves in one write; what is produced outside of a read
/// leaves together, at the end of the turn of the loop.
///
/// Threads:  everything on the socket's executor, which must be serial.
/// Lifetime: counted; operations under way hold a count, so close() is safe anywhere, within callbacks too.
/// Memory:   a stream that waits holds 2 KiB, or 16 where as much is usual, and up to twice that once a message came in
///           pieces: where little comes at a time it is read without asking the system first whether it is there. Much at
///           a time goes into one buffer of the thread, and only an unfinished tail stays here. A tail beyond 64 KiB is
///           read in place and grows as bytes arrive.
class Stream {
 public:
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  void retain() noexcept { ++references_; }
  void release() noexcept {
    if (--references_ == 0) delete this;
  }

  /// Starts the TLS handshake, or completes at once on a plain stream: on_ready() follows, or on_closed().
  /// `deadline` is kept by check_deadline().
  void handshake(TimePoint deadline);
  /// Starts reading. REQUIRES: the stream is ready.
  void start();

  /// Where output is appended; it is written by itself. The reference is valid until the next call on the stream.
  Buffer& out();
  /// Forgets output that was not yet given to the socket.
  void discard_output() noexcept;
  std::size_t unsent_bytes() const noexcept { return out_.size() - head_ + flying_; }
  /// Bytes given to the socket since the start.
  std::uint64_t written_bytes() const noexcept { return written_; }
  /// The count of written_bytes() once all that is in out() now will be written.
  std::uint64_t produced_bytes() const noexcept { return written_ + unsent_bytes(); }

  void pause();   ///< Stops reading; on_bytes() is not called until resume(). Within on_bytes(): return at once.
  void resume();  ///< Goes on, from the loop.
  /// False when on_bytes() should return: paused, closed, or too much is unsent.
  bool wants_bytes() const noexcept {
    return state_ == State::open && !paused_ &&
           (!limits_.pause_reading_at || unsent_bytes() < limits_.pause_reading_at);
  }
  bool is_open() const noexcept { return state_ == State::open; }
  /// True once the other side has said FIN. Where reading is held back and thus does not tell, the system is asked, ten
  /// times a second at most.
  bool is_left() const noexcept;
  bool is_closed() const noexcept { return state_ == State::closed; }

  /// Writes what is unsent, says FIN, waits for the other side's and closes; on_closed() follows. Input is discarded.
  /// Bounded by a few seconds through check_deadline().
  void finish();
  /// The same for an owner that goes now: no callback follows, and the stream keeps its time by itself: some seconds, or
  /// up to half a minute as long as the other side takes what it was sent.
  void finish_alone();
  /// True when all that was sent and the end itself have arrived at the other side's system.
  bool is_delivered() const noexcept;
  /// Now; no callback follows.
  void close();
  /// Closes; on_closed() follows from the loop.
  void fail(Error error);

  /// Ends the stream when its deadline has passed. Returns true if there still is one to watch.
  bool check_deadline(TimePoint now);

  const std::string& peer() const noexcept { return peer_; }  ///< "127.0.0.1:51234"
  /// Of the other side, where TLS has asked for its certificate. REQUIRES: the stream is ready.
  std::optional<TlsIdentity> identity() const;
  asio::ip::tcp::socket& socket() noexcept { return socket_; }

 protected:
  /// Takes a connected socket. `tls` is null for a plain stream.
  Stream(asio::ip::tcp::socket socket, const StreamLimits& limits, TlsLayerPtr tls);
  virtual ~Stream();

  virtual void on_ready() {}
  /// Bytes from the socket, k_padding readable ones behind them. Returns how many of them are done with; the rest comes
  /// again, with more behind it. May call anything on the stream.
  virtual std::size_t on_bytes(const char* data, std::size_t size) = 0;
  /// The other side said FIN. What it sent before has been handed over.
  virtual void on_eof() { fail(Error(errc::connection_lost, peer_ + " closed the connection")); }
  /// written_bytes() has grown.
  virtual void on_written() {}
  /// The stream is closed and this was not asked for by close(). Once, from the loop.
  virtual void on_closed(const Error& error) = 0;
  /// A deadline was set: check_deadline() must be called now and then from here on.
  virtual void watch_deadline() = 0;

  /// What the protocol keeps elsewhere of what this stream brought (messages in hand) counts as the stream's.
  void keep(std::ptrdiff_t by);
  std::size_t kept_bytes() const noexcept { return kept_; }
  /// Three quarters of what the process may hold are held: who can wait takes nothing new.
  bool is_process_short() const noexcept;

  /// The stream fails with `timeout` at `deadline`; TimePoint::max() for never.
  void set_deadline(TimePoint deadline);
  /// Of written_bytes(), as far as the other side's system has said that it has them; in TLS about.
  std::uint64_t acknowledged_bytes() const noexcept;
  TimePoint deadline() const noexcept { return deadline_; }

 private:
  friend class TlsLayer;
  friend struct StreamHandlers;
  enum class State : std::uint8_t { opening, open, finishing, closed };

  void handle_readable(const asio::error_code& ec);
  void handle_read(const asio::error_code& ec, std::size_t count);
  void adapt_reading(std::size_t count) noexcept;
  std::size_t read_batch();
  std::size_t read_some(char* data, std::size_t room, bool& again);
  void feed(const char* data, std::size_t size, bool from_tail);
  void continue_reading();
  void post_turn();
  void handle_turn();
  void end_of_turn();

  void flush();
  void expect_progress();
  void expect_acknowledgement();
  bool is_vanished(TimePoint now) noexcept;
  std::size_t unacknowledged_bytes() const noexcept;
  void wait_writable();
  /// The socket takes more, or TLS has written `count` bytes.
  void handle_written(const asio::error_code& ec, std::size_t count);
  void output_written(std::size_t count);
  void shut_down();

  void handle_handshake(const asio::error_code& ec, const std::string& story);
  void handle_refusal(const std::string& story);
  void handle_tls_shut_down();

  void read_failed(const asio::error_code& ec);
  void write_failed(const asio::error_code& ec);
  void look_after_itself(std::size_t unacknowledged, int turns);
  void discard_input();
  void end();
  void account();
  void unlist() noexcept;
  void make_room(std::size_t limit);

  asio::ip::tcp::socket socket_;
  TlsLayerPtr tls_;
  Buffer tail_;  // read and not yet taken by on_bytes(); a read under way that is no bulk appends to it
  Buffer out_;   // produced; from head_ on not yet written
  std::size_t head_ = 0;
  std::size_t flying_ = 0;  // bytes in the TLS layer's hands
  std::uint64_t written_ = 0;
  std::uint64_t told_written_ = 0;
  std::uint64_t unsent_mark_ = 0;  // of written_: what unsent_deadline_ is about
  std::size_t kept_ = 0;           // elsewhere
  std::size_t accounted_ = 0;      // our part of the process's count
  std::size_t discarded_ = 0;      // while finishing
  std::size_t own_read_;           // room for one read in tail_
  TimePoint deadline_ = TimePoint::max();
  TimePoint write_deadline_ = TimePoint::max();  // set while a write waits for the other side
  TimePoint unsent_deadline_ = TimePoint::max();
  TimePoint look_for_ack_ = TimePoint::max();   // with awaits_ack_
  TimePoint unheard_since_ = TimePoint::max();  // with awaits_ack_
  mutable TimePoint look_again_;                // is_left()
  const StreamLimits limits_;
  std::shared_ptr<Holder> holder_;                // from the first time on that it holds much
  std::unique_ptr<asio::steady_timer> own_time_;  // of finish_alone()
  std::unique_ptr<Error> failure_;
  std::string peer_;
  std::uint32_t references_ = 0;
  State state_ = State::opening;
  bool started_ = false;
  bool reading_ = false;  // an operation is under way
  bool writing_ = false;
  bool batch_ = false;  // within a handler of ours: what is produced is flushed at its end
  bool turn_posted_ = false;
  mutable bool left_ = false;
  bool bulk_ = false;  // the last turn read much: the next one waits, then reads into the thread's buffer
  bool paused_ = false;
  bool unfed_ = false;  // tail_ may hold whole messages
  bool eof_ = false;
  bool shut_down_ = false;
  bool says_goodbye_ = false;  // in TLS
  bool broken_ = false;        // nothing can be written; what has arrived is still read
  bool plain_end_ = false;     // TLS has said goodbye: what still comes is discarded as it is
  bool awaits_ack_ = false;    // something was written whose acknowledgement was not seen
};

void keep_alive(int descriptor, const KeepAlive& rules) noexcept;

/// How many bytes the buffers of all streams of this process hold, and the messages in hand.
std::size_t buffered_bytes() noexcept;

}  // namespace waybill::socket
