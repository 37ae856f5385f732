// Dial: connects to one of several addresses within a deadline.
#pragma once

#include "waybill/result.hpp"
#include "waybill/transports/socket/stream.hpp"
#include "waybill/url.hpp"

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/steady_timer.hpp>

#include <memory>
#include <string>
#include <vector>

namespace waybill::socket {

/// A connected socket, TCP_NODELAY set, and the host name it was reached by.
struct Dialed {
  Dialed(asio::ip::tcp::socket connected, std::string name) : socket(std::move(connected)), host(std::move(name)) {}
  asio::ip::tcp::socket socket;
  std::string host;
};

/// REQUIRES: each host has its port. Names are looked up and addresses tried one after the other, from a random host
/// on, each within its share of what is left of the time.
///
/// Threads: one executor. Lifetime: shared by run() and whoever may cancel it.
class Dial : public std::enable_shared_from_this<Dial> {
 public:
  explicit Dial(asio::any_io_executor executor);

  /// Errors: refused (tells each address and why), cancelled.
  asio::awaitable<Result<Dialed>> run(std::vector<Url::Host> hosts, TimePoint deadline);
  /// Ends run() with `cancelled`.
  void cancel();

  /// The addresses of one host: numeric ones as they are, names as the system knows them.
  /// Errors: refused, cancelled.
  asio::awaitable<Result<std::vector<asio::ip::tcp::endpoint>>> resolve(const Url::Host& host, TimePoint deadline);

 private:
  asio::awaitable<asio::error_code> connect(const asio::ip::tcp::endpoint& endpoint, TimePoint deadline);
  unsigned begin_step();
  /// False when the step did not finish in time.
  asio::awaitable<bool> wait_for_step(TimePoint deadline);

  asio::any_io_executor executor_;
  asio::ip::tcp::resolver resolver_;
  asio::ip::tcp::socket socket_;
  asio::steady_timer timer_;  // cancelled when a step is done
  asio::error_code step_error_;
  std::vector<asio::ip::tcp::endpoint> step_endpoints_;
  unsigned step_ = 0;
  bool step_done_ = false;
  bool cancelled_ = false;
};

/// Looks up where to listen: numeric addresses as they are, names by the system, IPv4 first.
/// Errors: refused.
asio::awaitable<Result<std::vector<asio::ip::tcp::endpoint>>> resolve_for_listening(asio::any_io_executor executor,
                                                                                    Url::Host host, TimePoint deadline);

/// "127.0.0.1:3000", "[::1]:3000"
std::string to_text(const asio::ip::tcp::endpoint& endpoint);
std::string to_text(const Url::Host& host);
/// "rabbit-1:5672,rabbit-2:5672"
std::string to_text(const std::vector<Url::Host>& hosts);

}  // namespace waybill::socket
