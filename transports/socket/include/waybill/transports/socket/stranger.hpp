// Who answers at a port, if not the broker that was expected there.
#pragma once

#include "waybill/detail/asio.hpp"
#include "waybill/result.hpp"
#include "waybill/url.hpp"

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace waybill::socket {

inline constexpr std::string_view k_redis_server = "a Redis server";
inline constexpr std::string_view k_amqp_broker = "an AMQP 0-9-1 broker";
inline constexpr std::string_view k_kafka_broker = "a Kafka broker";
inline constexpr std::string_view k_tls_port = "a port that wants TLS";
inline constexpr std::string_view k_http_server = "an HTTP server";

/// Greets the host as several kinds of servers are greeted, on a connection each, for 300 ms at most.
/// One of the above, or nothing if none of them was understood.
asio::awaitable<std::string_view> who_answers(asio::any_io_executor executor, Url::Host host);

/// What an attempt to open a link looked for.
struct Expected {
  std::string_view kind;    ///< One of the above.
  std::string_view scheme;  ///< Of the URL, without the `s` of TLS.
  bool is_tls;
};

/// The sentence for a server of kind `found` at `host`; nothing if it may well be the one that is expected.
std::string stranger_story(const Expected& expected, std::string_view found, const Url::Host& host);

/// Looks closer when an attempt ended with `error` for want of an answer: errc::invalid_config if another kind of server
/// answers, since that stays wrong; else `error` itself. Of several hosts the others may be right: it stays, too.
asio::awaitable<Error> name_stranger(asio::any_io_executor executor, std::vector<Url::Host> hosts, Expected expected,
                                     Error error);

/// Looks closer while an attempt waits for an answer: when it has waited 1.5 s and another kind of server is there, `step`
/// ends with the error of name_stranger. A broker that is only slow is not disturbed.
class Lookout {
 public:
  using Step = waybill::detail::Arrival<Result<void>>;
  Lookout(asio::any_io_executor executor, std::vector<Url::Host> hosts, Expected expected, std::shared_ptr<Step> step);
  ~Lookout() { timer_->cancel(); }
  Lookout(const Lookout&) = delete;
  Lookout& operator=(const Lookout&) = delete;

 private:
  std::shared_ptr<asio::steady_timer> timer_;
};

}  // namespace waybill::socket
