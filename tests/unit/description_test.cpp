// What services say of themselves, and the documents of that.
#include "waybill/description.hpp"

#include "waybill/format/json_value.hpp"
#include "waybill/service.hpp"

#include <asio/io_context.hpp>
#include <gtest/gtest.h>

namespace {

using waybill::Config;
using waybill::HandlerDescription;
using waybill::Service;
using waybill::ServiceDescription;
using waybill::format::JsonValue;
using Kind = HandlerDescription::Kind;

struct Order {
  std::string id;
  std::optional<std::string> note;
};
struct Receipt {
  std::string order;
  double total = 0;
};

class Descriptions : public testing::Test {
 protected:
  void SetUp() override {
    service_.on_request({{"cmd", "order"}}, [](const Order&) { return Receipt(); });
    service_.on_request("count", [](int to) -> waybill::Stream<int> { co_yield to; });
    service_.on_request(
        "later", [](Order order) -> asio::awaitable<std::vector<Order>> { co_return std::vector<Order>{order}; });
    service_.on_request("forget", [] {});
    service_.on_request("look", [](waybill::Context&) { return 1; });
    service_.at("inside").on_event("order.*", [](const Order&) {});
    service_.on_event("both", [](const Order&) {}).on_event("both", [](const std::string&) {});
  }
  asio::io_context loop_;
  Service service_{loop_.get_executor(), Config::parse(R"(
listeners:
  inside: "memory://descriptions"
  outside: "tcp://127.0.0.1:0?max_connections=5"
)")};
};

TEST_F(Descriptions, TellHandlersWithTheirPayloads) {
  const ServiceDescription told = service_.description();
  ASSERT_EQ(told.servers.size(), 2u);
  EXPECT_EQ(told.servers[1].name, "outside");
  EXPECT_EQ(told.servers[1].protocol, "tcp");
  EXPECT_EQ(told.servers[1].host, "127.0.0.1:0");
  ASSERT_EQ(told.handlers.size(), 8u);
  EXPECT_EQ(told.handlers[0].pattern, R"({"cmd":"order"})");
  EXPECT_EQ(told.handlers[0].kind, Kind::request);
  EXPECT_NE(told.handlers[0].argument.find(R"("$ref":"#/$defs/Order")"), std::string::npos);
  EXPECT_NE(told.handlers[0].reply.find(R"("$ref":"#/$defs/Receipt")"), std::string::npos);
  EXPECT_TRUE(told.handlers[0].servers.empty());
  EXPECT_EQ(told.handlers[1].kind, Kind::stream);
  EXPECT_NE(told.handlers[1].reply.find(R"("type":"integer")"), std::string::npos);
  EXPECT_NE(told.handlers[2].reply.find(R"("type":"array")"), std::string::npos);
  EXPECT_EQ(told.handlers[3].reply, "false");
  EXPECT_EQ(told.handlers[4].argument, "");
  EXPECT_EQ(told.handlers[5].kind, Kind::event);
  EXPECT_EQ(told.handlers[5].servers, std::vector<std::string>{"inside"});
  EXPECT_EQ(told.handlers[6].pattern, told.handlers[7].pattern);
}

TEST_F(Descriptions, AreAsyncApi) {
  ServiceDescription told = service_.description();
  told.name = "orders";
  told.version = "1.2.3";
  const JsonValue document = JsonValue::parse(async_api(told)).value();
  EXPECT_EQ(document.find("asyncapi")->content(), "3.0.0");
  EXPECT_EQ(document.find("info")->to_text(), R"({"title":"orders","version":"1.2.3"})");
  EXPECT_EQ(document.find("servers")->find("outside")->to_text(), R"({"host":"127.0.0.1:0","protocol":"tcp"})");
  const JsonValue& channels = *document.find("channels");
  const JsonValue& order = *channels.find("cmd_order");
  EXPECT_TRUE(order.find("address")->is("null"));
  EXPECT_EQ(order.find("x-waybill-pattern")->to_text(), R"({"cmd":"order"})");
  EXPECT_EQ(order.find("messages")->find("request")->find("payload")->to_text(),
            R"({"$ref":"#/components/schemas/Order"})");
  EXPECT_EQ(channels.find("count")->find("address")->content(), "count");
  EXPECT_EQ(channels.find("order._")->find("servers")->to_text(), R"([{"$ref":"#/servers/inside"}])");
  EXPECT_EQ(channels.find("both")->find("messages")->members().size(), 2u);
  const JsonValue& operations = *document.find("operations");
  EXPECT_EQ(operations.members().size(), 8u);
  EXPECT_EQ(operations.find("cmd_order")->find("action")->content(), "receive");
  EXPECT_EQ(operations.find("cmd_order")->find("reply")->find("channel")->to_text(),
            R"({"$ref":"#/channels/cmd_order.reply"})");
  EXPECT_FALSE(operations.find("order._")->find("reply"));
}

TEST_F(Descriptions, AreTypesAndCallsOfTypeScript) {
  ServiceDescription told = service_.description();
  told.name = "my orders";
  const std::string text = typescript(told);
  for (const char* expected :
       {"export interface Order {\n  id: string;\n  note?: string | null;\n}\n", "export class MyOrdersClient {",
        "  order(data: Order): Observable<Receipt> {\n    return this.proxy_.send<Receipt, Order>({\"cmd\":\"order\"}, "
        "data);\n",
        "  count(data: number): Observable<number> {", "  later(data: Order): Observable<Array<Order>> {",
        "  forget(data: unknown = {}): Observable<void> {",
        "  emitOrder(pattern: `order.${string}`, data: Order): Observable<void> {\n    return this.proxy_.emit<void, "
        "Order>(pattern, data);"}) {
    EXPECT_NE(text.find(expected), std::string::npos) << expected << "\nin\n" << text;
  }
}

TEST(DescriptionsFromAfar, MayHaveAnySchema) {
  ServiceDescription told;
  for (const char* schema :
       {"true", "[]", "7", "\"x\"", R"({"$ref":7})", R"({"$ref":"#/$defs/none"})", R"({"enum":{}})", R"({"type":[[]]})",
        R"({"type":"object","properties":7,"required":"id"})", R"({"anyOf":null,"$defs":[1]})",
        R"({"$ref":"#/$defs/a","$defs":{"a":{"$ref":"#/$defs/a"},"a":{"$ref":"#/$defs/b"},"b":{"$ref":"#/$defs/a"}}})",
        R"({"prefixItems":{},"type":"array"})", R"({"const":{"a":[]}})"}) {
    told.handlers.push_back({Kind::request, "\"x\"", schema, schema, {}, false});
    told.handlers.back().pattern = '"' + std::to_string(told.handlers.size()) + '"';
  }
  EXPECT_TRUE(JsonValue::parse(async_api(told)));
  EXPECT_NE(typescript(told).find("call13("), std::string::npos);
  told.handlers.assign(1, {Kind::request, "{", "", "", {}, false});
  EXPECT_THROW(async_api(told), waybill::Error);
  EXPECT_THROW(typescript(told), waybill::Error);
}

TEST(DescriptionsFromAfar, PatternsOfABrokersOwnFormAreTexts) {
  ServiceDescription told;
  told.handlers.push_back({Kind::event, waybill::native("a.**.b").to_json(), "", "", {}, false});
  const JsonValue read = JsonValue::parse(async_api(told)).value();
  EXPECT_EQ(read.find("channels")->members()[0].value.find("address")->content(), "a.**.b");
  EXPECT_NE(typescript(told).find("emitAB(data: unknown = {})"), std::string::npos) << typescript(told);
}

TEST(DescriptionsFromAfar, HaveNoHandlersSecretsAndOddNames) {
  ServiceDescription told;
  told.servers.push_back(ServiceDescription::Server::of(
      "a broker", waybill::Url::parse("amqp://me:secret@host,other:5673/v?queue=q").value(), "msgpack"));
  told.handlers.push_back({Kind::request, R"("*/ evil `${x}`")", R"({"type":"string"})", "", {}, true});
  told.handlers.push_back({Kind::request, "42", "", "not json", {"unknown"}, false});
  const std::string document = async_api(told);
  EXPECT_EQ(document.find("secret"), std::string::npos);
  const JsonValue read = JsonValue::parse(document).value();
  EXPECT_EQ(read.find("servers")->to_text(),
            R"({"a_broker":{"host":"host,other:5673","protocol":"amqp","pathname":"/v"}})");
  EXPECT_EQ(read.find("defaultContentType")->content(), "application/vnd.msgpack");
  EXPECT_EQ(read.find("operations")->members()[0].value.find("action")->content(), "send");
  const std::string module = typescript(told);
  EXPECT_NE(module.find("call42("), std::string::npos) << module;
  EXPECT_NE(module.find("* / evil"), std::string::npos) << module;
}

}  // namespace
