// What went wrong while a link was being opened, in one sentence that says what to change.
#pragma once

#include "error.hpp"
#include "waybill/transports/kafka.hpp"

#include <string>
#include <string_view>

namespace waybill::kafka {

/// Remembers what librdkafka reports while a link is opened.
class StartupTrouble {
 public:
  explicit StartupTrouble(const Options& options);

  /// True: it is clear now that opening fails; error() says why. Waiting longer would not help.
  bool note(rd_kafka_resp_err_t code, std::string_view reason);
  bool is_clear() const noexcept { return is_clear_; }
  /// The sentence. `fallback` is what the operation itself said.
  Error error(const Error& fallback) const;

 private:
  std::string brokers_;
  bool has_user_;
  rd_kafka_resp_err_t code_ = RD_KAFKA_RESP_ERR_NO_ERROR;
  std::string reason_;
  bool is_clear_ = false;
};

}  // namespace waybill::kafka
