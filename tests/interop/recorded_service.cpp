// recorded_service URL: the handlers that NestJS had when tests/vectors were recorded, so that the same bytes
// must come back. Prints READY and its address; ends at SIGTERM.
#include <waybill/waybill.hpp>

#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <asio/signal_set.hpp>
#include <asio/steady_timer.hpp>

#include <csignal>
#include <iostream>
#include <stdexcept>

namespace {

using waybill::Context;
using waybill::Error;
using waybill::Payload;
using waybill::Service;
using waybill::Stream;

asio::awaitable<void> pause(int milliseconds) {
  asio::steady_timer timer(co_await asio::this_coro::executor, std::chrono::milliseconds(milliseconds));
  co_await timer.async_wait(asio::use_awaitable);
}

struct Nothing {};
struct A {
  std::monostate z;
  std::pair<int, std::string> y;
};
struct Object {
  int b;
  A a;
};
struct Length {
  std::size_t length;
};
struct Details {
  int n;
  std::string t;
};
struct Meta {
  Payload data;
  std::string pattern;
  Payload metadata;
};
template <class T>
struct NestError {
  std::string status = "error";
  T message;
};

void add_values(Service& service) {
  service.on_request("w.echo", [](Payload data) { return data; });
  service.on_request("w.sum", [](const std::vector<double>& numbers) {
    double sum = 0;
    for (const double number : numbers) sum += number;
    return sum;
  });
  service.on_request("w.none", [] {});
  service.on_request("w.null", [] { return nullptr; });
  service.on_request("w.false", [] { return false; });
  service.on_request("w.zero", [] { return 0; });
  service.on_request("w.emptystring", [] { return std::string(); });
  service.on_request("w.emptyarray", [] { return std::vector<int>(); });
  service.on_request("w.text", [] { return std::string("한글 😀 \"q\" \\ \n\x01"); });
  service.on_request("w.object", [] { return Object{1, {{}, {1, "two"}}}; });
  service.on_request("w.big", [] { return std::string(64 * 1024, 'x'); });
  service.on_request("w.length", [](const std::string& text) {
    std::size_t units = 0;
    for (const char c : text) {
      const auto byte = static_cast<unsigned char>(c);
      if ((byte & 0xc0) != 0x80) units += byte >= 0xf0 ? 2 : 1;
    }
    return Length{units};
  });
  service.on_request("w.meta", [](Payload data, Context& context) {
    Payload metadata = context.metadata().empty() ? Payload::of(nullptr, *data.serializer()) : context.metadata();
    return Meta{std::move(data), std::string(context.pattern()), std::move(metadata)};
  });
}

Stream<int> three() {
  for (int i = 1; i <= 3; ++i) co_yield i;
}
Stream<int> three_over_time() {
  for (int i = 0; i < 3; ++i) {
    co_await pause(15);
    co_yield i;
  }
}
Stream<std::string> two_then_late() {
  const std::string a = "a", b = "b";
  co_yield a;
  co_await pause(20);
  co_yield b;
  co_await pause(20);
}
Stream<std::string> deferred() {
  const std::string p = "p", q = "q";
  co_yield p;
  co_yield q;
}
/// An empty payload is JavaScript's undefined.
Stream<Payload> with_undefined(Payload data) {
  const Payload undefined;
  const Payload one = Payload::of(1, *data.serializer());
  co_yield undefined;
  co_yield one;
  co_yield undefined;
}
Stream<int> none() { co_return; }
Stream<int> none_late() { co_await pause(20); }
Stream<int> fail_at_once() {
  throw Error{"stream boom"};
  co_return;
}
Stream<int> fail_after_two() {
  for (int i = 1; i <= 2; ++i) co_yield i;
  throw Error{"after two"};
}
Stream<int> fail_after_two_over_time() {
  for (int i = 0; i < 2; ++i) {
    co_await pause(15);
    co_yield i;
  }
  throw Error{"after two"};
}

void add_streams(Service& service) {
  service.on_request("w.stream3", &three);
  service.on_request("w.stream3.async", &three_over_time);
  service.on_request("w.stream2.late", &two_then_late);
  service.on_request("w.stream.undefined", &with_undefined);
  service.on_request("w.promise.stream", &deferred);
  service.on_request("w.empty", &none);
  service.on_request("w.empty.late", &none_late);
  service.on_request("w.err.observable", &fail_at_once);
  service.on_request("w.err.after2", &fail_after_two);
  service.on_request("w.err.after2.async", &fail_after_two_over_time);
  service.on_request("w.promise", []() -> asio::awaitable<std::string> {
    co_await pause(10);
    co_return "later";
  });
}

void add_errors(Service& service) {
  const auto fail = [&service](const char* pattern, Error error) {
    service.on_request(pattern, [error] { throw error; });
  };
  fail("w.err.string", Error{"boom"});
  fail("w.err.emptystring", Error{""});
  fail("w.err.object", Error{"E42", "boom", Details{1, "한글"}});
  fail("w.err.object.empty", Error::with_body(Nothing{}));
  fail("w.err.array", Error::with_body(std::tuple(1, std::string("two"))));
  fail("w.err.number", Error::with_body(NestError<int>{"error", 42}));
  fail("w.err.null", Error::with_body(NestError<std::nullptr_t>{"error", nullptr}));
  fail("w.err.errorinstance", Error::with_body(Nothing{}));
  for (const char* pattern : {"w.err.unknown", "w.err.http", "w.err.nonerror"}) {
    service.on_request(pattern, [] { throw std::runtime_error("secret"); });
  }
  service.on_request("w.err.async", []() -> asio::awaitable<void> {
    co_await pause(5);
    throw Error{"late boom"};
  });
}

void add_events_and_patterns(Service& service) {
  service.on_event("w.event", [] {});
  service.on_event("w.event.value", [] { return "event-result"; });
  service.on_event("w.event.twice", [] { return "first"; });
  service.on_event("w.event.twice", [] { return "second"; });
  const auto echo = [](Payload data) { return data; };
  service.on_request(42, echo);
  // Nobody reaches these two; on Redis their channels must be listened to, for the answer that says so.
  for (const char* text : {"true", "1.0"}) service.on_request(text, echo);
  service.on_request({{"cmd", "hello"}}, [](const std::string& name) { return "Hello, " + name + "!"; });
  service.on_request(waybill::Pattern::from_json(R"({"role":"item","op":{"id":7,"get":true}})"), echo);
  service.on_request({{"cmd", "a\"b\\c"}}, echo);
  service.on_request({{"cmd", "주문"}, {"e", "😀"}}, echo);
  service.on_request("주문.조회", echo);
  service.on_request("ping-🏓", echo);
}

asio::awaitable<void> serve(Service& service, asio::signal_set& signals) {
  co_await service.start();
  std::cout << "READY " << service.addresses().front() << std::endl;
  co_await signals.async_wait(asio::use_awaitable);
  co_await service.drain(std::chrono::milliseconds(500));
}

}  // namespace

int main(int argc, char** argv) {
  try {
    asio::io_context loop(1);
    asio::signal_set signals(loop, SIGINT, SIGTERM);
    Service service(loop.get_executor(), waybill::Config::listen({argc > 1 ? argv[1] : "tcp://127.0.0.1:0"}));
    add_values(service);
    add_streams(service);
    add_errors(service);
    add_events_and_patterns(service);
    std::exception_ptr failure;
    asio::co_spawn(loop, serve(service, signals), [&](std::exception_ptr thrown) {
      failure = thrown;
      loop.stop();
    });
    loop.run();
    if (failure) std::rethrow_exception(failure);
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
