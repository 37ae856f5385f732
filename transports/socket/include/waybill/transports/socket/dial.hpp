// Dial: connects to one of several addresses within a deadline.
#pragma once

#include "waybill/result.hpp"
#include "waybill/transports/socket/stream.hpp"
#include "waybill/url.hpp"

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/steady_timer.hpp>

#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace waybill::socket {

/// A connected socket, TCP_NODELAY set, and the host name it was reached by.
struct Dialed {
  Dialed(asio::ip::tcp::socket connected, std::string name) : socket(std::move(connected)), host(std::move(name)) {}
  asio::ip::tcp::socket socket;
  std::string host;
};

/// REQUIRES: each host has its port. Names are looked up and addresses tried from a random host on, each without waiting
/// for the one before for more than 250 ms; the first that answers is taken, and of a name the address that was taken
/// last comes first. All of it ends by the deadline, name servers that do not answer included.
///
/// Threads: one executor. Lifetime: shared by run() and whoever may cancel it.
class Dial : public std::enable_shared_from_this<Dial> {
 public:
  explicit Dial(asio::any_io_executor executor);
  ~Dial();

  /// Errors: refused (tells each address and why), cancelled.
  asio::awaitable<Result<Dialed>> run(std::vector<Url::Host> hosts, TimePoint deadline);
  /// Ends run() with `cancelled`.
  void cancel();

  /// The addresses of one host: numeric ones as they are, names as the system knows them.
  /// Errors: refused, cancelled.
  asio::awaitable<Result<std::vector<asio::ip::tcp::endpoint>>> resolve(const Url::Host& host, TimePoint deadline);

 private:
  struct Attempt;
  bool has_more() const noexcept { return !endpoints_.empty() || !hosts_.empty(); }
  void start_next();
  void look_up(const Url::Host& host);
  void connect(const asio::ip::tcp::endpoint& endpoint, const std::string& host);
  void failed(const std::string& story);
  std::shared_ptr<Attempt> begin(std::string what);
  void end_all();

  asio::any_io_executor executor_;
  asio::steady_timer timer_;                                               // cancelled when something has ended
  std::deque<Url::Host> hosts_;                                            // not looked up yet
  std::deque<std::pair<asio::ip::tcp::endpoint, std::string>> endpoints_;  // not tried yet, with their hosts
  std::vector<std::shared_ptr<Attempt>> attempts_;                         // under way
  std::shared_ptr<Attempt> winner_;
  TimePoint next_start_{};
  std::string story_;
  bool cancelled_ = false;
};

/// Looks up where to listen: numeric addresses as they are, names by the system, IPv4 first.
/// Errors: refused, cancelled (by `dial`).
asio::awaitable<Result<std::vector<asio::ip::tcp::endpoint>>> resolve_for_listening(std::shared_ptr<Dial> dial,
                                                                                    Url::Host host, TimePoint deadline);

/// "127.0.0.1:3000", "[::1]:3000"
std::string to_text(const asio::ip::tcp::endpoint& endpoint);
std::string to_text(const Url::Host& host);
/// "rabbit-1:5672,rabbit-2:5672"
std::string to_text(const std::vector<Url::Host>& hosts);

}  // namespace waybill::socket
