// A gateway: GET /hello?name=hohoho becomes a command for the hello service, whose answer goes back to the caller.
#include <waybill/application.hpp>

#include <iostream>
#include <string>

namespace http = waybill::http;

int main(int argc, char** argv) {
  try {
    waybill::Application app(waybill::ApplicationConfig::load(argc > 1 ? argv[1] : "gateway.yaml"));
    const std::string name = app.config().variables.text("HELLO_SERVICE_NAME", "HELLO_SERVICE");
    waybill::Client& hello = app.client(name);

    app.http().get("/hello", [&hello](http::Request& request) -> asio::awaitable<std::string> {
      const std::string who = request.query("name", "World");
      co_return co_await hello.request<std::string>({{"cmd", "hello"}}, who, request.call_options());
    });
    return app.run();  // until Ctrl-C
  } catch (const waybill::Error& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
