// The suite over a real Redis server, through a proxy that cuts and stalls; each test under a prefix of its own.
#include "serializers.hpp"
#include "suite/conformance.hpp"
#include "support/broker_url.hpp"
#include "support/chaos_proxy.hpp"

namespace waybill::conformance {
namespace {

constexpr const char* k_variable = "WAYBILL_TEST_REDIS_URL";

class RedisStage final : public Stage {
 public:
  RedisStage() : prefix_(test::fresh_name() + "."), server_(test::broker_url(k_variable)), proxy_(port_of_server()) {}

  std::string missing() override { return server_.empty() ? k_variable : ""; }
  std::shared_ptr<const Registry> registry() override { return default_registry(); }
  std::string listener_url() override { return url(); }
  std::string client_url(const std::string&) override { return url(); }
  bool cut_links() override {
    proxy_.cut();
    return true;
  }
  bool freeze() override {
    proxy_.stall(true);
    return true;
  }
  void thaw() override { proxy_.stall(false); }

 private:
  std::uint16_t port_of_server() const {
    return server_.empty() ? std::uint16_t{1} : Url::parse(server_).value().hosts.front().port;
  }
  std::string url() const { return "redis://127.0.0.1:" + std::to_string(proxy_.port()) + "/?prefix=" + prefix_; }

  std::string prefix_;
  std::string server_;
  test::ChaosProxy proxy_;
};

std::vector<Subject> subjects() {
  std::vector<Subject> all;
  for (const auto& serializer : serializer_names()) {
    all.push_back({"redis_" + serializer, serializer, [] { return std::make_unique<RedisStage>(); }});
  }
  return all;
}

}  // namespace

INSTANTIATE_TEST_SUITE_P(Redis, TransportConformance, testing::ValuesIn(subjects()), subject_name);

}  // namespace waybill::conformance
