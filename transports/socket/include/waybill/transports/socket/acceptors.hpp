// Acceptors: the listening sockets of one server.
#pragma once

#include "waybill/error.hpp"
#include "waybill/log.hpp"
#include "waybill/transports/socket/dial.hpp"
#include "waybill/transports/socket/shared_ports.hpp"
#include "waybill/url.hpp"

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/ip/tcp.hpp>

#include <memory>
#include <string>
#include <vector>

namespace waybill::socket {

/// Where accepted sockets go.
class Arrivals {
 public:
  virtual void adopt(asio::ip::tcp::socket socket) = 0;
  /// The system gives no more sockets for now. To be logged, but not each time.
  virtual void complain(const std::string& line) = 0;
  virtual bool is_closed() const noexcept = 0;

 protected:
  ~Arrivals() = default;
};

struct AcceptRules {
  int backlog = 1024;
  bool reuse_port = false;  ///< Other programs of the same user may listen there as well.
  /// Several loops of this program listen on the same addresses,
  bool is_shared = false;
  std::shared_ptr<SharedPorts> ports = nullptr;  ///< and this counts them. Null with reuse_port.
};

/// Accepts until closed; when the process is out of descriptors or memory it waits and goes on.
///
/// Threads:  one executor.
/// Lifetime: shared by its operations.
class Acceptors : public std::enable_shared_from_this<Acceptors> {
 public:
  Acceptors(asio::any_io_executor executor, Log log, AcceptRules rules, std::shared_ptr<Arrivals> arrivals);
  ~Acceptors();

  /// Binds all addresses of all hosts, then accepts on them.
  /// Errors: invalid_config, refused (std::errc::address_in_use, too, where another program listens there), unauthorized
  /// (ports below 1024), closed.
  static asio::awaitable<Result<void>> open(std::shared_ptr<Acceptors> self, std::vector<Url::Host> hosts,
                                            TimePoint deadline);
  /// Who is connected already, or about to be, still arrives, for some milliseconds; then it closes.
  void finish();
  void close();
  /// "127.0.0.1:3000,[::1]:3000"; empty before it is open.
  std::string addresses() const;

 private:
  class Acceptor;
  Result<void> bind(const std::vector<asio::ip::tcp::endpoint>& endpoints, const std::string& name);

  asio::any_io_executor executor_;
  Log log_;
  const AcceptRules rules_;
  std::shared_ptr<Arrivals> arrivals_;
  std::shared_ptr<Dial> dial_;  // looks a name up
  std::vector<std::shared_ptr<Acceptor>> acceptors_;
};

}  // namespace waybill::socket
