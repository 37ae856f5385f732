// Orders by command, event and query (CQRS). The configuration says which parts this program has: it may be all of them.
#include "order.hpp"
#include "view.hpp"
#include "work.hpp"
#include <waybill/application.hpp>

#include <algorithm>
#include <iostream>
#include <optional>
#include <random>
#include <string>

namespace http = waybill::http;

namespace {

bool has_listener(const waybill::Application& app, const std::string& name) {
  const auto& listeners = app.config().listeners;
  return std::any_of(listeners.begin(), listeners.end(), [&name](const auto& one) { return one.name == name; });
}

std::string fresh_id() {
  std::random_device random;
  std::string id;
  for (int i = 0; i < 12; ++i) id += "abcdefghijkmnpqrstuvwxyz23456789"[random() % 32];
  return id;
}

/// The order is accepted when the broker has the event: whatever ends after that, the work will be done.
asio::awaitable<http::Response> place(waybill::Application& app, http::Request& request) {
  const auto wanted = request.json<shop::NewOrder>();
  if (wanted.item.empty() || wanted.quantity < 1) throw http::Problem(400, "an order needs an item, and at least one");
  const shop::Order order{fresh_id(), wanted.item, wanted.quantity, "placed"};
  co_await app.client("orders").emit("order.placed", order, request.call_options());
  http::Response response = http::Response::json("{\"id\":\"" + order.id + "\"}", 202);
  response.fields.set("Location", "/orders/" + order.id);
  co_return response;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    waybill::Application app(waybill::ApplicationConfig::load(argc > 1 ? argv[1] : "cqrs.yaml"));
    std::optional<shop::View> view;
    if (has_listener(app, "work")) shop::add_work(app);
    if (has_listener(app, "view")) view.emplace(app, app.config().variables.text("ORDERS_FILE", "orders.jsonl"));
    if (app.config().http) {
      app.http().post("/orders", [&app](http::Request& request) { return place(app, request); });
    }
    return app.run();  // until Ctrl-C
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
