// An application of an installed waybill, which starts and ends.
#include <waybill/application.hpp>
#include <waybill/serializers/json.hpp>

#include <asio/io_context.hpp>

#include <cstdio>

int main() {
  asio::io_context loop;
  waybill::ApplicationConfig config;
  config.http = waybill::http::ServerConfig::from_url("127.0.0.1:0");
  auto registry = std::make_shared<waybill::Registry>();
  registry->add_serializer(waybill::json::make_json_serializer());
  waybill::Application application(loop.get_executor(), config, registry);
  application.http().get("/hello", [] { return "hello"; });
  int status = 1;
  application.start([&](const waybill::Result<void>& started) {
    status = started ? 0 : 1;
    std::puts(application.addresses().front().c_str());
    application.close();
  });
  loop.run();
  return status;
}
