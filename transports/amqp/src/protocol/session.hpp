// Session: the protocol of one connection, without a socket: the handshake, channels, calls and their answers, messages
// put together from frames.
#pragma once

#include "protocol/frame.hpp"
#include "protocol/method.hpp"
#include "protocol/properties.hpp"
#include "waybill/result.hpp"
#include "waybill/slice.hpp"

#include <array>
#include <chrono>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace waybill::amqp {

/// Where a session's bytes go to.
class Output {
 public:
  virtual Buffer& output() = 0;

 protected:
  ~Output() = default;
};

/// A message as it came.
struct Incoming {
  const Properties& properties;
  const Slice& body;
  const Slice& whole;  ///< From the payload of its header frame to the end of its body; body is its end.
};

/// What a session tells. Everything it shows is valid until the call returns. A call may use the session.
class SessionUser {
 public:
  /// The broker has let us in.
  virtual void on_session_open() = 0;
  /// The broker ended the connection or cannot be understood. Nothing follows, and nothing must be sent any more.
  virtual void on_session_failed(const Error& error) = 0;
  /// deliver, get-ok or return, with its message.
  virtual void on_message(ChannelId channel, const Method& method, const Incoming& message) = 0;
  /// The same of a message that is larger than Login::max_message or has a header that is none: its bytes were passed
  /// over.
  virtual void on_unreadable(ChannelId channel, const Method& method, const Error& why) {
    (void)channel, (void)method, (void)why;
  }
  /// What nobody asked for: ack, nack, cancel.
  virtual void on_method(ChannelId channel, const Method& method) = 0;
  /// The broker closed the channel; its calls have failed before. It may be opened again.
  virtual void on_channel_closed(ChannelId channel, const Error& error) = 0;
  /// Memory or disk of the broker are short: it takes nothing until `reason` is empty.
  virtual void on_blocked(std::string_view reason) = 0;

 protected:
  ~SessionUser() = default;
};

/// How to log in and what to agree upon.
struct Login {
  std::string user;
  std::string password;  ///< Secret.
  std::string vhost;
  std::string name;  ///< Of the connection, for the broker's people.
  std::chrono::seconds heartbeat{0};
  std::size_t max_message = 128u << 20;
};

/// Threads: one. Lifetime: as its output; `user` is told until leave().
class Session {
 public:
  static constexpr ChannelId k_channels = 7;  ///< Numbers 1 to 6 can be used.
  /// `method` is valid during the call only; get-empty and such are answers, too.
  using Done = std::function<void(const Result<Method>& answer)>;

  Session(Output& output, SessionUser& user, Login login);

  /// Nothing is told any more, and no call is answered.
  void leave() noexcept;
  void start();  ///< Says which protocol this is.
  /// Takes bytes, with k_padding readable ones behind them, and returns how many were used; the rest must come again.
  std::size_t feed(std::string_view bytes);
  bool is_failed() const noexcept { return state_ == State::failed; }
  bool is_open() const noexcept { return state_ == State::open; }
  bool has_heard() const noexcept { return has_heard_; }  ///< Anything of the protocol.
  /// feed() returns after the frame at hand; the rest must come again.
  void interrupt(bool on) noexcept { interrupted_ = on; }

  std::uint32_t frame_max() const noexcept { return frame_max_; }
  std::chrono::seconds heartbeat() const noexcept { return heartbeat_; }
  int broker_version() const noexcept { return broker_version_; }  ///< The major one, as it says; 0: it does not.
  std::string waits_for() const;  ///< What was asked for and is not answered, for people; empty: nothing.

  // REQUIRES for all of these: is_open().
  void open_channel(ChannelId channel, Done done);
  void close_channel(ChannelId channel);
  bool is_channel_open(ChannelId channel) const noexcept { return channels_[channel].state == ChannelState::open; }
  /// A message is on its way on the channel, and has not come as a whole.
  bool is_receiving(ChannelId channel) const noexcept { return channels_[channel].is_assembling; }
  /// Sends a method whose answer is one of `answers` (0: unused). Calls of one channel are answered in their order.
  /// `what` tells people what was asked for, when it fails.
  void call(ChannelId channel, amqp_method_number_t method, const void* arguments,
            std::array<amqp_method_number_t, 2> answers, std::string what, Done done);
  /// Says goodbye; nothing is sent after it. What was sent before has been taken when is_failed() turns true.
  void close();
  bool is_closing() const noexcept { return state_ == State::closing; }

 private:
  enum class State : std::uint8_t { started, wants_tune, wants_open_ok, open, closing, failed };
  enum class ChannelState : std::uint8_t { closed, open, closing };
  struct Pending {
    std::array<amqp_method_number_t, 2> answers;
    std::string what;
    Done done;
  };
  struct Channel {
    ChannelState state = ChannelState::closed;
    std::deque<Pending> pending;
    // A message whose frames did not come in one piece.
    bool is_assembling = false;
    bool has_header = false;
    bool is_passed_over = false;
    Buffer parts;  ///< Method payload, header payload, then the body so far.
    std::size_t method_size = 0;
    std::size_t header_size = 0;
    std::uint64_t body_size = 0;
    std::uint64_t body_came = 0;
  };

  bool take_frame(std::string_view bytes, std::size_t& at);
  void on_method_frame(const Frame& frame);
  void on_connection_method(const Method& method);
  void on_channel_method(ChannelId channel, const Method& method);
  void on_start(const amqp_connection_start_t& start);
  void on_tune(const amqp_connection_tune_t& tune);
  void on_close(const amqp_connection_close_t& close);
  void on_channel_close(ChannelId channel, const amqp_channel_close_t& close);
  bool answer(ChannelId channel, const Method& method);

  /// A method with content at `at`, with all of its frames behind it: Cut::frame. `broken`: they are mixed with others.
  Cut take_whole_message(std::string_view bytes, std::size_t& at, const Frame& method);
  void begin_assembly(const Frame& method);
  void assemble(const Frame& frame);
  void deliver(ChannelId channel, std::string_view method, std::string_view header, const Slice& whole,
               std::size_t body_size);
  void pass_over(ChannelId channel, std::string_view method, const Error& why);
  void take_goodbye(const Frame& frame);

  bool decode(std::string_view payload, Method& method);
  void fail_calls(Channel& channel, const Error& error);
  void fail(Error error);
  void broken(std::string_view why);

  Output& output_;
  SessionUser* user_;
  Login login_;
  Pool pool_;
  Buffer joined_;
  std::array<Channel, k_channels> channels_;
  std::uint32_t frame_max_ = k_wanted_frame_max;
  std::chrono::seconds heartbeat_{0};
  int broker_version_ = 0;
  State state_ = State::started;
  bool has_heard_ = false;
  bool interrupted_ = false;
};

}  // namespace waybill::amqp
