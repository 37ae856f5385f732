#include "session.hpp"

#include "command.hpp"

#include <algorithm>

namespace waybill::redis {

Session::Session(Role role, SessionOwner& owner, SessionHooks& hooks, asio::ip::tcp::socket socket,
                 socket::TlsLayerPtr tls, const Options& options, const socket::StreamLimits& limits)
    : Stream(std::move(socket), limits, std::move(tls)),
      role_(role),
      owner_(&owner),
      hooks_(&hooks),
      options_(options),
      is_tls_(options.tls),
      login_(options),
      reader_(*this, role, options.max_message) {}

void Session::on_ready() {
  start();
  Login::append_commands(options_, out());
}

void Session::ping() {
  append_command(out(), {"PING"});
  if (role_ == Role::publisher) asked({Question::Kind::ping, 0, 0, nullptr});
}

std::size_t Session::on_bytes(const char* data, std::size_t size) {
  // A pause takes effect between portions; what is behind stays with the stream.
  constexpr std::size_t k_portion = 16u << 10;
  heard_ = true;
  std::size_t at = 0;
  while (at < size && wants_bytes()) {
    const std::size_t portion = std::min(size - at, k_portion);
    if (!reader_.feed(data + at, portion)) {
      const bool is_foreign = !spoken_;
      fail(is_foreign ? no_redis(peer(), {data, size}, is_tls_)
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

void Session::on_subscription(Change change, std::string_view name) noexcept {
  if (hooks_ && is_open()) hooks_->on_subscription(change, name);
}

bool Session::take_question(Question& question) noexcept {
  if (questions_.empty()) {
    fail(Error(errc::connection_lost, peer() + " answered what it was not asked"));
    return false;
  }
  question = questions_.front();
  questions_.pop_front();
  return true;
}

void Session::on_integer(std::int64_t value) noexcept {
  Question question;
  if (role_ == Role::publisher && take_question(question) && hooks_) hooks_->on_published(question, value);
}

void Session::on_status(std::string_view) noexcept {
  spoken_ = true;
  if (login_.is_done()) {
    Question question;
    if (role_ == Role::publisher) take_question(question);
    return;
  }
  login_.take_status();
  if (login_.is_done() && owner_) owner_->on_session_ready();
}

void Session::on_error(std::string_view text) noexcept {
  spoken_ = true;
  if (!login_.is_done()) return fail(login_.refusal(text, peer()));
  if (role_ == Role::subscriber) {
    if (hooks_) hooks_->on_subscription_refused(text);
    return;
  }
  Question question;
  if (take_question(question) && question.kind == Question::Kind::publish && hooks_)
    hooks_->on_publish_refused(question, text);
}

void Session::on_count(std::string_view channel, std::int64_t count) noexcept {
  if (hooks_ && is_open()) hooks_->on_count(channel, count);
}

void Session::on_counts_end() noexcept {
  Question question;
  take_question(question);
}

}  // namespace waybill::redis
