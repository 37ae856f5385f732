#include "protocol/login.hpp"

#include "protocol/command.hpp"

#include <algorithm>

namespace waybill::redis {
namespace {

bool has_auth(const Options& options) noexcept { return !options.user.empty() || !options.password.empty(); }

bool mentions_auth(std::string_view answer) noexcept {
  constexpr std::string_view k_auth = "auth";
  const auto same = [](char a, char b) { return (a | 0x20) == b; };
  return std::search(answer.begin(), answer.end(), k_auth.begin(), k_auth.end(), same) != answer.end();
}

}  // namespace

Login::Login(const Options& options, bool is_publisher) {
  if (has_auth(options)) steps_[count_++] = Step::auth;
  steps_[count_++] = Step::hello;
  if (is_publisher) steps_[count_++] = Step::role;
  steps_[count_++] = Step::ping;
}

void Login::append_commands(const Options& options, bool is_publisher, Buffer& out) {
  if (!options.user.empty())
    append_command(out, {"AUTH", options.user, options.password});
  else if (has_auth(options))
    append_command(out, {"AUTH", options.password});
  append_command(out, {"HELLO", "2", "SETNAME", "waybill"});
  if (is_publisher) append_command(out, {"ROLE"});
  append_command(out, {"PING"});
}

std::optional<Error> Login::take_error(std::string_view answer, const std::string& server) {
  if (is_done()) return std::nullopt;
  const Step step = steps_[at_];
  const auto begins = [answer](std::string_view word) { return answer.starts_with(word); };
  const bool is_shut = begins("NOAUTH") || begins("WRONGPASS") || begins("DENIED") || begins("LOADING") ||
                       begins("BUSY") || begins("MASTERDOWN") || begins("ERR max number of clients");
  if (is_shut || step == Step::auth || (step == Step::ping && begins("NOPERM"))) return refusal(answer, server);
  if (step == Step::role) view_.role_refused();
  next();
  return std::nullopt;
}

void Login::take_text(std::size_t index, std::string_view text) {
  if (is_done()) return;
  if (steps_[at_] == Step::hello) view_.take_hello(index, text);
  if (steps_[at_] == Step::role) view_.take_role(index, text);
}

void Login::take_array(std::size_t index, std::size_t size) noexcept {
  if (!is_done() && steps_[at_] == Step::role) view_.take_role_array(index, size);
}

std::optional<Error> Login::take_end(const std::string& server) {
  next();
  if (view_.role() == ServerView::Role::replica || view_.role() == ServerView::Role::sentinel)
    return not_primary(server, view_.role());
  return std::nullopt;
}

Error Login::refusal(std::string_view answer, const std::string& server) const {
  const std::string said = ": " + printable(answer);
  if (answer.starts_with("WRONGPASS") || answer.starts_with("ERR invalid password")) {
    return Error(errc::unauthorized, server + " refused the user and password of the URL" + said, End::rejected);
  }
  if (answer.starts_with("NOAUTH")) {
    return Error(errc::unauthorized, server + " wants a password: redis://user:password@host" + said, End::rejected);
  }
  if (steps_[at_] == Step::auth && answer.starts_with("ERR") && mentions_auth(answer)) {
    return Error(errc::unauthorized, server + " does not take the URL's user and password" + said, End::rejected);
  }
  if (answer.starts_with("NOPERM") || answer.starts_with("DENIED")) {
    return Error(errc::unauthorized, server + " does not let this client in" + said, End::rejected);
  }
  return Error(errc::refused, server + " is not ready" + said, End::rejected);  // LOADING, max number of clients
}

Error no_redis(const std::string& server, std::string_view first_bytes, bool is_tls) {
  const bool looks_like_tls = first_bytes.starts_with("\x15\x03");
  const bool is_passing = first_bytes.starts_with("HTTP/1.") && first_bytes.substr(8).starts_with(" 5");
  std::string text = "what answers at " + server + " is no Redis server";
  if (!is_tls && looks_like_tls)
    text += " without TLS: write rediss://";
  else
    text += " (it says \"" + printable(first_bytes.substr(0, 80)) + "\"): correct host and port of the URL";
  return Error(is_passing ? errc::refused : errc::invalid_config, std::move(text), End::rejected);
}

Error not_primary(const std::string& server, ServerView::Role role) {
  if (role == ServerView::Role::sentinel)
    return Error(errc::refused, server + " is a Sentinel, which is not asked: name the primary", End::rejected);
  return Error(errc::refused, server + " is a replica, from which nothing gets to its primary: name the primary",
               End::rejected);
}

std::string printable(std::string_view text) {
  constexpr std::size_t k_most = 200;
  std::string out(text.substr(0, k_most));
  for (char& c : out)
    if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) > 0x7E) c = '.';
  return out;
}

}  // namespace waybill::redis
