// Login: what is said on a new connection before anything else, and what the answers mean. Touches no socket.
#pragma once

#include "protocol/server_view.hpp"
#include "waybill/error.hpp"
#include "waybill/slice.hpp"
#include "waybill/transports/redis.hpp"

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace waybill::redis {

/// AUTH if the URL names a user or a password; HELLO for a name in CLIENT LIST and for the server's mode and role; ROLE,
/// on a publisher, for its replicas; then PING. Servers and users that know no HELLO or ROLE are taken as they are: what
/// must be answered well is AUTH, and PING by a server that lets us in. That it cannot save just now, which Redis answers
/// a PING with, does not keep it from pub/sub.
class Login {
 public:
  Login(const Options& options, bool is_publisher);

  static void append_commands(const Options& options, bool is_publisher, Buffer& out);

  bool is_done() const noexcept { return at_ == count_; }
  void take_status() noexcept { next(); }
  /// The error for whoever opens the link, if the answer means that this server is not to be had. `server`: its address,
  /// for people. Codes: unauthorized (of no use to try again), refused.
  std::optional<Error> take_error(std::string_view answer, const std::string& server);
  void take_text(std::size_t index, std::string_view text);
  void take_array(std::size_t index, std::size_t size) noexcept;
  /// The end of an answer of several elements. Codes: refused.
  std::optional<Error> take_end(const std::string& server);

  const ServerView& view() const noexcept { return view_; }

 private:
  enum class Step : std::uint8_t { auth, hello, role, ping };
  Error refusal(std::string_view answer, const std::string& server) const;
  void next() noexcept {
    if (!is_done()) ++at_;
  }

  std::array<Step, 4> steps_{};
  std::size_t count_ = 0;
  std::size_t at_ = 0;
  ServerView view_;
};

/// What is wrong when the first bytes of `server` are no RESP. `is_tls`: the stream is encrypted.
/// Codes: invalid_config; refused for a proxy that says that what is behind it is not there yet.
Error no_redis(const std::string& server, std::string_view first_bytes, bool is_tls);

/// A server that pub/sub does not work through: subscribers of its primary do not hear it.
Error not_primary(const std::string& server, ServerView::Role role);

/// Text of a peer for one line of a log or an error: control characters become dots, and it ends after 200 bytes.
std::string printable(std::string_view text);

}  // namespace waybill::redis
