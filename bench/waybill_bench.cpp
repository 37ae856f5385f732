// waybill itself, measured through its public API.
//
//   waybill_bench server --handler bytes|typed --transport tcp|redis|amqp|kafka --port P --ctl C [--ns NS] [--broker B]
//                  [--ack 0|1] [--metrics on] [--traces none|middleware|steps|spans] [--ratio 0.01]
//                  [--style plain|coroutine]   of handlers of orders
//   waybill_bench client ... --workload rpc|events|fan --inflight N --conns N --payload FILE --warmup S --secs S
//
// bytes: a handler that takes and returns opaque bytes; on TCP over binary framing. typed: struct in, struct out, JSON;
// on TCP over NestJS framing. P: the port on TCP; B: the broker's port (carrier.cpp); NS: the prefix of its channels;
// ack: carrier.hpp; metrics: counted for Prometheus, on either side. The client prints one line of JSON (harness.hpp).
#include "carrier.hpp"
#include "harness.hpp"
#include "traces.hpp"
#include "waybill/waybill.hpp"
#if WAYBILL_HAS_PROMETHEUS
#include "waybill/prometheus.hpp"
#endif

#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

namespace {

struct Order {
  std::int64_t id = 0;
  std::string sku;
  std::int64_t qty = 0;
  std::int64_t price = 0;
  std::string note;
};

/// What `--metrics on` counts into; null without.
std::shared_ptr<waybill::Observer> metrics_of(const bench::Arguments& arguments) {
  if (arguments.text("metrics") != "on") return nullptr;
#if WAYBILL_HAS_PROMETHEUS
  return std::make_shared<waybill::Prometheus>();
#else
  std::fputs("built without waybill::prometheus\n", stderr);
  std::exit(2);
#endif
}

struct Setup {
  std::string url;
  waybill::Pattern echo;
  waybill::Pattern event;
  std::shared_ptr<waybill::Observer> metrics;  // null: off
};

Setup setup_of(const bench::Arguments& arguments) {
  const bench::Carrier carrier = bench::carrier_of(arguments);
  return {carrier.url, waybill::Pattern(carrier.echo), waybill::Pattern(carrier.event), metrics_of(arguments)};
}

int serve(const bench::Arguments& arguments) {
  asio::io_context loop(1);
  Setup setup = setup_of(arguments);
  waybill::Config config = waybill::Config::listen({setup.url});
  waybill::Service service(loop.get_executor(), std::move(config));
  if (setup.metrics) service.observe(setup.metrics);
  bench::trace(service, arguments);
  bench::EventCounter counter(loop, static_cast<std::uint16_t>(arguments.number("ctl", 7002)));
  if (arguments.text("handler") == "bytes") {
    service.on_request(setup.echo, [](const waybill::Payload& bytes) -> const waybill::Payload& { return bytes; });
    service.on_event(setup.event, [&](const waybill::Payload&) { counter.event(); });
  } else if (arguments.text("style", "plain") == "coroutine") {
    service.on_request(setup.echo, [](Order order) -> asio::awaitable<Order> { co_return order; });
    service.on_event(setup.event, [&](const Order&) -> asio::awaitable<void> {
      counter.event();
      co_return;
    });
  } else {
    service.on_request(setup.echo, [](Order order) { return order; });
    service.on_event(setup.event, [&](const Order&) { counter.event(); });
  }
  service.start([](waybill::Result<void> started) {
    if (!started) {
      std::fprintf(stderr, "%s\n", started.error().what());
      std::_Exit(1);
    }
    std::puts("READY");
    std::fflush(stdout);
  });
  loop.run();
  return 0;
}

/// Keeps `inflight` requests under way on one client; each reply sends the next.
template <class Body>
class Caller {
 public:
  Caller(asio::io_context& loop, const Setup& setup, const Body& body, long inflight, bench::Meter& meter,
         const bench::Arguments& arguments)
      : loop_(loop),
        client_(loop.get_executor(), setup.url),
        pattern_(setup.echo),
        body_(body),
        sent_(static_cast<std::size_t>(inflight)),
        metrics_(setup.metrics),
        meter_(meter) {
    bench::trace(client_, arguments);
  }

  void start() {
    if (metrics_) client_.observe(metrics_);
    now_ = bench::now_ns();
    for (std::size_t i = 0; i < sent_.size(); ++i) call(i, now_);
  }

 private:
  void call(std::size_t index, std::uint64_t now) {
    sent_[index] = now;
    client_.request<Body>(pattern_, body_, [this, index](waybill::Result<Body> reply) {
      if (!reply) {
        std::fprintf(stderr, "%s\n", reply.error().what());
        std::_Exit(1);
      }
      // The clock costs a good part of a small request: with many under way it is read for every eighth reply.
      if (sent_.size() < 16 || (++replies_ & 7) == 0) now_ = bench::now_ns();
      if (!meter_.reply(sent_[index], now_)) return loop_.stop();
      call(index, now_);
    });
  }
  asio::io_context& loop_;
  waybill::Client client_;
  waybill::Pattern pattern_;
  const Body& body_;
  std::vector<std::uint64_t> sent_;
  std::shared_ptr<waybill::Observer> metrics_;
  std::uint64_t now_ = 0, replies_ = 0;
  bench::Meter& meter_;
};

/// Sends events as fast as the receiver's count allows.
template <class Body>
class Sender {
 public:
  Sender(asio::io_context& loop, const Setup& setup, const Body& body, std::uint16_t port, std::size_t size,
         bench::Meter& meter)
      : loop_(loop),
        client_(loop.get_executor(), setup.url),
        pattern_(setup.event),
        body_(body),
        window_(loop, port, size),
        meter_(meter),
        pause_(loop) {}

  void start() {
    client_.connect([this](waybill::Result<void> connected) {
      if (!connected) {
        std::fprintf(stderr, "%s\n", connected.error().what());
        std::_Exit(1);
      }
      step();
    });
  }
  std::int64_t lost() const noexcept { return lost_; }

 private:
  static constexpr std::uint64_t k_burst = 256;

  void step() {
    const std::uint64_t now = bench::now_ns();
    const std::uint64_t acknowledged = window_.acknowledged();
    if (!ending_ && !meter_.progress(acknowledged, now)) {
      ending_ = true;
      give_up_ = now + 5'000'000'000;
    }
    if (ending_) {
      if (acknowledged < window_.sent && now < give_up_) return wait();
      lost_ = static_cast<std::int64_t>(window_.sent - acknowledged);
      return loop_.stop();
    }
    if (window_.sent - acknowledged + k_burst > window_.window()) return wait();
    for (std::uint64_t i = 0; i < k_burst; ++i) client_.emit(pattern_, body_, asio::detached);
    window_.sent += k_burst;
    asio::post(loop_, [this] { step(); });
  }
  void wait() {
    window_.socket().async_wait(asio::ip::tcp::socket::wait_read, [this](std::error_code error) {
      if (!error) pause_.cancel();  // and not the pause after this one
    });
    pause_.expires_after(std::chrono::milliseconds(1));
    pause_.async_wait([this](std::error_code) {
      window_.socket().cancel();
      step();
    });
  }
  asio::io_context& loop_;
  waybill::Client client_;
  waybill::Pattern pattern_;
  const Body& body_;
  bench::EventWindow window_;
  bench::Meter& meter_;
  asio::steady_timer pause_;
  std::uint64_t give_up_ = 0;
  std::int64_t lost_ = 0;
  bool ending_ = false;
};

template <class Body>
int call(const bench::Arguments& arguments, const Body& body, std::size_t size) {
  asio::io_context loop(1);
  const Setup setup = setup_of(arguments);
  const std::string workload = arguments.text("workload", "rpc");
  const long inflight = arguments.number("inflight", 1), connections = arguments.number("conns", 1);
  bench::Meter meter(arguments, arguments.text("transport", "tcp"), workload, inflight * connections, size);
  if (workload == "events") {
    Sender<Body> sender(loop, setup, body, static_cast<std::uint16_t>(arguments.number("ctl", 7002)), size, meter);
    sender.start();
    loop.run();
    meter.report(sender.lost());
    std::_Exit(0);
  }
  std::vector<std::unique_ptr<Caller<Body>>> callers;
  for (long i = 0; i < connections; ++i) {
    callers.push_back(std::make_unique<Caller<Body>>(loop, setup, body, inflight, meter, arguments));
  }
  asio::post(loop, [&] {
    for (const auto& caller : callers) caller->start();
  });
  loop.run();
  meter.report();
  std::_Exit(0);
}

}  // namespace

int main(int argc, char** argv) {
  const bench::Arguments arguments(argc, argv);
  try {
    if (arguments.mode == "server") return serve(arguments);
    if (arguments.mode == "client") {
      const auto registry = waybill::default_registry();
      const std::string text = bench::read_file(arguments.text("payload"));
      const waybill::Payload bytes(waybill::Slice::copy(text), registry->default_serializer());
      if (arguments.text("handler") == "bytes") return call(arguments, bytes, text.size());
      return call(arguments, bytes.decode<Order>(), text.size());
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "waybill_bench: %s\n", error.what());
    return 1;
  }
  std::fprintf(stderr, "waybill_bench server|client: see the head of bench/waybill_bench.cpp\n");
  return 2;
}
