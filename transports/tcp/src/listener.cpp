#include "listener.hpp"

#include "acceptor.hpp"
#include "waybill/transports/socket/dial.hpp"
#include "waybill/transports/socket/options.hpp"

namespace waybill::tcp {

namespace {

using Endpoint = asio::ip::tcp::endpoint;

asio::awaitable<void> nothing() { co_return; }

Error cannot_listen(const std::string& name, const Endpoint& endpoint, const asio::error_code& ec) {
  std::string text = "cannot listen on " + name;
  if (const std::string address = socket::to_text(endpoint); address != name) text += " (" + address + ')';
  text += ": " + ec.message();
  if (ec == asio::error::address_in_use) text += "; another program has that port";
  if (ec == asio::error::access_denied) text += "; ports below 1024 need a privilege";
  return Error(ec == asio::error::access_denied ? errc::unauthorized : errc::refused, std::move(text), End::rejected);
}

}  // namespace

TcpListener::TcpListener(Environment environment, const Options& options, const Registry& registry,
                         std::shared_ptr<SharedPorts> ports)
    : environment_(std::move(environment)), options_(options), registry_(registry) {
  if (environment_.shares_address && !options_.reuse_port) ports_ = std::move(ports);
}

TcpListener::~TcpListener() { close(); }

asio::awaitable<Result<void>> TcpListener::open(const Routes&, ListenerSink& sink) {
  close();
  stopped_ = false;
  hub_ = std::make_shared<Hub>(environment_, options_, registry_);
  hub_->set_sink(&sink);
  return open_hub(hub_);
}

asio::awaitable<Result<void>> TcpListener::open_hub(std::shared_ptr<Hub> hub) {
  if (hub->is_closed()) co_return Error(errc::closed, "the listener was closed", End::rejected);
  if (const auto tls = hub->set_up_tls(); !tls) co_return tls.error();
  const auto deadline = std::chrono::steady_clock::now() + options_.dial_timeout;
  const std::vector<Url::Host> hosts = options_.hosts;
  for (const Url::Host& host : hosts) {
    if (environment_.shares_address && host.port == 0) {
      co_return Error(errc::invalid_config,
                      "several threads listen on one port, and port 0 would give each its own: name a port in " +
                          socket::to_text(host),
                      End::rejected);
    }
    const auto dial = std::make_shared<socket::Dial>(environment_.executor);
    dial_ = dial;
    const auto found = co_await socket::resolve_for_listening(dial, host, deadline);
    // Closed while looking up: the listener itself may be gone.
    if (hub->is_closed()) co_return Error(errc::closed, "the listener was closed", End::rejected);
    if (!found) {
      close();  // what is bound already would take clients in that nobody serves
      co_return found.error();
    }
    const auto bound = bind(*found, socket::to_text(host));
    if (!bound) {
      close();
      co_return bound.error();
    }
  }
  for (const auto& acceptor : acceptors_) acceptor->start();
  co_return Result<void>();
}

Result<void> TcpListener::bind(const std::vector<Endpoint>& endpoints, const std::string& name) {
  std::uint16_t port = endpoints.front().port();
  for (std::size_t i = 0; i < endpoints.size(); ++i) {
    Endpoint endpoint = endpoints[i];
    endpoint.port(port);
    auto acceptor = std::make_shared<Acceptor>(hub_, ports_);
    const asio::error_code ec = acceptor->bind(endpoint);
    if (ec && i > 0 && !(ec == asio::error::address_in_use && endpoints.front().port())) {
      // One address of the name is enough: this machine may lack IPv6.
      environment_.log.debug(std::string(cannot_listen(name, endpoint, ec).message()));
      continue;
    }
    if (ec) return cannot_listen(name, endpoint, ec);
    port = acceptor->endpoint().port();
    acceptors_.push_back(std::move(acceptor));
  }
  return {};
}

void TcpListener::stop_intake() {
  stopped_ = true;
  for (const auto& acceptor : acceptors_) acceptor->close();
  if (hub_) hub_->stop_intake();
}

asio::awaitable<void> TcpListener::flush() { return hub_ ? Hub::flush(hub_) : nothing(); }

void TcpListener::close() {
  if (dial_) dial_->cancel();
  dial_.reset();
  for (const auto& acceptor : acceptors_) acceptor->close();
  acceptors_.clear();
  if (hub_) hub_->close();
  hub_.reset();
}

std::string TcpListener::address() const {
  const std::string scheme = options_.tls ? "tcps://" : "tcp://";
  if (acceptors_.empty()) return scheme + socket::to_text(options_.hosts);
  std::string text;
  for (const auto& acceptor : acceptors_) text += (text.empty() ? scheme : ",") + socket::to_text(acceptor->endpoint());
  return text;
}

}  // namespace waybill::tcp
