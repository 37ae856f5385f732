// Services and clients over the transport: requests and every way in which they end.
#include "conformance.hpp"

#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>

#include <algorithm>
#include <cstddef>
#include <stdexcept>

namespace waybill::conformance {

struct Order {
  std::string id;
  int quantity = 1;
  std::optional<std::string> note;
};
struct Receipt {
  std::string order_id;
  double total = 0;
};

namespace {

using std::chrono::milliseconds;

CallOptions within(milliseconds timeout) {
  CallOptions options;
  options.timeout = timeout;
  return options;
}

TEST_P(TransportConformance, AStructGoesInAndAnotherComesBack) {
  const auto service = make_service();
  service->on_request(Pattern({"cmd", "order"}), [](const Order& order) {
    return Receipt{order.id + order.note.value_or("-"), order.quantity * 9.5};
  });
  start(*service);
  const auto client = make_client(*service);
  const Order order{"a-1", 2, "gift"};
  const auto receipt = request<Receipt>(*client, Pattern({"cmd", "order"}), order);
  ASSERT_TRUE(wait_for(receipt));
  EXPECT_EQ((*receipt)->value().order_id, "a-1gift");
  EXPECT_EQ((*receipt)->value().total, 19.0);
}

TEST_P(TransportConformance, HundredsOfCallsRunAtOnce) {
  const auto service = make_service();
  Gate gate(loop);
  int waiting = 0;
  service->on_request("double", [&](int number) -> asio::awaitable<int> {
    ++waiting;
    co_await gate.pass();
    co_return 2 * number;
  });
  start(*service);
  const auto client = make_client(*service);
  constexpr int k_calls = 500;
  const int at_once = std::min(k_calls, stage->at_once());
  std::vector<Outcome<int>> calls;
  for (int i = 0; i < k_calls; ++i) calls.push_back(request<int>(*client, "double", i));
  ASSERT_TRUE(wait_for([&] { return waiting == at_once; }));
  gate.open();
  for (int i = 0; i < k_calls; ++i) {
    ASSERT_TRUE(wait_for(calls[static_cast<std::size_t>(i)]));
    EXPECT_EQ((*calls[static_cast<std::size_t>(i)])->value(), 2 * i);
  }
  EXPECT_EQ(client->stats().waiting, 0u);
}

TEST_P(TransportConformance, NothingGoesInAndNothingComesBack) {
  const auto service = make_service();
  int calls = 0;
  service->on_request("nothing", [&] { ++calls; });
  start(*service);
  const auto client = make_client(*service);
  const auto absent = request<std::optional<int>>(*client, "nothing", Payload());
  ASSERT_TRUE(wait_for(absent));
  EXPECT_EQ((*absent)->value(), std::nullopt);
  EXPECT_EQ(calls, 1);
}

TEST_P(TransportConformance, EmptyAndBinaryPayloadsKeepTheirBytes) {
  const auto service = make_service();
  service->on_request("text", [](const std::string& text) { return text; });
  service->on_request("bytes", [](const std::vector<std::byte>& bytes) { return bytes; });
  start(*service);
  const auto client = make_client(*service);
  const auto empty = request<std::string>(*client, "text", std::string());
  std::vector<std::byte> all(256);
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<std::byte>(i);
  const auto bytes = request<std::vector<std::byte>>(*client, "bytes", all);
  const auto none = request<std::vector<std::byte>>(*client, "bytes", std::vector<std::byte>());
  ASSERT_TRUE(wait_for(empty) && wait_for(bytes) && wait_for(none));
  EXPECT_EQ((*empty)->value(), "");
  EXPECT_EQ((*bytes)->value(), all);
  EXPECT_TRUE((*none)->value().empty());
}

TEST_P(TransportConformance, AMegabyteGoesThereAndBack) {
  const auto service = make_service();
  service->on_request("echo", [](const std::string& text) { return text; });
  start(*service);
  const auto client = make_client(*service);
  std::string large(1u << 20, 'x');
  for (std::size_t i = 0; i < large.size(); i += 100) large[i] = '"';
  const auto echoed = request<std::string>(*client, "echo", large);
  ASSERT_TRUE(wait_for(echoed));
  EXPECT_TRUE((*echoed)->value() == large);
}

TEST_P(TransportConformance, APatternWithoutHandlerIsSaidToHaveNone) {
  const auto service = make_service();
  service->on_request("known", [] { return 1; });
  start(*service);
  const auto client = make_client(*service);
  const bool is_told_at_all = capabilities().tells_unhandled;
  const auto call = request<int>(*client, "unknown", 1, is_told_at_all ? CallOptions() : within(milliseconds(300)));
  ASSERT_TRUE(wait_for(call));
  ASSERT_FALSE(**call);
  const auto& error = (*call)->error();
  if (!is_told_at_all) {
    EXPECT_TRUE(error.code() == errc::timeout) << error.what();
    return;
  }
  const bool is_told = error.code() == errc::no_handler ||
                       (capabilities().receivers != Support::impossible && error.code() == errc::no_receiver);
  EXPECT_TRUE(is_told) << error.what();
}

TEST_P(TransportConformance, AThrownErrorArrivesWithItsNameAndDetails) {
  const auto service = make_service();
  service->on_request("order", [](const Order& order) -> Receipt { throw Error("E42", "sold out", order); });
  start(*service);
  const auto client = make_client(*service);
  const Order order{"a-1", 7, std::nullopt};
  const auto call = request<Receipt>(*client, "order", order);
  ASSERT_TRUE(wait_for(call));
  ASSERT_FALSE(**call);
  const auto& error = (*call)->error();
  EXPECT_TRUE(error.code() == errc::remote) << error.what();
  EXPECT_EQ(error.name(), "E42");
  EXPECT_EQ(error.message(), "sold out");
  EXPECT_EQ(error.details<Order>().quantity, 7);
}

TEST_P(TransportConformance, OtherExceptionsStayInTheLog) {
  const auto service = make_service();
  service->on_request("fail", [](int) -> int { throw std::runtime_error("the password is 1234"); });
  start(*service);
  const auto client = make_client(*service);
  const auto call = request<int>(*client, "fail", 1);
  ASSERT_TRUE(wait_for(call));
  ASSERT_FALSE(**call);
  EXPECT_EQ((*call)->error().message(), "Internal server error");
  EXPECT_TRUE(logs.contains("the password is 1234"));
}

TEST_P(TransportConformance, APayloadOfAnotherTypeIsAnsweredWithItsPath) {
  const auto service = make_service();
  service->on_request("order", [](const Order& order) { return order.quantity; });
  start(*service);
  const auto client = make_client(*service);
  const std::map<std::string, std::string> wrong{{"id", "a"}, {"quantity", "two"}};
  const auto call = request<int>(*client, "order", wrong);
  ASSERT_TRUE(wait_for(call));
  ASSERT_FALSE(**call);
  EXPECT_NE((*call)->error().message().find("quantity"), std::string_view::npos) << (*call)->error().what();
}

TEST_P(TransportConformance, ACallEndsAtItsDeadlineAndItsLateReplyIsDropped) {
  const auto service = make_service();
  Gate gate(loop);
  bool is_finished = false;
  service->on_request("slow", [&](int number) -> asio::awaitable<int> {
    co_await gate.pass();
    is_finished = true;
    co_return number;
  });
  service->on_request("quick", [](int number) { return number; });
  start(*service);
  const auto client = make_client(*service);
  test::run_until(loop, client->connect());  // its time is the call's own
  const auto slow = request<int>(*client, "slow", 1, within(milliseconds(50)));
  ASSERT_TRUE(wait_for(slow));
  ASSERT_FALSE(**slow);
  EXPECT_TRUE((*slow)->error().code() == errc::timeout) << (*slow)->error().what();
  gate.open();
  ASSERT_TRUE(wait_for([&] { return is_finished; }));
  const auto quick = request<int>(*client, "quick", 2);
  ASSERT_TRUE(wait_for(quick));
  EXPECT_EQ((*quick)->value(), 2);
  EXPECT_EQ(client->stats().timeouts, 1u);
}

TEST_P(TransportConformance, ACancelledCallEndsAtOnce) {
  const auto service = make_service();
  Gate gate(loop);
  bool is_running = false;
  service->on_request("slow", [&](int number) -> asio::awaitable<int> {
    is_running = true;
    co_await gate.pass();
    co_return number;
  });
  start(*service);
  const auto client = make_client(*service);
  asio::cancellation_signal signal;
  const auto call = make_outcome<int>();
  client->request<int>("slow", 1, asio::bind_cancellation_slot(signal.slot(), keep(call)));
  ASSERT_TRUE(wait_for([&] { return is_running; }));
  signal.emit(asio::cancellation_type::terminal);
  ASSERT_TRUE(wait_for(call));
  ASSERT_FALSE(**call);
  EXPECT_TRUE((*call)->error().code() == errc::cancelled) << (*call)->error().what();
  gate.open();
  test::run_ready(loop);
}

TEST_P(TransportConformance, HeadersReachTheHandler) {
  WAYBILL_CONFORMANCE_NEEDS(capabilities().headers != Support::impossible);
  const auto service = make_service();
  service->on_request("who", [](Context& context) {
    const auto* tenant = context.header("tenant");
    return tenant ? *tenant : std::string("nobody");
  });
  start(*service);
  const auto client = make_client(*service);
  CallOptions options;
  options.headers.set("tenant", "blue");
  const auto call = request<std::string>(*client, "who", 0, options);
  ASSERT_TRUE(wait_for(call));
  EXPECT_EQ((*call)->value(), "blue");
}

TEST_P(TransportConformance, AHandlerSeesHowLongItsCallerWaits) {
  WAYBILL_CONFORMANCE_NEEDS(capabilities().headers == Support::native);
  const auto service = make_service();
  service->on_request("left", [](Context& context) {
    const auto deadline = context.deadline();
    if (!deadline) return std::int64_t{-1};
    return std::chrono::duration_cast<milliseconds>(*deadline - std::chrono::steady_clock::now()).count();
  });
  start(*service);
  const auto client = make_client(*service);
  const auto call = request<std::int64_t>(*client, "left", 0, within(milliseconds(60'000)));
  ASSERT_TRUE(wait_for(call));
  EXPECT_GT((*call)->value(), 0);
  EXPECT_LE((*call)->value(), 60'100);
}

}  // namespace
}  // namespace waybill::conformance
