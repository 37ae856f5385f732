// What went wrong while a link was being opened, in one sentence that says what to change.
#pragma once

#include "protocol/error.hpp"
#include "waybill/transports/kafka.hpp"
#include "waybill/transports/socket/stranger.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace waybill::kafka {

/// Remembers what librdkafka reports while a link is opened.
class StartupTrouble {
 public:
  explicit StartupTrouble(const Options& options);

  /// True: it is clear now that opening fails; error() says why. Waiting longer would not help.
  bool note(rd_kafka_resp_err_t code, std::string_view reason);
  const std::vector<Url::Host>& hosts() const noexcept { return hosts_; }
  socket::Expected expected() const noexcept { return {socket::k_kafka_broker, "kafka", is_tls_}; }
  bool is_clear() const noexcept { return is_clear_; }
  /// The sentence. `fallback` is what the operation itself said.
  Error error(const Error& fallback) const;
  /// The same after a closer look at who is there. Lifetime: this outlives it.
  asio::awaitable<Error> explain(asio::any_io_executor executor, Error fallback) const;

 private:
  std::string advertised_in(std::string_view reason) const;

  std::string brokers_;
  std::vector<Url::Host> hosts_;
  bool is_tls_;
  bool has_user_;
  rd_kafka_resp_err_t code_ = RD_KAFKA_RESP_ERR_NO_ERROR;
  std::string reason_;
  std::string advertised_;  ///< The address that a broker gave of itself or another, and that failed.
  bool is_clear_ = false;
};

}  // namespace waybill::kafka
