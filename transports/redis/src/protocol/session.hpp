// Session: one connection to the server, from its login to its end. Which role it plays is its link's business.
#pragma once

#include "protocol/login.hpp"
#include "protocol/resp_reader.hpp"
#include "waybill/transport/transport.hpp"
#include "waybill/transports/socket/stream.hpp"

#include <deque>
#include <initializer_list>
#include <string>
#include <string_view>

namespace waybill::redis {

/// What was asked of a server and is not answered yet; what it is about is for its asker. A server answers in order, so
/// an answer, an error too, is that of the oldest question.
struct Question {
  enum class Kind : std::uint8_t { publish, counts, ping, role, subscribe, unsubscribe };
  Kind kind = Kind::publish;
  Ticket ticket = 0;
  std::uint64_t call = 0;  ///< A client's: CallTable's key, 0: none. A listener's: its own number.
  void* about = nullptr;
};

/// What sessions tell the link that they are of. Never after Session::leave(). Must not throw.
class SessionHooks {
 public:
  virtual void on_message(std::string_view pattern, std::string_view channel, const Slice& body) noexcept = 0;
  /// Answers to questions. `reason`: why it was refused; empty if it was not.
  virtual void on_subscribed(const Question& question, std::string_view reason) noexcept = 0;
  virtual void on_unsubscribed(const Question& question, std::string_view reason) noexcept = 0;
  virtual void on_published(const Question& question, std::int64_t receivers) noexcept = 0;
  virtual void on_publish_refused(const Question& question, std::string_view reason) noexcept = 0;
  /// Of PUBSUB NUMSUB: how many are subscribed to the channel that was asked for at `index`.
  virtual void on_count(const Question& question, std::size_t index, std::int64_t count) noexcept {
    (void)question;
    (void)index;
    (void)count;
  }
  /// A question of another kind was answered or refused: PING, ROLE, PUBSUB NUMSUB.
  virtual void on_answered(const Question& question) noexcept = 0;

 protected:
  ~SessionHooks() = default;
};

/// What sessions tell whoever opens them.
class SessionOwner {
 public:
  virtual void on_session_ready(RespReader::Role role) = 0;
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

  /// Writes a command and notes its question.
  void ask(std::initializer_list<std::string_view> words, const Question& question);
  /// To be called for each question that was written into out() by others.
  void asked(const Question& question) { questions_.push_back(question); }
  bool has_questions() const noexcept { return !questions_.empty(); }
  /// A PUBLISH for this call is not answered yet. Looks at all of them.
  bool is_publishing(std::uint64_t call) const noexcept;

  /// Asks the server for a sign of life, and a publisher's for its role and replicas.
  void ping();
  /// True if bytes have come since the last call, or are not read for now.
  bool was_heard() noexcept { return std::exchange(heard_, false) || (is_open() && !wants_bytes()); }

  bool is_logged_in() const noexcept { return login_.is_done(); }
  bool has_spoken() const noexcept { return spoken_; }      ///< The server has said something that is RESP.
  bool has_answered() const noexcept { return answered_; }  ///< It has said something.
  bool is_replica() const noexcept { return view_.role() == ServerView::Role::replica; }
  const ServerView& view() const noexcept { return view_; }

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
  void on_element(std::size_t index, std::string_view text) noexcept override;
  void on_element(std::size_t index, std::int64_t value) noexcept override;
  void on_array(std::size_t index, std::size_t size) noexcept override;
  void on_array_end() noexcept override;

  bool take_question(Question::Kind kind, Question& question) noexcept;
  void unasked() noexcept;
  void login_went_on(const std::optional<Error>& refused) noexcept;
  bool is_front(Question::Kind kind) const noexcept { return !questions_.empty() && questions_.front().kind == kind; }

  const Role role_;
  SessionOwner* owner_;
  SessionHooks* hooks_;
  const Options& options_;
  Login login_;
  ServerView view_;
  RespReader reader_;
  std::deque<Question> questions_;
  bool heard_ = false;
  bool answered_ = false;
  bool spoken_ = false;
};

}  // namespace waybill::redis
