// The suite over the memory transport, with packets handed over and with packets through their serializers' bytes.
#include "serializers.hpp"
#include "suite/conformance.hpp"
#include "waybill/transports/memory.hpp"

namespace waybill::conformance {
namespace {

class MemoryStage final : public Stage {
 public:
  explicit MemoryStage(bool is_wire) : url_(is_wire ? "memory://stage?wire=true" : "memory://stage") {
    auto own = std::make_shared<Registry>();
    own->add_transport("memory", broker_->factory());
    add_serializers(*own);
    registry_ = std::move(own);
  }

  std::shared_ptr<const Registry> registry() override { return registry_; }
  std::string listener_url() override { return url_; }
  std::string client_url(const std::string&) override { return url_; }
  bool cut_links() override {
    broker_->disconnect();
    return true;
  }
  bool freeze() override {
    broker_->freeze();
    return true;
  }
  void thaw() override { broker_->thaw(); }

 private:
  std::string url_;
  std::shared_ptr<memory::Broker> broker_ = memory::Broker::make();
  std::shared_ptr<const Registry> registry_;
};

std::vector<Subject> subjects() {
  std::vector<Subject> all;
  for (const auto& serializer : serializer_names()) {
    all.push_back({"memory_" + serializer, serializer, [] { return std::make_unique<MemoryStage>(false); }});
    all.push_back({"memory_wire_" + serializer, serializer, [] { return std::make_unique<MemoryStage>(true); }});
  }
  return all;
}

}  // namespace

INSTANTIATE_TEST_SUITE_P(Memory, TransportConformance, testing::ValuesIn(subjects()), subject_name);

}  // namespace waybill::conformance
