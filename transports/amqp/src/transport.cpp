#include "connection.hpp"
#include "dead_letter_box.hpp"
#include "listener.hpp"
#include "waybill/transport/tls_url.hpp"
#include "waybill/transports/amqp.hpp"
#include "waybill/transports/socket/options.hpp"

namespace waybill::amqp {
namespace {

Capabilities capabilities_of(const Options& options) {
  Capabilities can;
  can.transport = "amqp";
  can.event_promise = options.at_most_once ? "at most once" : "at least once";
  can.wildcards = options.wildcards ? Support::native : Support::emulated;
  can.groups = options.wildcards || options.is_fanout() ? Support::native : Support::impossible;
  can.headers = Support::native;
  can.redelivery = options.at_most_once ? Support::impossible : Support::native;
  can.receivers = options.wildcards && options.mandatory ? Support::native : Support::impossible;
  can.dead_letters = options.at_most_once ? Support::impossible : Support::native;
  can.deadlines = true;  // the expiration of a request
  can.confirms = !options.at_most_once;
  can.sees_callers = options.caller_check.count() > 0;
  return can;
}

class AmqpTransport final : public Transport {
 public:
  AmqpTransport(Options options, const Registry& registry)
      : options_(std::move(options)), capabilities_(capabilities_of(options_)), registry_(registry) {}

  const Capabilities& capabilities() const noexcept override { return capabilities_; }
  std::unique_ptr<Listener> make_listener(Environment environment) override {
    transport::warn_of_no_verification(options_, environment.log);
    return std::make_unique<AmqpListener>(std::move(environment), options_, registry_);
  }
  std::unique_ptr<Connection> make_connection(Environment environment) override {
    transport::warn_of_no_verification(options_, environment.log);
    return std::make_unique<AmqpConnection>(std::move(environment), options_, registry_);
  }
  std::unique_ptr<DeadLetterBox> make_dead_letter_box(Environment environment) override {
    if (options_.at_most_once || environment.dead_letter.empty()) return nullptr;
    return std::make_unique<AmqpDeadLetterBox>(std::move(environment), options_, registry_);
  }

 private:
  const Options options_;
  const Capabilities capabilities_;
  const Registry& registry_;
};

}  // namespace

Result<std::unique_ptr<Transport>> make_transport(const Url& url, const Registry& registry) {
  auto options = Options::from_url(url);
  if (!options) return options.error();
  socket::complete_hosts(options->hosts, options->tls ? 5671 : 5672);
  return std::unique_ptr<Transport>(std::make_unique<AmqpTransport>(std::move(*options), registry));
}

}  // namespace waybill::amqp
