// What an application says of itself, over HTTP and as documents.
#include "support/http_caller.hpp"
#include "waybill/application.hpp"
#include "waybill/format/json_value.hpp"

#include <gtest/gtest.h>

#include <optional>

namespace waybill::test {
namespace {

using format::JsonValue;

struct Order {
  std::string id;
};

class ApplicationDescriptions : public testing::Test {
 protected:
  ~ApplicationDescriptions() override {
    if (app_) app_->close();
    run_ready(loop_);
  }
  Application& make(const std::string& http, const std::string& top = {}) {
    app_.emplace(loop_.get_executor(), ApplicationConfig::parse(top + R"(
log: off
listeners:
  inside: memory://described
clients:
  me: self:inside
  inside: tcp://127.0.0.1:1
http:
  listen: 127.0.0.1:0
)" + http));
    app_->on_request("order", [](const Order& order) { return order; });
    app_->on_request("none", [] {});
    app_->on_request("any", [](Payload payload) { return payload; });
    return *app_;
  }
  std::string get(const std::string& target) {
    if (!caller_) {
      run_until(loop_, [](Application& app) -> asio::awaitable<void> { co_await app.start(); }(*app_));
      caller_.emplace(loop_, app_->addresses().back());
    }
    return caller_->get(target);
  }
  asio::io_context loop_{1};
  std::optional<Application> app_;
  std::optional<HttpCaller> caller_;
};

constexpr const char* k_routes = R"(
  routes:
    - { post: /orders, request: { client: me, pattern: order, body: $body } }
    - { post: /none, request: { client: me, pattern: none } }
    - { post: /any, request: { client: me, pattern: any, body: $body or nothing } }
    - { post: /away, event: { client: inside, pattern: { cmd: away }, body: { id: $query.id as number, of: $request.id, at: 7 } } }
)";

TEST_F(ApplicationDescriptions, ARouteTakesAllValuesOfANameInTheQuery) {
  make(R"(
  routes:
    - get: /find
      request:
        client: me
        pattern: any
        body: { tags: $query.tag as texts, ids: $query.id as numbers or nothing, open: $query.open as flags or true }
)");
  EXPECT_EQ(HttpCaller::body(get("/find?tag=a&id=7&tag=b%20c&tag=")),
            R"({"tags":["a","b c",""],"ids":[7],"open":[true]})");
  EXPECT_EQ(HttpCaller::body(get("/find")), R"({"tags":[],"open":[true]})");
  const std::string wrong = get("/find?id=7&id=x");
  EXPECT_EQ(HttpCaller::status(wrong), "400 Bad Request");
  EXPECT_NE(wrong.find("expected a number"), std::string::npos) << wrong;
  const JsonValue told = JsonValue::parse(HttpCaller::body(get("/openapi.json"))).value();
  const std::string parameters = told.find("paths")->find("/find")->find("get")->find("parameters")->to_text();
  EXPECT_NE(parameters.find(
                R"("name":"tag","in":"query","required":false,"schema":{"type":"array","items":{"type":"string"}})"),
            std::string::npos)
      << parameters;
}

TEST_F(ApplicationDescriptions, AreThereByDefaultWithWhatTheOwnHandlersSay) {
  make(k_routes);
  const std::string answer = get("/openapi.json");
  EXPECT_EQ(HttpCaller::status(answer), "200 OK");

  EXPECT_EQ(answer.find("127.0.0.1"), std::string::npos);
  const JsonValue told = JsonValue::parse(HttpCaller::body(answer)).value();
  EXPECT_EQ(told.find("info")->to_text(), R"({"title":"HTTP API","version":"1.0.0"})");
  const JsonValue& paths = *told.find("paths");
  const auto post = [&](const char* path) -> const JsonValue& { return *paths.find(path)->find("post"); };
  EXPECT_EQ(post("/orders").find("requestBody")->find("content")->to_text(),
            R"({"application/json":{"schema":{"$ref":"#/components/schemas/Order"}}})");
  EXPECT_EQ(post("/orders").find("responses")->find("200")->find("content")->to_text(),
            R"({"application/json":{"schema":{"$ref":"#/components/schemas/Order"}}})");
  EXPECT_TRUE(post("/none").find("responses")->find("204"));
  EXPECT_FALSE(post("/none").find("responses")->find("200"));
  EXPECT_TRUE(post("/any").find("responses")->find("200"));
  EXPECT_TRUE(post("/any").find("requestBody")->find("required")->is("false"));
  EXPECT_TRUE(post("/away").find("responses")->find("202"));
  EXPECT_FALSE(paths.find("/readyz")) << "it is for who supervises the program";
  EXPECT_FALSE(paths.find("/docs"));
  EXPECT_EQ(HttpCaller::status(get("/docs")), "200 OK");
}

TEST_F(ApplicationDescriptions, CanBeSwitchedOffAndNamed) {
  make("  openapi: false\n  title: Shop\n  version: 4.5\n");
  EXPECT_EQ(HttpCaller::status(get("/openapi.json")), "404 Not Found");
  EXPECT_EQ(HttpCaller::status(get("/docs")), "404 Not Found");
  EXPECT_NE(app_->open_api().find(R"("info":{"title":"Shop","version":"4.5"})"), std::string::npos);
}

TEST_F(ApplicationDescriptions, HaveTheNameOfTheConfiguration) {
  make("", "name: shop\nversion: 2\n");
  EXPECT_NE(app_->open_api().find(R"("info":{"title":"shop","version":"2"})"), std::string::npos);
  EXPECT_EQ(app_->description().name, "shop");
  EXPECT_EQ(app_->description().version, "2");
}

TEST_F(ApplicationDescriptions, AHandlerOfABrokersOwnPatternLeavesTheOthersTold) {
  make(k_routes).on_request(native("a.**.b"), [] {});
  EXPECT_NE(app_->open_api().find(R"("schema":{"$ref":"#/components/schemas/Order"})"), std::string::npos);
}

TEST_F(ApplicationDescriptions, TellWhatRoutesSendToOthers) {
  const ServiceDescription told = make(k_routes).description();
  ASSERT_EQ(told.servers.size(), 2u);
  EXPECT_EQ(told.servers[1].name, "client inside");
  EXPECT_EQ(told.servers[1].host, "127.0.0.1:1");
  ASSERT_EQ(told.handlers.size(), 4u);
  const HandlerDescription& sent = told.handlers[3];
  EXPECT_TRUE(sent.is_sent);
  EXPECT_EQ(sent.kind, HandlerDescription::Kind::event);
  EXPECT_EQ(sent.pattern, R"({"cmd":"away"})");
  EXPECT_EQ(sent.servers, std::vector<std::string>{"client inside"});
  EXPECT_EQ(sent.argument, R"({"type":"object","properties":{"id":{"type":"number"},"of":{"type":"string"},)"
                           R"("at":{"const":7}},"required":["id","of","at"]})");
}

}  // namespace
}  // namespace waybill::test
