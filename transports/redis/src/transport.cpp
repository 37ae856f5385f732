#include "connection.hpp"
#include "listener.hpp"
#include "waybill/transport/tls_url.hpp"
#include "waybill/transports/redis.hpp"
#include "waybill/transports/socket/options.hpp"

namespace waybill::redis {
namespace {

Capabilities capabilities_of(const Options& options) {
  Capabilities can;
  can.transport = "redis";
  can.event_promise = "at most once";
  can.wildcards = Support::native;
  can.groups = Support::impossible;
  can.headers = Support::emulated;
  can.redelivery = Support::impossible;
  can.receivers = options.receivers ? Support::native : Support::impossible;
  can.dead_letters = Support::impossible;
  return can;
}

class RedisTransport final : public Transport {
 public:
  explicit RedisTransport(Options options) : options_(std::move(options)), capabilities_(capabilities_of(options_)) {}

  const Capabilities& capabilities() const noexcept override { return capabilities_; }
  std::unique_ptr<Listener> make_listener(Environment environment) override {
    transport::warn_of_no_verification(options_, environment.log);
    return std::make_unique<RedisListener>(std::move(environment), options_);
  }
  std::unique_ptr<Connection> make_connection(Environment environment) override {
    transport::warn_of_no_verification(options_, environment.log);
    return std::make_unique<RedisConnection>(std::move(environment), options_);
  }

 private:
  const Options options_;
  const Capabilities capabilities_;
};

}  // namespace

Result<std::unique_ptr<Transport>> make_transport(const Url& url, const Registry&) {
  auto options = Options::from_url(url);
  if (!options) return options.error();
  socket::complete_hosts(options->hosts, 6379);
  return std::unique_ptr<Transport>(std::make_unique<RedisTransport>(std::move(*options)));
}

}  // namespace waybill::redis
