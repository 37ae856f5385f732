// trace_service LISTEN NEXT: stands between two NestJS programs, and says which trace came. Prints READY; ends at SIGTERM.
#include <waybill/waybill.hpp>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/signal_set.hpp>

#include <csignal>
#include <iostream>
#include <map>

namespace {

using waybill::Context;
using waybill::Payload;

using Texts = std::map<std::string, std::string>;

/// The three headers that came, and the step that is the handler's.
Texts seen(const Context& context) {
  Texts texts;
  for (const char* name : {"traceparent", "tracestate", "baggage"}) {
    if (const std::string* value = context.header(name)) texts[name] = *value;
  }
  if (const auto parent = context.trace().parent) texts["step"] = parent->to_text();
  return texts;
}

struct Through {
  Texts here;
  Payload there;
};

struct Numbered {
  int n = 0;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  asio::io_context loop(1);
  waybill::Service service(loop.get_executor(), waybill::Config::listen({argv[1]}));
  waybill::Client next(loop.get_executor(), argv[2]);
  service.use(waybill::middleware::trace());
  next.use(waybill::middleware::trace());
  service.on_request("trace.last", [](Context& context) { return seen(context); });
  service.on_request("trace.through", [&next](const Numbered& number, Context& context) -> asio::awaitable<Through> {
    auto there = co_await next.request<Payload>("trace.end", number, context.call_options());
    Through through{seen(context), std::move(there)};
    co_return through;
  });
  service.on_event("trace.happened", [&next](const Numbered& number, Context& context) -> asio::awaitable<void> {
    co_await next.emit("trace.followed", number, context.call_options());
  });
  asio::co_spawn(loop, service.start(), [&service](std::exception_ptr failure) {
    if (failure) std::rethrow_exception(failure);
    std::cout << "READY " << service.addresses().front() << std::endl;
  });
  asio::signal_set signals(loop, SIGTERM, SIGINT);
  signals.async_wait([&](std::error_code, int) {
    service.close();
    next.close();
  });
  loop.run();
  return 0;
}
