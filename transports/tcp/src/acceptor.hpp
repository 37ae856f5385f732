// Acceptor: one listening socket.
#pragma once

#include "hub.hpp"

#include <asio/ip/tcp.hpp>
#include <asio/ip/v6_only.hpp>
#include <asio/steady_timer.hpp>

#include <memory>

namespace waybill::tcp {

/// Accepts until closed; when the process is out of descriptors or memory it waits and goes on.
/// Lifetime: shared by its operations.
class Acceptor : public std::enable_shared_from_this<Acceptor> {
 public:
  explicit Acceptor(std::shared_ptr<Hub> hub);

  /// Errors: what the system says.
  asio::error_code bind(const asio::ip::tcp::endpoint& endpoint);
  void start() { accept(); }
  void close();
  asio::ip::tcp::endpoint endpoint() const { return endpoint_; }

 private:
  void accept();
  void accepted(const asio::error_code& ec, asio::ip::tcp::socket socket);

  std::shared_ptr<Hub> hub_;
  asio::ip::tcp::acceptor acceptor_;
  asio::steady_timer pause_;
  asio::ip::tcp::endpoint endpoint_;
};

}  // namespace waybill::tcp
