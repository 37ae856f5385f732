// The tcp transport: a URL checked, and its two roles.
#include "connection.hpp"
#include "listener.hpp"
#include "waybill/transport/tls_url.hpp"
#include "waybill/transports/socket/options.hpp"
#include "waybill/transports/socket/shared_ports.hpp"
#include "waybill/transports/tcp.hpp"

#include <utility>

namespace waybill::tcp {
namespace {

Capabilities capabilities_of(const Options& options) {
  Capabilities can;
  can.transport = "tcp";
  can.event_promise = "at most once";
  can.wildcards = Support::emulated;
  can.groups = Support::impossible;
  can.headers = options.framing == Framing::binary ? Support::native : Support::emulated;
  can.deadlines = options.framing == Framing::binary;
  can.hears_cancels = true;
  can.sole_listener = true;
  can.redelivery = Support::impossible;
  can.receivers = Support::impossible;
  return can;
}

class TcpTransport final : public Transport {
 public:
  TcpTransport(Options options, const Registry& registry)
      : options_(std::move(options)), capabilities_(capabilities_of(options_)), registry_(registry) {}

  const Capabilities& capabilities() const noexcept override { return capabilities_; }
  std::unique_ptr<Listener> make_listener(Environment environment) override {
    return std::make_unique<TcpListener>(std::move(environment), options_, registry_, ports_);
  }
  std::unique_ptr<Connection> make_connection(Environment environment) override {
    transport::warn_of_no_verification(options_, environment.log);
    return std::make_unique<TcpConnection>(std::move(environment), options_, registry_);
  }

 private:
  const Options options_;
  const Capabilities capabilities_;
  const Registry& registry_;
  const std::shared_ptr<socket::SharedPorts> ports_ = std::make_shared<socket::SharedPorts>();
};

}  // namespace

Result<std::unique_ptr<Transport>> make_transport(const Url& url, const Registry& registry) {
  auto options = Options::from_url(url);
  if (!options) return options.error();
  socket::complete_hosts(options->hosts, 3000);
  return std::unique_ptr<Transport>(std::make_unique<TcpTransport>(std::move(*options), registry));
}

}  // namespace waybill::tcp
