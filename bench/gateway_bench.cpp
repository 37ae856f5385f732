// An HTTP server in front of a service: gateway_bench service PORT | waybill PORT SERVICE | restinio PORT SERVICE
// Both servers make the same call with the same client on one loop; they differ in what speaks HTTP.
#include "waybill/client.hpp"
#include "waybill/http/server.hpp"
#include "waybill/service.hpp"

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/signal_set.hpp>

#ifdef WAYBILL_BENCH_RESTINIO
#include <restinio/all.hpp>
#endif

#include <cstdio>
#include <string>

namespace waybill {
namespace {

const Pattern& hello() {
  static const Pattern pattern{{"cmd", "hello"}};
  return pattern;
}

int serve(const std::string& port) {
  Service service(Config::listen({"tcp://127.0.0.1:" + port}));
  service.on_request(hello(), [](const std::string& name) { return "hello " + name; });
  return service.run();
}

int serve_http(const std::string& port, const std::string& to) {
  asio::io_context loop(1);
  Client client(loop.get_executor(), ClientConfig::from_url(to));
  http::Server server(loop.get_executor(), http::ServerConfig::from_url("127.0.0.1:" + port), Log());
  server.get("/hello", [&client](http::Request& request) -> asio::awaitable<std::string> {
    const std::string name = request.query("name", "World");
    co_return co_await client.request<std::string>(hello(), name, request.call_options());
  });
  asio::co_spawn(
      loop, [&server]() -> asio::awaitable<void> { (co_await server.start()).value(); }, asio::detached);
  asio::signal_set signals(loop, SIGTERM, SIGINT);
  signals.async_wait([&loop](std::error_code, int) { loop.stop(); });
  loop.run();
  return 0;
}

#ifdef WAYBILL_BENCH_RESTINIO
int serve_restinio(const std::string& port, const std::string& to) {
  struct Traits : restinio::single_thread_traits_t<restinio::asio_timer_manager_t, restinio::null_logger_t> {};
  asio::io_context loop(1);
  Client client(loop.get_executor(), ClientConfig::from_url(to));
  auto handler = [&client](const restinio::request_handle_t& request) {
    const auto query = restinio::parse_query(request->header().query());
    const std::string name = restinio::value_or(query, "name", std::string("World"));
    client.request<std::string>(hello(), name, [request](const Result<std::string>& reply) {
      auto response = request->create_response(reply ? restinio::status_ok() : restinio::status_bad_gateway());
      response.append_header(restinio::http_field::content_type, "text/plain; charset=utf-8");
      response.append_header_date_field();
      response.set_body(reply ? *reply : std::string());
      response.done();
    });
    return restinio::request_accepted();
  };
  using Server = restinio::http_server_t<Traits>;
  Server server(restinio::external_io_context(loop), [&](restinio::server_settings_t<Traits>& settings) {
    settings.address("127.0.0.1").port(static_cast<std::uint16_t>(std::stoi(port))).request_handler(handler);
  });
  asio::post(loop, [&server] { server.open_sync(); });
  asio::signal_set signals(loop, SIGTERM, SIGINT);
  signals.async_wait([&loop](std::error_code, int) { loop.stop(); });
  loop.run();
  return 0;
}
#endif

int run(const std::vector<std::string>& arguments) {
  if (arguments.size() == 2 && arguments[0] == "service") return serve(arguments[1]);
  if (arguments.size() == 3 && arguments[0] == "waybill") return serve_http(arguments[1], arguments[2]);
#ifdef WAYBILL_BENCH_RESTINIO
  if (arguments.size() == 3 && arguments[0] == "restinio") return serve_restinio(arguments[1], arguments[2]);
#endif
  std::fprintf(stderr, "usage: gateway_bench service PORT | waybill PORT SERVICE | restinio PORT SERVICE\n");
  return 2;
}

}  // namespace
}  // namespace waybill

int main(int argc, char** argv) { return waybill::run(std::vector<std::string>(argv + 1, argv + argc)); }
