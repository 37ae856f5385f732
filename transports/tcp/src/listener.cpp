#include "listener.hpp"

#include "waybill/transports/socket/dial.hpp"
#include "waybill/transports/socket/options.hpp"

namespace waybill::tcp {

namespace {
asio::awaitable<void> nothing() { co_return; }
}  // namespace

TcpListener::TcpListener(Environment environment, const Options& options, const Registry& registry,
                         std::shared_ptr<socket::SharedPorts> ports)
    : environment_(std::move(environment)), options_(options), registry_(registry) {
  if (environment_.shares_address && !options_.reuse_port) ports_ = std::move(ports);
}

TcpListener::~TcpListener() { close(); }

asio::awaitable<Result<void>> TcpListener::open(const Routes&, ListenerSink& sink) {
  close();
  stopped_ = false;
  link_ = std::make_shared<ListenerLink>(environment_, options_, registry_);
  link_->set_sink(&sink);
  return open_link(link_);
}

asio::awaitable<Result<void>> TcpListener::open_link(std::shared_ptr<ListenerLink> link) {
  if (link->is_closed()) co_return Error(errc::closed, "the listener was closed", End::rejected);
  if (const auto tls = link->set_up_tls(); !tls) co_return tls.error();
  socket::AcceptRules rules{options_.backlog, options_.reuse_port, environment_.shares_address, ports_};
  acceptors_ = std::make_shared<socket::Acceptors>(environment_.executor, environment_.log, std::move(rules), link);
  co_return co_await socket::Acceptors::open(acceptors_, options_.hosts,
                                             std::chrono::steady_clock::now() + options_.dial_timeout);
}

void TcpListener::close_acceptors() {
  if (acceptors_) acceptors_->close();
}

void TcpListener::stop_intake() {
  stopped_ = true;
  close_acceptors();
  if (link_) link_->stop_intake();
}

asio::awaitable<void> TcpListener::flush() { return link_ ? ListenerLink::flush(link_) : nothing(); }

void TcpListener::close() {
  close_acceptors();
  acceptors_.reset();
  if (link_) link_->close();
  link_.reset();
}

std::string TcpListener::address() const {
  const std::string scheme = options_.tls ? "tcps://" : "tcp://";
  const std::string bound = acceptors_ ? acceptors_->addresses() : std::string();
  return scheme + (bound.empty() ? socket::to_text(options_.hosts) : bound);
}

}  // namespace waybill::tcp
