// Login: what is said on a new connection before anything else, and what the answers mean. Touches no socket.
#pragma once

#include "waybill/error.hpp"
#include "waybill/slice.hpp"
#include "waybill/transports/redis.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace waybill::redis {

/// AUTH if there is a password, then PING: what answers it well is a Redis server that lets us in.
class Login {
 public:
  explicit Login(const Options& options) : has_password_(!options.password.empty()) {}

  static void append_commands(const Options& options, Buffer& out);

  bool is_done() const noexcept { return answers_ == (has_password_ ? 2 : 1); }
  void take_status() noexcept { ++answers_; }
  /// The error that an answer means for whoever opens the link. `server`: its address, for people.
  /// Codes: unauthorized (of no use to try again), refused.
  Error refusal(std::string_view answer, const std::string& server) const;

 private:
  bool has_password_;
  int answers_ = 0;
};

/// What is wrong when the first bytes of `server` are no RESP. `is_tls`: the stream is encrypted.
/// Codes: invalid_config.
Error no_redis(const std::string& server, std::string_view first_bytes, bool is_tls);

/// Text of a peer for one line of a log or an error: control characters become dots, and it ends after 80 bytes.
std::string printable(std::string_view text);

}  // namespace waybill::redis
