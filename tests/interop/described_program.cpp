// described_program WHAT: prints what it says of itself (asyncapi, typescript, openapi), or for each of some types its schema
// with values that waybill has written (schemas); `run` serves, prints READY and its addresses, and ends at SIGTERM.
#include <waybill/application.hpp>
#include <waybill/schema.hpp>
#include <waybill/serializers/json.hpp>

#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <asio/signal_set.hpp>
#include <asio/use_awaitable.hpp>

#include <array>
#include <chrono>
#include <csignal>
#include <iostream>
#include <limits>
#include <map>
#include <string_view>

namespace {

using namespace std::chrono_literals;
using waybill::Application;
using waybill::format::JsonValue;
using waybill::http::Request;
using waybill::http::Response;

enum class Color { red, green, dark_blue };
struct Item {
  std::string sku;
  std::uint8_t count = 1;
};
struct Order {
  std::string id;
  std::vector<Item> items;
  std::optional<std::string> note;
  Color color = Color::red;
};
struct Receipt {
  std::string order;
  double total = 0;
  std::chrono::system_clock::time_point at{};
};
struct Everything {
  bool flag = true;
  std::int8_t tiny = std::numeric_limits<std::int8_t>::min();
  std::int64_t large = std::numeric_limits<std::int64_t>::max();
  std::uint64_t natural = std::numeric_limits<std::uint64_t>::max();
  float real = std::numeric_limits<float>::max();
  double exact = -1.5e300;
  std::vector<std::byte> bytes{std::byte{0}, std::byte{255}};
  std::map<std::string, int> named{{"a", 1}};
  std::map<int, Item> numbered{{-7, {"x", 255}}};
  std::pair<int, std::string> pair{1, "one"};
  std::array<int, 3> three{1, 2, 3};
  std::variant<std::monostate, int, Item> one_of = Item{"v", 0};
  std::unique_ptr<Everything> inner;
  std::vector<std::optional<Color>> colors{Color::green, std::nullopt};
  std::chrono::system_clock::time_point time{1767225600123ms};
  std::tuple<> nothing;
};

/// {"name":...,"schema":...,"good":[...]}: a line.
template <class T>
void print_schema(const char* name, const std::vector<const T*>& values) {
  const auto json = waybill::json::make_json_serializer();
  JsonValue good = JsonValue::list();
  for (const T* value : values) {
    waybill::Buffer text;
    json->encode(waybill::ValueRef::of(*value), text).value();
    good.add(JsonValue::parse(text.view()).value());
  }
  std::cout << JsonValue::object(
                   {{"name", name}, {"schema", waybill::format::schema_of(waybill::type_of<T>())}, {"good", good}})
                   .to_text()
            << '\n';
}

void print_schemas() {
  const Order plain{"a-1", {}, {}, Color::dark_blue}, full{"", {{"tea", 2}, {"", 255}}, "\"quoted\"\n", Color::green};
  print_schema<Order>("Order", {&plain, &full});
  Everything outer, alone;
  outer.inner = std::make_unique<Everything>();
  print_schema<Everything>("Everything", {&outer, &alone});
  const std::optional<int> none, seven = 7;
  print_schema<std::optional<int>>("optional", {&none, &seven});
  const std::vector<std::pair<int, bool>> pairs{{1, true}};
  print_schema<std::vector<std::pair<int, bool>>>("pairs", {&pairs});
}

void add_handlers(Application& app) {
  app.on_request({{"cmd", "order"}}, [](const Order& order) {
    return Receipt{order.id, static_cast<double>(order.items.size()) * 9.5,
                   std::chrono::system_clock::time_point(1767225600000ms)};
  });
  app.on_request("count", [](int to) -> waybill::Stream<int> {
    for (int i = 1; i <= to; ++i) co_yield i;
  });
  app.on_request("hello", [](const std::string& name) { return "hello " + name; });
  app.on_request("everything", [](Everything all) { return all; });
  app.on_request("log.size", [] { return 3; });
  app.on_event("order.*", [](const Order&) {});
  app.on_event("order.created", [](const Order&) {}).on_event("order.created", [](waybill::Context&) {});
}

struct Find {
  int customer = 0;
  std::optional<int> page;
  std::vector<std::string> state;
  Color color = Color::red;
};
struct Change {
  int id = 0;
  Order order;
};
struct Found {
  std::vector<Order> orders;
  int page = 1;
  std::string states;
};

void add_routes(Application& app) {
  app.http()
      .get("/customers/{customer}/orders",
           [](const Find& find) {
             std::string states;
             for (const std::string& state : find.state) states += state + ';';
             return Found{{}, find.page.value_or(1), states};
           })
      .summary("Orders of a <b>customer</b>");
  app.http().put("/orders/{id}", [](const Change& change) { return change.order; });
  app.http().del("/orders/{number}", [](Request&) {});
  app.http().post("/sum", [](const std::vector<double>& numbers) -> asio::awaitable<double> {
    double sum = 0;
    for (const double number : numbers) sum += number;
    co_return sum;
  });
  app.http()
      .get("/plain", [](Request& request) { return Response::text("plain " + request.query("name", "World")); })
      .gives<std::string>();
  app.http().get("/hidden", [] { return "hidden"; }).hidden();
}

constexpr const char* k_config = R"(
introspection: true
log: error
listeners:
  inside: tcp://127.0.0.1:0
clients:
  me: self:inside
  shop: { url: "amqp://me:secret@127.0.0.1:1/?queue=shop", connect_timeout: 100ms }
http:
  listen: 127.0.0.1:0
  title: "Described <script>alert(1)</script>"
  version: 2.1.0
  routes:
    - { get: /hello, request: { client: me, pattern: hello, body: $query.name or World } }
    - { post: /orders, request: { client: me, pattern: { cmd: order }, body: $body } }
    - { get: "/count/{to}", stream: { client: me, pattern: count, body: $path.to as number } }
    - { post: /shop, event: { client: shop, pattern: order.created, body: { id: $body.order.id, tenant: $header.X-Tenant or nothing, at: here } } }
)";

asio::awaitable<void> serve(Application& app) {
  asio::signal_set signals(co_await asio::this_coro::executor, SIGINT, SIGTERM);
  co_await app.start();
  std::cout << "READY";
  for (const std::string& address : app.addresses()) std::cout << ' ' << address;
  std::cout << std::endl;
  co_await signals.async_wait(asio::use_awaitable);
  co_await app.drain(1s);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view what = argc > 1 ? argv[1] : "";
  if (what == "schemas") return print_schemas(), 0;
  asio::io_context loop(1);
  Application app(loop.get_executor(), waybill::ApplicationConfig::parse(k_config));
  add_handlers(app);
  add_routes(app);
  waybill::ServiceDescription description = app.description();
  description.name = "described";
  if (what == "asyncapi") std::cout << waybill::async_api(description);
  if (what == "typescript") std::cout << waybill::typescript(description);
  if (what == "openapi") std::cout << app.open_api();
  if (what != "run") return 0;
  asio::co_spawn(loop, serve(app), [](std::exception_ptr thrown) {
    if (thrown) std::rethrow_exception(thrown);
  });
  loop.run();
}
