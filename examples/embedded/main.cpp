// A service and a client on a loop that the host program already has, on whatever transport the URL names:
//   embedded                          within the process
//   embedded tcp://127.0.0.1:0        over a socket, on a free port
#include <waybill/waybill.hpp>

#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>

#include <iostream>

namespace {

asio::awaitable<void> say_hello(waybill::Service& service) {
  co_await service.start();  // every listener is ready
  const std::string address = service.addresses().front();

  waybill::Client client(co_await asio::this_coro::executor, address);
  const std::string name = "World";
  const std::string answer = co_await client.request<std::string>({{"cmd", "hello"}}, name);
  std::cout << address << " answers: " << answer << std::endl;

  client.close();
  co_await service.drain(std::chrono::seconds(1));
}

}  // namespace

int main(int argc, char** argv) {
  const std::string url = argc > 1 ? argv[1] : "memory://hello";
  try {
    asio::io_context loop(1);  // the host's: its sockets, timers and HTTP server live here as well
    waybill::Service service(loop.get_executor(), waybill::Config::listen({url}));
    service.on_request({{"cmd", "hello"}}, [](const std::string& name) { return "hello " + name; });

    std::exception_ptr failure;
    asio::co_spawn(loop, say_hello(service), [&](std::exception_ptr thrown) {
      failure = thrown;
      service.close();
    });
    loop.run();
    if (failure) std::rethrow_exception(failure);
  } catch (const waybill::Error& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
