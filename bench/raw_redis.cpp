// The limit that waybill is held against on Redis: the same messages with hiredis's reader alone, its replies taken by
// callbacks that allocate nothing, and everything known beforehand.
//
//   raw_redis server --broker B --ns NS --ctl C
//   raw_redis client --broker B --ns NS --ctl C --workload rpc|events|fan --inflight N --conns N --payload FILE
//                    --warmup S --secs S
//
// A body is 8 bytes that tell messages apart, and the payload. No packets, deadlines, limits, reconnect or routes.
#include "carrier.hpp"
#include "harness.hpp"

#include <asio/buffer.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

extern "C" {
#include <hiredis/hiredis.h>
}

namespace {

using asio::ip::tcp;

std::string bulk(const std::string& text) { return "$" + std::to_string(text.size()) + "\r\n" + text + "\r\n"; }
std::string publish_head(const std::string& channel) { return "*3\r\n" + bulk("PUBLISH") + bulk(channel); }

/// Two connections, one that subscribes and one that publishes; what one batch produced leaves in one write.
class Bus {
 public:
  using OnMessage = std::function<void(std::uint64_t id, const char* data, std::size_t size)>;
  using OnBatch = std::function<void()>;

  Bus(asio::io_context& loop, std::uint16_t port, const std::vector<std::string>& channels)
      : subscriber_(loop), publisher_(loop), missing_(channels.size()) {
    for (Side* side : {&subscriber_, &publisher_}) {
      side->socket.connect({asio::ip::address_v4::loopback(), port});
      side->socket.set_option(tcp::no_delay(true));
      side->socket.non_blocking(true);
      side->reader.reset(redisReaderCreateWithFunctions(functions()));
      side->reader->privdata = this;
      wait(*side);
    }
    for (const std::string& channel : channels) subscriber_.out += "*2\r\n" + bulk("SUBSCRIBE") + bulk(channel);
    flush(subscriber_);
  }

  bool is_ready() const noexcept { return missing_ == 0; }
  OnMessage on_message = [](std::uint64_t, const char*, std::size_t) {};
  OnBatch on_batch = [] {};

  void publish(const std::string& head, std::uint64_t id, const char* data, std::size_t size) {
    std::string& out = publisher_.out;
    char length[24];
    const int count = std::snprintf(length, sizeof length, "$%zu\r\n", size + sizeof id);
    out += head;
    out.append(length, static_cast<std::size_t>(count));
    out.append(reinterpret_cast<const char*>(&id), sizeof id);
    out.append(data, size);
    out.append("\r\n", 2);
  }
  void flush() { flush(publisher_); }

 private:
  struct FreeReader {
    void operator()(redisReader* reader) const noexcept { redisReaderFree(reader); }
  };
  struct Side {
    explicit Side(asio::io_context& loop) : socket(loop) {}
    tcp::socket socket;
    std::unique_ptr<redisReader, FreeReader> reader;
    std::string out;
    std::size_t written = 0;
    bool is_writing = false;
  };
  using ElementCount = std::conditional_t<(HIREDIS_MAJOR >= 1), std::size_t, int>;

  static void* nothing() noexcept { return reinterpret_cast<void*>(1); }
  static void* on_string(const redisReadTask* task, char* text, std::size_t size) {
    if (task->parent && task->idx == 2) {
      std::uint64_t id;
      std::memcpy(&id, text, sizeof id);
      static_cast<Bus*>(task->privdata)->on_message(id, text + sizeof id, size - sizeof id);
    }
    return nothing();
  }
  static void* on_integer(const redisReadTask* task, long long) {
    if (task->parent) --static_cast<Bus*>(task->privdata)->missing_;
    return nothing();
  }
  static redisReplyObjectFunctions* functions() {
    static redisReplyObjectFunctions all{};
    all.createString = on_string;
    all.createArray = [](const redisReadTask*, ElementCount) { return nothing(); };
    all.createInteger = on_integer;
    all.createNil = [](const redisReadTask*) { return nothing(); };
    all.freeObject = [](void*) {};
    return &all;
  }

  void wait(Side& side) {
    side.socket.async_wait(tcp::socket::wait_read, [this, &side](std::error_code) {
      take(side);
      on_batch();
      flush(publisher_);
      wait(side);
    });
  }
  void take(Side& side) {
    char room[64 * 1024];
    std::error_code ec;
    const std::size_t count = side.socket.read_some(asio::buffer(room), ec);
    if (ec == asio::error::would_block) return;
    if (ec) throw std::runtime_error("the server closed the connection");
    redisReaderFeed(side.reader.get(), room, count);
    void* reply = nullptr;
    do {
      reply = nullptr;
      if (redisReaderGetReply(side.reader.get(), &reply) != REDIS_OK) throw std::runtime_error(side.reader->errstr);
    } while (reply);
  }
  void flush(Side& side) {
    if (side.is_writing || side.out.empty()) return;
    std::error_code ec;
    const auto rest = asio::buffer(side.out.data() + side.written, side.out.size() - side.written);
    side.written += side.socket.write_some(rest, ec);
    if (side.written == side.out.size()) {
      side.out.clear();
      side.written = 0;
      return;
    }
    side.is_writing = true;
    side.socket.async_wait(tcp::socket::wait_write, [this, &side](std::error_code) {
      side.is_writing = false;
      flush(side);
    });
  }

  Side subscriber_, publisher_;
  std::size_t missing_;  // acknowledgements
};

std::unique_ptr<Bus> make_bus(asio::io_context& loop, const bench::Arguments& arguments,
                              const std::vector<std::string>& channels) {
  const auto port = static_cast<std::uint16_t>(arguments.number("broker", 6379));
  auto bus = std::make_unique<Bus>(loop, port, channels);
  while (!bus->is_ready()) loop.run_one();
  return bus;
}

constexpr std::uint64_t k_event = UINT64_MAX;

int serve(const bench::Arguments& arguments, const bench::Carrier& carrier) {
  asio::io_context loop(1);
  bench::EventCounter counter(loop, static_cast<std::uint16_t>(arguments.number("ctl", 7002)));
  const std::string head = publish_head(carrier.echo + ".reply");
  const auto bus = make_bus(loop, arguments, {carrier.echo, carrier.event});
  bus->on_message = [&](std::uint64_t id, const char* data, std::size_t size) {
    if (id == k_event) return counter.event();
    bus->publish(head, id, data, size);
  };
  std::puts("READY");
  std::fflush(stdout);
  loop.run();
  return 0;
}

/// Keeps `inflight` requests under way; each reply sends the next.
class Caller {
 public:
  Caller(asio::io_context& loop, const bench::Arguments& arguments, const bench::Carrier& carrier,
         const std::string& payload, long inflight, std::uint64_t first_id, bench::Meter& meter)
      : loop_(loop),
        head_(publish_head(carrier.echo)),
        payload_(payload),
        first_id_(first_id),
        sent_(static_cast<std::size_t>(inflight)),
        meter_(meter),
        bus_(make_bus(loop, arguments, {carrier.echo + ".reply"})) {
    bus_->on_message = [this](std::uint64_t id, const char*, std::size_t size) {
      // All callers hear all replies.
      if (id < first_id_ || id >= first_id_ + sent_.size()) return;
      if (size != payload_.size()) throw std::runtime_error("a reply of another size");
      answered_.push_back(static_cast<std::size_t>(id - first_id_));
    };
    bus_->on_batch = [this] { next(); };
  }
  void start() {
    const std::uint64_t now = bench::now_ns();
    for (std::size_t i = 0; i < sent_.size(); ++i) call(i, now);
    bus_->flush();
  }

 private:
  void call(std::size_t index, std::uint64_t now) {
    sent_[index] = now;
    bus_->publish(head_, first_id_ + index, payload_.data(), payload_.size());
  }
  void next() {
    if (answered_.empty()) return;
    const std::uint64_t now = bench::now_ns();
    for (const std::size_t index : answered_) {
      if (!meter_.reply(sent_[index], now)) return loop_.stop();
      call(index, now);
    }
    answered_.clear();
  }
  asio::io_context& loop_;
  const std::string head_;
  const std::string& payload_;
  const std::uint64_t first_id_;
  std::vector<std::uint64_t> sent_;
  std::vector<std::size_t> answered_;
  bench::Meter& meter_;
  std::unique_ptr<Bus> bus_;
};

/// Sends events as fast as the receiver's count allows.
class Sender {
 public:
  Sender(asio::io_context& loop, const bench::Arguments& arguments, const bench::Carrier& carrier,
         const std::string& payload, bench::Meter& meter)
      : loop_(loop),
        head_(publish_head(carrier.event)),
        payload_(payload),
        window_(loop, static_cast<std::uint16_t>(arguments.number("ctl", 7002)), payload.size()),
        meter_(meter),
        pause_(loop),
        bus_(make_bus(loop, arguments, {})) {}

  void step() {
    constexpr std::uint64_t k_burst = 256;
    const std::uint64_t now = bench::now_ns();
    const std::uint64_t acknowledged = window_.acknowledged();
    if (!give_up_ && !meter_.progress(acknowledged, now)) give_up_ = now + 5'000'000'000;
    if (give_up_ && (acknowledged >= window_.sent || now >= give_up_)) {
      lost = static_cast<std::int64_t>(window_.sent - acknowledged);
      return loop_.stop();
    }
    if (give_up_ || window_.sent - acknowledged + k_burst > window_.window()) return wait();
    for (std::uint64_t i = 0; i < k_burst; ++i) bus_->publish(head_, k_event, payload_.data(), payload_.size());
    bus_->flush();
    window_.sent += k_burst;
    asio::post(loop_, [this] { step(); });
  }
  std::int64_t lost = 0;

 private:
  void wait() {
    window_.socket().async_wait(tcp::socket::wait_read, [this](std::error_code error) {
      if (!error) pause_.cancel();  // and not the pause after this one
    });
    pause_.expires_after(std::chrono::milliseconds(1));
    pause_.async_wait([this](std::error_code) {
      window_.socket().cancel();
      step();
    });
  }
  asio::io_context& loop_;
  const std::string head_;
  const std::string& payload_;
  bench::EventWindow window_;
  bench::Meter& meter_;
  asio::steady_timer pause_;
  std::unique_ptr<Bus> bus_;
  std::uint64_t give_up_ = 0;
};

int measure(const bench::Arguments& arguments, const bench::Carrier& carrier) {
  asio::io_context loop(1);
  const std::string payload = bench::read_file(arguments.text("payload"));
  const std::string workload = arguments.text("workload", "rpc");
  const long inflight = arguments.number("inflight", 1), connections = arguments.number("conns", 1);
  bench::Meter meter(arguments, "redis", workload, inflight * connections, payload.size());
  if (workload == "events") {
    Sender sender(loop, arguments, carrier, payload, meter);
    sender.step();
    loop.run();
    meter.report(sender.lost);
    std::_Exit(0);
  }
  std::vector<std::unique_ptr<Caller>> callers;
  for (long i = 0; i < connections; ++i) {
    const auto first_id = static_cast<std::uint64_t>(i * inflight);
    callers.push_back(std::make_unique<Caller>(loop, arguments, carrier, payload, inflight, first_id, meter));
  }
  for (const auto& caller : callers) caller->start();
  loop.run();
  meter.report();
  std::_Exit(0);
}

}  // namespace

int main(int argc, char** argv) {
  const bench::Arguments arguments(argc, argv);
  try {
    const bench::Carrier carrier{"", arguments.text("ns", "bench") + ".echo", arguments.text("ns", "bench") + ".evt"};
    if (arguments.mode == "server") return serve(arguments, carrier);
    if (arguments.mode == "client") return measure(arguments, carrier);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "raw_redis: %s\n", error.what());
    return 1;
  }
  std::fprintf(stderr, "raw_redis server|client: see the head of bench/raw_redis.cpp\n");
  return 2;
}
