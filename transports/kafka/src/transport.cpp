#include "connection.hpp"
#include "dead_letter_box.hpp"
#include "listener.hpp"
#include "protocol/settings.hpp"
#include "waybill/transport/tls_url.hpp"
#include "waybill/transports/kafka.hpp"
#include "waybill/transports/socket/options.hpp"

namespace waybill::kafka {
namespace {

class KafkaTransport final : public Transport {
 public:
  KafkaTransport(Options options, const Registry& registry) : options_(std::move(options)), registry_(registry) {}

  const Capabilities& capabilities() const noexcept override { return k_capabilities; }
  std::unique_ptr<Listener> make_listener(Environment environment) override {
    transport::warn_of_no_verification(options_, environment.log);
    return std::make_unique<KafkaListener>(std::move(environment), options_, registry_);
  }
  std::unique_ptr<Connection> make_connection(Environment environment) override {
    transport::warn_of_no_verification(options_, environment.log);
    return std::make_unique<KafkaConnection>(std::move(environment), options_, registry_);
  }
  std::unique_ptr<DeadLetterBox> make_dead_letter_box(Environment environment) override {
    return std::make_unique<KafkaDeadLetterBox>(std::move(environment), options_, registry_);
  }

 private:
  static constexpr Capabilities k_capabilities{
      .transport = "kafka",
      .event_promise = "at least once, in order within a key",
      .requests = Support::native,
      .events = Support::native,
      .wildcards = Support::native,
      .groups = Support::native,
      .headers = Support::native,
      .redelivery = Support::native,
      .receivers = Support::impossible,
      .dead_letters = Support::native,
      .confirms = true,
      .keeps_unconfirmed = true,  // librdkafka does
      .keeps_order = false,       // within a partition only: topics and partitions go their own ways
      .sees_callers = false,
      .tells_unhandled = false,
  };
  const Options options_;
  const Registry& registry_;
};

}  // namespace

Result<std::unique_ptr<Transport>> make_transport(const Url& url, const Registry& registry) {
  auto options = Options::from_url(url);
  if (!options) return options.error();
  socket::complete_hosts(options->hosts, 9092);
  // Wrong settings (rdkafka.NAME) are found here rather than at the first connection.
  for (const Role role : {Role::producer, Role::group_consumer}) {
    if (auto conf = make_conf(*options, role, options->client_id, options->group_id); !conf) return conf.error();
  }
  return std::unique_ptr<Transport>(std::make_unique<KafkaTransport>(std::move(*options), registry));
}

}  // namespace waybill::kafka
