#include "protocol/session.hpp"

#include "protocol/command.hpp"

#include <algorithm>

namespace waybill::redis {

Session::Session(Role role, SessionOwner& owner, SessionHooks& hooks, asio::ip::tcp::socket socket,
                 socket::TlsLayerPtr tls, const Options& options, const socket::StreamLimits& limits)
    : Stream(std::move(socket), limits, std::move(tls)),
      role_(role),
      owner_(&owner),
      hooks_(&hooks),
      options_(options),
      login_(options, role == Role::publisher),
      reader_(*this, role, options.max_message) {}

void Session::on_ready() {
  start();
  Login::append_commands(options_, role_ == Role::publisher, out());
}

void Session::ask(std::initializer_list<std::string_view> words, const Question& question) {
  append_command(out(), words);
  asked(question);
}

bool Session::is_publishing(std::uint64_t call) const noexcept {
  return std::any_of(questions_.begin(), questions_.end(), [call](const Question& question) {
    return question.kind == Question::Kind::publish && question.call == call;
  });
}

void Session::ping() {
  if (role_ == Role::publisher && view_.knows_role())
    ask({"ROLE"}, {Question::Kind::role, 0, 0, nullptr});
  else
    ask({"PING"}, {Question::Kind::ping, 0, 0, nullptr});
}

std::size_t Session::on_bytes(const char* data, std::size_t size) {
  // A pause takes effect between portions; what is behind stays with the stream.
  constexpr std::size_t k_portion = 16u << 10;
  heard_ = answered_ = true;
  std::size_t at = 0;
  while (at < size && wants_bytes()) {
    const std::size_t portion = std::min(size - at, k_portion);
    if (!reader_.feed(data + at, portion)) {
      const bool is_foreign = !spoken_;
      fail(is_foreign ? no_redis(peer(), {data, size}, options_.tls)
                      : Error(errc::connection_lost, peer() + " broke the protocol: " + reader_.problem()));
      return size;
    }
    at += portion;
  }
  return at;
}

void Session::on_closed(const Error& error) {
  if (owner_) owner_->on_session_closed(error);
}

void Session::on_message(std::string_view pattern, std::string_view channel, const Slice& body) noexcept {
  if (hooks_ && is_open()) hooks_->on_message(pattern, channel, body);
}

void Session::on_subscription(Change change, std::string_view) noexcept {
  if (!is_open()) return;
  Question question;
  const bool is_new = change == Change::subscribed;
  if (!take_question(is_new ? Question::Kind::subscribe : Question::Kind::unsubscribe, question) || !hooks_) return;
  if (is_new)
    hooks_->on_subscribed(question, {});
  else
    hooks_->on_unsubscribed(question, {});
}

void Session::unasked() noexcept { fail(Error(errc::connection_lost, peer() + " answered what it was not asked")); }

/// False, and the end of the session, if the oldest question is of another kind.
bool Session::take_question(Question::Kind kind, Question& question) noexcept {
  if (!is_front(kind)) {
    unasked();
    return false;
  }
  question = questions_.front();
  questions_.pop_front();
  return true;
}

void Session::on_integer(std::int64_t value) noexcept {
  spoken_ = true;
  Question question;
  if (take_question(Question::Kind::publish, question) && hooks_) hooks_->on_published(question, value);
}

void Session::on_status(std::string_view) noexcept {
  spoken_ = true;
  if (!login_.is_done()) {
    login_.take_status();
    return login_went_on(std::nullopt);
  }
  Question question;
  if (take_question(Question::Kind::ping, question) && hooks_) hooks_->on_answered(question);
}

void Session::login_went_on(const std::optional<Error>& refused) noexcept {
  view_ = login_.view();
  if (refused) return fail(*refused);
  if (login_.is_done() && owner_) owner_->on_session_ready(role_);
}

void Session::on_error(std::string_view text) noexcept {
  spoken_ = true;
  if (!login_.is_done()) return login_went_on(login_.take_error(text, peer()));
  if (questions_.empty()) return unasked();
  const Question question = questions_.front();
  questions_.pop_front();
  if (!hooks_) return;
  switch (question.kind) {
    case Question::Kind::publish: return hooks_->on_publish_refused(question, text);
    case Question::Kind::subscribe: return hooks_->on_subscribed(question, text);
    case Question::Kind::unsubscribe: return hooks_->on_unsubscribed(question, text);
    case Question::Kind::role: view_.role_refused(); break;
    case Question::Kind::counts: break;
    case Question::Kind::ping: break;  // a sign of life, whatever it says: Redis that cannot save answers so
  }
  hooks_->on_answered(question);
}

void Session::on_element(std::size_t index, std::string_view text) noexcept {
  if (!login_.is_done()) return login_.take_text(index, text);
  if (is_front(Question::Kind::role)) view_.take_role(index, text);
}

void Session::on_element(std::size_t index, std::int64_t value) noexcept {
  if (!is_front(Question::Kind::counts) || index % 2 == 0) return;
  if (hooks_ && is_open()) hooks_->on_count(questions_.front(), index / 2, value);
}

void Session::on_array(std::size_t index, std::size_t size) noexcept {
  if (!login_.is_done()) return login_.take_array(index, size);
  if (is_front(Question::Kind::role)) view_.take_role_array(index, size);
}

void Session::on_array_end() noexcept {
  spoken_ = true;
  if (!login_.is_done()) return login_went_on(login_.take_end(peer()));
  if (role_ == Role::subscriber) return;  // a push that is not known here
  if (!is_front(Question::Kind::role) && !is_front(Question::Kind::counts)) return unasked();
  const bool is_role = is_front(Question::Kind::role);
  const Question question = questions_.front();
  questions_.pop_front();
  if (is_role && is_replica()) {
    return fail(Error(errc::connection_lost, peer() + " is a replica by now, from which nothing gets to its primary"));
  }
  if (hooks_) hooks_->on_answered(question);
}

}  // namespace waybill::redis
