// The suite over TCP: both framings, through a proxy that cuts and stalls.
#include "serializers.hpp"
#include "suite/conformance.hpp"
#include "support/chaos_proxy.hpp"
#include "support/not_applicable.hpp"

#include <asio/connect.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/read.hpp>
#include <asio/write.hpp>

namespace waybill::conformance {
namespace {

class TcpStage final : public Stage {
 public:
  explicit TcpStage(std::string framing) : framing_(std::move(framing)) {}

  std::shared_ptr<const Registry> registry() override { return default_registry(); }
  std::string listener_url() override { return "tcp://127.0.0.1:0"; }
  std::string client_url(const std::string& address) override {
    const auto target = Url::parse(address).value().hosts.front().port;
    if (target == 0) return "tcp://127.0.0.1:1?framing=" + framing_;  // nobody has opened: nobody will connect
    if (!proxy_) proxy_ = std::make_unique<test::ChaosProxy>(target);
    return "tcp://127.0.0.1:" + std::to_string(proxy_->port()) + "?framing=" + framing_;
  }
  bool cut_links() override {
    if (proxy_) proxy_->cut();
    return true;
  }
  bool freeze() override {
    if (proxy_) proxy_->stall(true);
    return true;
  }
  void thaw() override {
    if (proxy_) proxy_->stall(false);
  }

 private:
  std::string framing_;
  std::unique_ptr<test::ChaosProxy> proxy_;
};

std::vector<Subject> subjects() {
  std::vector<Subject> all;
  for (const auto& serializer : serializer_names()) {
    all.push_back({"tcp_binary_" + serializer, serializer, [] { return std::make_unique<TcpStage>("binary"); }});
  }
  all.push_back({"tcp_nest_json", "json", [] { return std::make_unique<TcpStage>("nest"); }});
  return all;
}

}  // namespace

INSTANTIATE_TEST_SUITE_P(Tcp, TransportConformance, testing::ValuesIn(subjects()), subject_name);

namespace {

TEST(TcpConformance, NestFramingCannotCarryMessagePackAndSaysSo) {
  if (!default_registry()->find_serializer("msgpack")) WAYBILL_NOT_APPLICABLE("built without msgpack");
  asio::io_context loop{1};
  std::string text;
  try {
    auto config = ClientConfig::from_url("tcp://127.0.0.1:1?framing=nest");
    config.serializer = "msgpack";
    config.connect_timeout = std::chrono::milliseconds(200);
    Client client(loop.get_executor(), config);
    const auto call = request<int>(client, "sum", 1);
    ASSERT_TRUE(test::eventually(loop, [&] { return call->has_value(); }));
    ASSERT_FALSE(**call);
    text = (*call)->error().what();
  } catch (const Error& error) {
    text = error.what();
  }
  EXPECT_NE(text.find("msgpack"), std::string::npos) << text;
  EXPECT_NE(text.find("nest"), std::string::npos) << text;
}

TEST(TcpConformance, BadBytesCostOneConnectionOnly) {
  asio::io_context loop{1};
  auto config = Config::listen({"tcp://127.0.0.1:0?incompleteMessageTimeout=100ms"});
  test::LogCapture logs;
  Service service(loop.get_executor(), config);
  service.log_to(logs.sink());
  service.on_request("double", [](int number) { return 2 * number; });
  const auto started = make_outcome<void>();
  service.start(keep(started));
  ASSERT_TRUE(test::eventually(loop, [&] { return started->has_value(); }));
  ASSERT_TRUE(**started) << (*started)->error().what();
  const auto address = service.addresses().front();
  Client good(loop.get_executor(), address);
  const auto port = Url::parse(address).value().hosts.front().port;
  for (const std::string bytes :
       {"not a frame at all", "99999999999#{}", "5#{]{]{", "-1#x", "\x01\xFF\xFF\xFF\xFF\xFF"}) {
    asio::ip::tcp::socket bad(loop);
    bad.connect({asio::ip::address_v4::loopback(), port});
    asio::write(bad, asio::buffer(bytes));
    bad.non_blocking(true);
    const bool is_closed = test::eventually(loop, [&] {
      char answer[256];
      std::error_code error;
      bad.read_some(asio::buffer(answer), error);
      return error && error != asio::error::would_block;
    });
    EXPECT_TRUE(is_closed) << bytes;
    const auto call = request<int>(good, "double", 21);
    ASSERT_TRUE(test::eventually(loop, [&] { return call->has_value(); }));
    EXPECT_EQ((*call)->value(), 42);
  }
  EXPECT_EQ(good.stats().reconnects, 0u);
  good.close();
  service.close();
  test::run_ready(loop);
}

}  // namespace
}  // namespace waybill::conformance
