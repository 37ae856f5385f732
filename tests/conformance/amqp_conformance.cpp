// The suite over AMQP on a real broker: queue mode and topic mode, through a proxy that cuts and stalls.
#include "serializers.hpp"
#include "suite/conformance.hpp"
#include "support/amqp_admin.hpp"
#include "support/broker_url.hpp"
#include "support/chaos_proxy.hpp"

namespace waybill::conformance {
namespace {

constexpr const char* k_variable = "WAYBILL_TEST_AMQP_URL";

class AmqpStage final : public Stage {
 public:
  /// `mode`: options of the URL.
  explicit AmqpStage(std::string mode) : options_("?queue=" + name_ + mode) {
    if (is_missing_) return;
    broker_ = Url::parse(test::broker_url(k_variable)).value();
    proxy_ = std::make_unique<test::ChaosProxy>(broker_.hosts.front().port);
  }
  ~AmqpStage() override {
    if (is_missing_) return;
    try {
      test::AmqpAdmin admin(test::broker_url(k_variable));
      for (const char* group : {"", ".workers", ".billing", ".shipping", ".g", ".m", ".parked", ".others"})
        admin.delete_queue(name_ + group);
      admin.delete_exchange(name_);
    } catch (const std::exception& failure) {
      ADD_FAILURE() << failure.what();
    }
  }

  std::string missing() override { return is_missing_ ? k_variable : ""; }
  std::shared_ptr<const Registry> registry() override { return default_registry(); }
  std::string listener_url() override { return url(); }
  std::string client_url(const std::string&) override { return url(); }
  std::string dead_letter() override { return name_ + ".parked"; }
  int at_once() const override { return 64; }  // prefetch
  bool cut_links() override {
    proxy_->cut();
    return true;
  }
  bool freeze() override {
    proxy_->stall(true);
    return true;
  }
  void thaw() override { proxy_->stall(false); }

 private:
  std::string url() const {
    return "amqp://" + broker_.user + ":" + broker_.password + "@127.0.0.1:" + std::to_string(proxy_->port()) + "/" +
           options_;
  }
  const bool is_missing_ = test::broker_url(k_variable).empty();
  Url broker_;
  std::string name_ = test::fresh_name();
  std::string options_;
  std::unique_ptr<test::ChaosProxy> proxy_;
};

std::vector<Subject> subjects() {
  std::vector<Subject> all;
  for (const auto& serializer : serializer_names()) {
    all.push_back({"amqp_queue_" + serializer, serializer, [] { return std::make_unique<AmqpStage>(""); }});
    all.push_back(
        {"amqp_topic_" + serializer, serializer, [] { return std::make_unique<AmqpStage>("&wildcards=true"); }});
    all.push_back(
        {"amqp_quorum_" + serializer, serializer, [] { return std::make_unique<AmqpStage>("&queue_type=quorum"); }});
  }
  return all;
}

}  // namespace

INSTANTIATE_TEST_SUITE_P(Amqp, TransportConformance, testing::ValuesIn(subjects()), subject_name);

}  // namespace waybill::conformance
