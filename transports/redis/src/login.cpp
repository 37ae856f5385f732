#include "login.hpp"

#include "command.hpp"

namespace waybill::redis {

void Login::append_commands(const Options& options, Buffer& out) {
  if (!options.user.empty())
    append_command(out, {"AUTH", options.user, options.password});
  else if (!options.password.empty())
    append_command(out, {"AUTH", options.password});
  append_command(out, {"PING"});
}

Error Login::refusal(std::string_view answer, const std::string& server) const {
  const std::string said = ": " + printable(answer);
  if (answer.starts_with("WRONGPASS") || answer.starts_with("ERR invalid password")) {
    return Error(errc::unauthorized, server + " refused the user and password of the URL" + said, End::rejected);
  }
  if (answer.starts_with("NOAUTH")) {
    return Error(errc::unauthorized, server + " wants a password: redis://user:password@host" + said, End::rejected);
  }
  if (has_password_ && answers_ == 0 && answer.starts_with("ERR")) {
    return Error(errc::unauthorized, server + " does not take the URL's user and password" + said, End::rejected);
  }
  if (answer.starts_with("NOPERM") || answer.starts_with("DENIED")) {
    return Error(errc::unauthorized, server + " does not let this client in" + said, End::rejected);
  }
  return Error(errc::refused, server + " is not ready" + said, End::rejected);  // LOADING, max number of clients
}

Error no_redis(const std::string& server, std::string_view first_bytes, bool is_tls) {
  const bool looks_like_tls = first_bytes.starts_with("\x15\x03");
  std::string text = "what answers at " + server + " is no Redis server";
  if (!is_tls && looks_like_tls)
    text += " without TLS: write rediss://";
  else
    text += " (it says \"" + printable(first_bytes) + "\"): correct host and port of the URL";
  return Error(errc::invalid_config, std::move(text), End::rejected);
}

std::string printable(std::string_view text) {
  constexpr std::size_t k_most = 80;
  std::string out(text.substr(0, k_most));
  for (char& c : out)
    if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) > 0x7E) c = '.';
  return out;
}

}  // namespace waybill::redis
