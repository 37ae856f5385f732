// HeldPort: a port where nobody listens, and that no other program is given meanwhile.
#pragma once

#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>

#include <string>

namespace waybill::test {

/// Bound, without listen(): a connection is refused, and who names the port may listen on it.
class HeldPort {
 public:
  HeldPort() {
    socket_.set_option(asio::socket_base::reuse_address(true));
    socket_.bind({asio::ip::address_v4::loopback(), 0});
  }
  asio::ip::tcp::endpoint endpoint() const { return socket_.local_endpoint(); }
  std::string address() const { return "127.0.0.1:" + std::to_string(endpoint().port()); }

 private:
  asio::io_context loop_{1};
  asio::ip::tcp::socket socket_{loop_, asio::ip::tcp::v4()};
};

}  // namespace waybill::test
