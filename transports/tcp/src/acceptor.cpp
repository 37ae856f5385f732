#include "acceptor.hpp"

#include <sys/socket.h>

#include <utility>

namespace waybill::tcp {
namespace {

using ReusePort = asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;
constexpr std::chrono::milliseconds k_pause{100};

}  // namespace

Acceptor::Acceptor(std::shared_ptr<Hub> hub, std::shared_ptr<SharedPorts> ports)
    : hub_(std::move(hub)),
      ports_(std::move(ports)),
      acceptor_(hub_->environment().executor),
      pause_(hub_->environment().executor) {}

asio::error_code Acceptor::bind(asio::ip::tcp::acceptor& acceptor, const asio::ip::tcp::endpoint& endpoint,
                                bool shares) const {
  asio::error_code ec;
  if (acceptor.open(endpoint.protocol(), ec)) return ec;
  if (acceptor.set_option(asio::socket_base::reuse_address(true), ec)) return ec;
  if (shares && acceptor.set_option(ReusePort(true), ec)) return ec;
  if (endpoint.address().is_v6() && acceptor.set_option(asio::ip::v6_only(true), ec)) return ec;
  acceptor.bind(endpoint, ec);
  return ec;
}

asio::error_code Acceptor::bind(const asio::ip::tcp::endpoint& endpoint) {
  const auto listen = [&](bool shares) {
    asio::error_code ec = bind(acceptor_, endpoint, shares);
    if (!ec) acceptor_.listen(hub_->options().backlog, ec);
    return ec;
  };
  const auto ask = [&] {
    asio::ip::tcp::acceptor asking(hub_->environment().executor);
    return bind(asking, endpoint, false);
  };
  asio::error_code ec =
      ports_ ? ports_->enter(endpoint, ask, [&] { return listen(true); }) : listen(hub_->options().reuse_port);
  if (ec) return ec;
  if (ports_) shared_ = endpoint;
  endpoint_ = acceptor_.local_endpoint(ec);
  return ec;
}

void Acceptor::leave() {
  if (shared_) ports_->leave(*std::exchange(shared_, std::nullopt));
}

void Acceptor::close() {
  leave();
  asio::error_code ec;
  acceptor_.close(ec);
  pause_.cancel();
}

void Acceptor::accept() {
  acceptor_.async_accept([self = shared_from_this()](const asio::error_code& ec, asio::ip::tcp::socket socket) {
    self->accepted(ec, std::move(socket));
  });
}

void Acceptor::accepted(const asio::error_code& ec, asio::ip::tcp::socket socket) {
  if (!acceptor_.is_open()) return;
  if (!ec) {
    hub_->adopt(std::move(socket));
    accept();
    return;
  }
  if (ec == asio::error::connection_aborted || ec == asio::error::interrupted) {
    accept();
    return;
  }
  hub_->complain("cannot accept a connection: " + ec.message());
  pause_.expires_after(k_pause);
  pause_.async_wait([self = shared_from_this()](const asio::error_code&) {
    if (self->acceptor_.is_open()) self->accept();
  });
}

}  // namespace waybill::tcp
