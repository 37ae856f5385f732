// What an HTTP server says of its routes. The whole document is checked by a validator, and the page in a browser, in
// tests/interop.
#include "support/http_server.hpp"
#include "waybill/format/json_value.hpp"

#include <gtest/gtest.h>

namespace waybill::test {
namespace {

using format::JsonValue;
using http::Request;
using http::Response;

struct Node {
  int id = 0;
  std::optional<std::string> name;
  std::vector<Node> children;
};
struct NodeAt {
  std::string place;
  std::unique_ptr<NodeAt> next;
};

class HttpDescriptions : public HttpServer {
 protected:
  JsonValue document() { return JsonValue::parse(server().open_api("nodes", "3")).value(); }
  /// What is said of a route: "{}" where there is nothing.
  static std::string at(const JsonValue& from, std::initializer_list<const char*> steps) {
    const JsonValue* value = &from;
    for (const char* step : steps) {
      if (value) value = value->find(step);
    }
    return value ? value->to_text() : "{}";
  }
};

TEST_F(HttpDescriptions, OfTypesSayParametersBodyAndAnswer) {
  server().get("/nodes/{id}", [](const Node& node) { return node; }).summary("One node.");
  server().post("/nodes/{id}", [](const Node&) {});
  server().post("/nodes", [](const Node&, Request&) -> asio::awaitable<std::string> { co_return "x"; });
  server().post("/places/{place}", [](const NodeAt&) { return Payload(); });
  const JsonValue told = document();
  EXPECT_EQ(at(told, {"info"}), R"({"title":"nodes","version":"3"})");
  const JsonValue& paths = *told.find("paths");
  const JsonValue& get = *paths.find("/nodes/{id}")->find("get");
  EXPECT_EQ(at(get, {"summary"}), "\"One node.\"");
  EXPECT_EQ(at(get, {"parameters"}),
            R"([{"name":"id","in":"path","required":true,"schema":{"type":"integer","format":"int32",)"
            R"("minimum":-2147483648,"maximum":2147483647}},)"
            R"({"name":"name","in":"query","required":false,"schema":{"type":"string"}}])");
  EXPECT_EQ(at(get, {"requestBody", "content", "application/json", "schema", "required"}), "[\"children\"]");
  EXPECT_EQ(at(get, {"responses", "200", "content", "application/json", "schema"}),
            R"({"$ref":"#/components/schemas/Node"})");
  const JsonValue& post = *paths.find("/nodes/{id}")->find("post");
  EXPECT_EQ(at(post, {"responses", "204", "description"}), "\"It is done.\"");
  EXPECT_EQ(at(post, {"requestBody", "content", "application/json", "schema", "properties", "children"}),
            R"({"type":"array","items":{"$ref":"#/components/schemas/Node"}})");
  EXPECT_EQ(at(post, {"responses", "413"}), R"({"$ref":"#/components/responses/TooLarge"})");
  const JsonValue& all = *paths.find("/nodes")->find("post");
  EXPECT_EQ(at(all, {"requestBody", "content", "application/json", "schema"}),
            R"({"$ref":"#/components/schemas/Node"})");
  EXPECT_EQ(at(all, {"responses", "200", "content"}), R"({"text/plain":{"schema":{"type":"string"}}})");
  const JsonValue& place = *paths.find("/places/{place}")->find("post");
  EXPECT_EQ(at(place, {"requestBody", "required"}), "false");
  EXPECT_EQ(at(place, {"responses", "200", "content"}), R"({"application/json":{},"text/plain":{}})");
  EXPECT_NE(at(told, {"components", "schemas", "NodeAt"}), "{}");
}

TEST_F(HttpDescriptions, MayBeSaidWhereTypesAreSilent) {
  server().get("/a", [](Request&) { return Response::text("x"); }).takes<Node>().gives<int>();
  server().get("/b/{x}", [](Request&) { return Response(); }).streams<Node>().summary("Nodes, as they come.");
  server().get("/c", [] { return 1; }).hidden();
  server().route("BREW", "/d", [] { return 1; });
  const JsonValue told = document();
  const JsonValue& paths = *told.find("paths");
  EXPECT_EQ(paths.members().size(), 2u);
  EXPECT_NE(at(*paths.find("/a"), {"get", "parameters"}).find("\"name\":\"id\",\"in\":\"query\""), std::string::npos);
  EXPECT_NE(at(*paths.find("/a"), {"get", "responses", "200"}).find("int32"), std::string::npos);
  EXPECT_EQ(at(*paths.find("/b/{x}"), {"get", "parameters"}),
            R"([{"name":"x","in":"path","required":true,"schema":{"type":"string"}}])");
  EXPECT_EQ(at(*paths.find("/b/{x}"), {"get", "responses", "200", "content", "application/jsonl", "x-item-schema"}),
            R"({"$ref":"#/components/schemas/Node"})");
  make("");
  EXPECT_THROW(server().summary("of what?"), Error);
}

TEST_F(HttpDescriptions, PathsThatOpenApiTakesForTheSameAreOne) {
  server().get("/nodes/{id}/children/{child}", [](Request&) { return 1; });
  server().put("/nodes/{node}/children/{id}", [](const Node&) { return 1; });
  const JsonValue told = document();
  EXPECT_EQ(told.find("paths")->members().size(), 1u);
  const std::string put = at(told, {"paths", "/nodes/{id}/children/{child}", "put", "parameters"});
  EXPECT_NE(put.find(R"("name":"child","in":"path","required":true,"schema":{"type":"integer")"), std::string::npos)
      << put;
  EXPECT_NE(put.find(R"("name":"id","in":"path","required":true,"schema":{"type":"string"}})"), std::string::npos)
      << put;
}

TEST_F(HttpDescriptions, AreServedUnlessARouteHasThePath) {
  server().get("/openapi.json", [] { return "my own"; });
  server().serve_descriptions();
  start();
  EXPECT_EQ(body(get("/openapi.json")), "my own");
  const std::string page = get("/docs");
  EXPECT_EQ(status(page), "200 OK");
  for (const char* expected :
       {"Content-Type: text/html; charset=utf-8\r\n", "X-Content-Type-Options: nosniff\r\n",
        "Content-Security-Policy: default-src 'none'; style-src 'sha256-", "; script-src 'sha256-",
        "; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for "
        "'script'\r\n"}) {
    EXPECT_NE(page.find(expected), std::string::npos) << expected;
  }
  const std::string html = body(page);
  EXPECT_TRUE(html.starts_with("<!DOCTYPE html>\n<html lang=\"en\">"));
  EXPECT_TRUE(html.ends_with("</html>\n"));
  for (const char* outside : {"http://", "https://", "src=", "innerHTML", "@import", "style=", "onclick="}) {
    EXPECT_EQ(html.find(outside), std::string::npos) << outside;
  }
}

TEST_F(HttpDescriptions, LeaveAPathThatNamesInBracesTake) {
  server().get("/{page}", [](Request& request) { return request.path("page"); });
  server().serve_descriptions();
  start();
  EXPECT_EQ(body(get("/docs")), "docs");
}

}  // namespace
}  // namespace waybill::test
