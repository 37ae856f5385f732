// A service that answers {"cmd":"hello"} with "hello NAME". The file .env beside this one says where it listens.
#include <waybill/waybill.hpp>

#include <iostream>
#include <string>

int main() {
  try {
    waybill::Service service;  // configured by the environment, and by .env in the working folder
    service.on_request({{"cmd", "hello"}}, [](const std::string& name) { return "hello " + name; });
    return service.run();  // until Ctrl-C
  } catch (const waybill::Error& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
