// Acceptor: one listening socket.
#pragma once

#include "hub.hpp"
#include "shared_ports.hpp"

#include <asio/ip/tcp.hpp>
#include <asio/ip/v6_only.hpp>
#include <asio/steady_timer.hpp>

#include <memory>
#include <optional>

namespace waybill::tcp {

/// Accepts until closed; when the process is out of descriptors or memory it waits and goes on.
/// Lifetime: shared by its operations.
class Acceptor : public std::enable_shared_from_this<Acceptor> {
 public:
  /// `ports`: of all that share its address; null: nobody does, unless `reuse_port` lets them.
  Acceptor(std::shared_ptr<Hub> hub, std::shared_ptr<SharedPorts> ports);
  ~Acceptor() { leave(); }

  /// Errors: what the system says.
  asio::error_code bind(const asio::ip::tcp::endpoint& endpoint);
  void start() { accept(); }
  void close();
  asio::ip::tcp::endpoint endpoint() const { return endpoint_; }

 private:
  asio::error_code bind(asio::ip::tcp::acceptor& acceptor, const asio::ip::tcp::endpoint& endpoint, bool shares) const;
  void leave();
  void accept();
  void accepted(const asio::error_code& ec, asio::ip::tcp::socket socket);

  std::shared_ptr<Hub> hub_;
  std::shared_ptr<SharedPorts> ports_;
  std::optional<asio::ip::tcp::endpoint> shared_;  // counted there
  asio::ip::tcp::acceptor acceptor_;
  asio::steady_timer pause_;
  asio::ip::tcp::endpoint endpoint_;
};

}  // namespace waybill::tcp
