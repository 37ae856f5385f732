// A hybrid application: it listens for messages and serves HTTP, and calls itself through its own listener.
#include <waybill/application.hpp>

#include <iostream>
#include <string>

namespace http = waybill::http;

int main(int argc, char** argv) {
  try {
    waybill::Application app(waybill::ApplicationConfig::load(argc > 1 ? argv[1] : "hybrid.yaml"));

    app.on_request({{"cmd", "hello"}}, [](const std::string& name) { return "hello " + name; });

    app.http().get("/hello", [&app](http::Request& request) -> asio::awaitable<std::string> {
      const std::string name = request.query("name", "World");
      co_return co_await app.client("hello").request<std::string>({{"cmd", "hello"}}, name, request.call_options());
    });
    return app.run();  // all listeners are up before HTTP is; until Ctrl-C
  } catch (const waybill::Error& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
