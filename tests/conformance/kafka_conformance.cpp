// The suite over Kafka, on a real broker: each test in a name space (prefix) of its own.
#include "serializers.hpp"
#include "suite/conformance.hpp"
#include "support/broker_url.hpp"

namespace waybill::conformance {
namespace {

class KafkaStage final : public Stage {
 public:
  KafkaStage() : broker_(test::broker_url("WAYBILL_TEST_KAFKA_URL")) {
    // Four partitions, so that the members of a group have something to share; and quick to notice one another.
    url_ = broker_ + "/?prefix=" + test::fresh_name() +
           ".&partitions=4&max_message=4MiB&retry_backoff=1ms&discovery=50ms&rdkafka.heartbeat.interval.ms=50";
  }

  std::string missing() override { return broker_.empty() ? "WAYBILL_TEST_KAFKA_URL" : ""; }
  std::shared_ptr<const Registry> registry() override { return default_registry(); }
  std::string listener_url() override { return url_; }
  std::string client_url(const std::string&) override { return url_; }
  // No cut_links(): librdkafka reconnects without anybody's notice, and nothing is lost by it; see the outage tests.

 private:
  std::string broker_;
  std::string url_;
};

std::vector<Subject> subjects() {
  std::vector<Subject> all;
  for (const auto& serializer : serializer_names()) {
    all.push_back({"kafka_" + serializer, serializer, [] { return std::make_unique<KafkaStage>(); }});
  }
  return all;
}

}  // namespace

INSTANTIATE_TEST_SUITE_P(Kafka, TransportConformance, testing::ValuesIn(subjects()), subject_name);

}  // namespace waybill::conformance
