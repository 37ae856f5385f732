// A client for code without an event loop: each call blocks until its end. Calls the hello service:
//   blocking tcp://127.0.0.1:3000 NAME...
#include <waybill/client.hpp>

#include <iostream>
#include <string>

int main(int argc, char** argv) {
  if (argc < 3) {
    std::cerr << "usage: blocking URL NAME...\n";
    return 2;
  }
  try {
    waybill::BlockingClient client(argv[1]);
    for (int i = 2; i < argc; ++i) {
      const std::string name = argv[i];
      std::cout << client.request<std::string>({{"cmd", "hello"}}, name) << '\n';
    }
  } catch (const waybill::Error& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
