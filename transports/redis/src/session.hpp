// Session: one connection to the server, from its login to its end. Which role it plays is its link's business.
#pragma once

#include "login.hpp"
#include "resp_reader.hpp"
#include "waybill/transport.hpp"
#include "waybill/transports/socket/stream.hpp"

#include <deque>
#include <string>
#include <string_view>

namespace waybill::redis {

/// What was asked of a publisher and is not answered yet; what it is about is for its asker.
struct Question {
  enum class Kind : std::uint8_t { publish, counts, ping };
  Kind kind = Kind::publish;
  Ticket ticket = 0;
  std::uint64_t call = 0;  ///< CallTable's key; 0: none.
  void* about = nullptr;
};

/// What sessions tell the link that they are of. Never after Session::leave(). Must not throw.
class SessionHooks {
 public:
  virtual void on_message(std::string_view pattern, std::string_view channel, const Slice& body) noexcept = 0;
  virtual void on_subscription(RespSink::Change change, std::string_view name) noexcept = 0;
  /// The oldest SUBSCRIBE that is not acknowledged yet was refused.
  virtual void on_subscription_refused(std::string_view reason) noexcept = 0;
  virtual void on_published(const Question& question, std::int64_t receivers) noexcept = 0;
  virtual void on_publish_refused(const Question& question, std::string_view reason) noexcept = 0;
  virtual void on_count(std::string_view channel, std::int64_t count) noexcept {
    (void)channel;
    (void)count;
  }

 protected:
  ~SessionHooks() = default;
};

/// What sessions tell whoever opens them.
class SessionOwner {
 public:
  virtual void on_session_ready() = 0;
  virtual void on_session_closed(const Error& error) = 0;

 protected:
  ~SessionOwner() = default;
};

/// Threads:  its link's executor.
/// Lifetime: counted by its owner and by its operations; after leave() it calls nobody.
class Session final : public socket::Stream, private RespSink {
 public:
  using Role = RespReader::Role;

  /// `limits`: Stream's. `options` must outlive it.
  Session(Role role, SessionOwner& owner, SessionHooks& hooks, asio::ip::tcp::socket socket, socket::TlsLayerPtr tls,
          const Options& options, const socket::StreamLimits& limits);

  void leave() noexcept { owner_ = nullptr, hooks_ = nullptr; }

  /// To be called for each question that was written into out(). Publishers only.
  void asked(const Question& question) { questions_.push_back(question); }
  bool has_questions() const noexcept { return !questions_.empty(); }

  /// Asks the server for a sign of life.
  void ping();
  /// True if bytes have come since the last call.
  bool was_heard() noexcept { return std::exchange(heard_, false); }

  bool is_logged_in() const noexcept { return login_.is_done(); }

 private:
  void on_ready() override;
  std::size_t on_bytes(const char* data, std::size_t size) override;
  void on_closed(const Error& error) override;
  void watch_deadline() override {}  // the owner watches

  void on_message(std::string_view pattern, std::string_view channel, const Slice& body) noexcept override;
  void on_subscription(Change change, std::string_view name) noexcept override;
  void on_integer(std::int64_t value) noexcept override;
  void on_status(std::string_view text) noexcept override;
  void on_error(std::string_view text) noexcept override;
  void on_count(std::string_view channel, std::int64_t count) noexcept override;
  void on_counts_end() noexcept override;

  bool take_question(Question& question) noexcept;

  const Role role_;
  SessionOwner* owner_;
  SessionHooks* hooks_;
  const Options& options_;
  const bool is_tls_;
  Login login_;
  RespReader reader_;
  std::deque<Question> questions_;
  bool heard_ = false;
  bool spoken_ = false;  ///< The server has said something that is RESP.
};

}  // namespace waybill::redis
