// The hello service behind the gateway.
#include <waybill/waybill.hpp>

#include <iostream>
#include <string>

int main(int argc, char** argv) {
  try {
    waybill::Service service(waybill::Config::load(argc > 1 ? argv[1] : "service.yaml"));
    service.on_request({{"cmd", "hello"}}, [](const std::string& name) { return "hello " + name; });
    return service.run();  // until Ctrl-C
  } catch (const waybill::Error& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
