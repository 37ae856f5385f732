// The limit that waybill is held against: the same work on bare Asio, with everything known beforehand.
//
//   raw_asio server --handler bytes|typed --port P --ctl C
//   raw_asio client --handler bytes|typed --port P --ctl C --workload rpc|events|fan --inflight N --conns N
//                   --payload FILE --warmup S --secs S
//
// bytes: opaque bytes behind a length and an id. typed: NestJS's framing, the order decoded into a struct and written
// again (raw_framings.hpp). No deadlines, no limits, no reconnect, no routes. Prints the same line as waybill_bench.
#include "harness.hpp"
#include "raw_framings.hpp"

#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <asio/write.hpp>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

namespace {

using asio::ip::tcp;

/// Where all connections of the loop read; what is left of a frame stays with its connection.
class ReadBuffer {
 public:
  /// At least `size` bytes and the padding that parsers need.
  char* room(std::size_t size) {
    if (bytes_.size() < size + simdjson::SIMDJSON_PADDING) bytes_.resize(size + simdjson::SIMDJSON_PADDING);
    return bytes_.data();
  }
  std::size_t size() const noexcept { return bytes_.size() - simdjson::SIMDJSON_PADDING; }
  static constexpr std::size_t k_size = 64 * 1024;

 private:
  std::vector<char> bytes_ = std::vector<char>(k_size + simdjson::SIMDJSON_PADDING);
};

/// One socket: one write for everything that one read produced.
template <class Framing, class OnFrame>
class Link : public std::enable_shared_from_this<Link<Framing, OnFrame>> {
 public:
  Link(tcp::socket socket, ReadBuffer& buffer, OnFrame on_frame)
      : socket_(std::move(socket)), buffer_(buffer), on_frame_(std::move(on_frame)) {
    socket_.set_option(tcp::no_delay(true));
    socket_.non_blocking(true);
  }
  std::string& out() noexcept { return out_; }
  bool is_writing() const noexcept { return writing_; }

  void read() {
    socket_.async_wait(tcp::socket::wait_read, [self = this->shared_from_this()](std::error_code ec) {
      if (!ec && self->take()) self->read();
    });
  }
  void flush() {
    if (writing_ || out_.empty()) return;
    std::error_code ec;
    const std::size_t sent = socket_.write_some(asio::buffer(out_), ec);
    if (ec && ec != asio::error::would_block) return;
    if (sent == out_.size()) return out_.clear();
    writing_ = true;
    rest_.swap(out_);
    out_.clear();
    asio::async_write(socket_, asio::buffer(rest_) + sent,
                      [self = this->shared_from_this()](std::error_code failed, std::size_t) {
                        self->writing_ = false;
                        if (!failed) self->flush();
                      });
  }

 private:
  /// False: the peer has gone.
  bool take() {
    char* bytes = buffer_.room(tail_.size() + ReadBuffer::k_size / 2);
    std::memcpy(bytes, tail_.data(), tail_.size());
    std::error_code ec;
    const std::size_t got = socket_.read_some(asio::buffer(bytes + tail_.size(), buffer_.size() - tail_.size()), ec);
    if (ec) return ec == asio::error::would_block;
    std::string_view unread(bytes, tail_.size() + got);
    while (const std::size_t size = Framing::whole(unread)) {
      on_frame_(unread.substr(0, size), *this);
      unread.remove_prefix(size);
    }
    tail_.assign(unread);
    flush();
    return true;
  }
  tcp::socket socket_;
  ReadBuffer& buffer_;
  OnFrame on_frame_;
  std::string out_, rest_, tail_;
  bool writing_ = false;
};

template <class Framing>
class Server {
 public:
  Server(asio::io_context& loop, std::uint16_t port, std::uint16_t control)
      : acceptor_(loop, {asio::ip::address_v4::loopback(), port}), counter_(loop, control), framing_({}) {
    accept();
  }

 private:
  void accept() {
    acceptor_.async_accept([this](std::error_code ec, tcp::socket socket) {
      if (!ec) {
        auto on_frame = [this](std::string_view frame, auto& link) {
          if (!framing_.answer(frame, link.out())) counter_.event();
        };
        std::make_shared<Link<Framing, decltype(on_frame)>>(std::move(socket), buffer_, on_frame)->read();
      }
      accept();
    });
  }
  tcp::acceptor acceptor_;
  bench::EventCounter counter_;
  Framing framing_;
  ReadBuffer buffer_;
};

template <class Framing>
int serve(const bench::Arguments& arguments) {
  asio::io_context loop(1);
  Server<Framing> server(loop, static_cast<std::uint16_t>(arguments.number("port", 3000)),
                         static_cast<std::uint16_t>(arguments.number("ctl", 7002)));
  std::puts("READY");
  std::fflush(stdout);
  loop.run();
  return 0;
}

tcp::socket connect(asio::io_context& loop, const bench::Arguments& arguments) {
  tcp::socket socket(loop);
  socket.connect({asio::ip::address_v4::loopback(), static_cast<std::uint16_t>(arguments.number("port", 3000))});
  return socket;
}

/// Keeps `inflight` requests under way on each of `connections`; each reply sends the next.
template <class Framing>
void call(asio::io_context& loop, const bench::Arguments& arguments, Framing& framing, bench::Meter& meter) {
  const long inflight = arguments.number("inflight", 1), connections = arguments.number("conns", 1);
  const bool is_busy = inflight >= 16;
  std::vector<std::uint64_t> sent(static_cast<std::size_t>(inflight * connections), bench::now_ns());
  std::uint64_t now = bench::now_ns(), replies = 0;
  ReadBuffer buffer;
  const auto on_frame = [&](std::string_view frame, auto& link) {
    const std::uint64_t id = framing.id_of(frame);
    // As in waybill_bench: with many under way the clock is read for every eighth reply.
    if (!is_busy || (++replies & 7) == 0) now = bench::now_ns();
    if (!meter.reply(sent.at(id - 1), now)) return loop.stop();
    sent[id - 1] = now;
    framing.request(id, link.out());
  };
  std::uint64_t id = 0;
  for (long i = 0; i < connections; ++i) {
    auto link = std::make_shared<Link<Framing, decltype(on_frame)>>(connect(loop, arguments), buffer, on_frame);
    for (long k = 0; k < inflight; ++k) framing.request(++id, link->out());
    link->flush();
    link->read();
  }
  loop.run();
  meter.report();
}

/// Sends events as fast as the receiver's count allows.
template <class Framing>
class Sender {
 public:
  Sender(asio::io_context& loop, const bench::Arguments& arguments, Framing& framing, std::size_t size,
         bench::Meter& meter)
      : loop_(loop),
        framing_(framing),
        meter_(meter),
        window_(loop, static_cast<std::uint16_t>(arguments.number("ctl", 7002)), size),
        link_(std::make_shared<Link<Framing, Ignore>>(connect(loop, arguments), buffer_, Ignore{})),
        pause_(loop) {}

  void step() {
    const std::uint64_t now = bench::now_ns();
    const std::uint64_t acknowledged = window_.acknowledged();
    if (!give_up_ && !meter_.progress(acknowledged, now)) give_up_ = now + 5'000'000'000;
    if (give_up_) {
      if (acknowledged < window_.sent && now < give_up_) return wait();
      lost_ = static_cast<std::int64_t>(window_.sent - acknowledged);
      return loop_.stop();
    }
    if (link_->is_writing() || window_.sent - acknowledged + k_burst > window_.window()) return wait();
    for (std::uint64_t i = 0; i < k_burst; ++i) framing_.event(link_->out());
    link_->flush();
    window_.sent += k_burst;
    asio::post(loop_, [this] { step(); });
  }
  std::int64_t lost() const noexcept { return lost_; }

 private:
  struct Ignore {
    template <class AnyLink>
    void operator()(std::string_view, AnyLink&) const noexcept {}
  };
  static constexpr std::uint64_t k_burst = 256;

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
  Framing& framing_;
  bench::Meter& meter_;
  ReadBuffer buffer_;
  bench::EventWindow window_;
  std::shared_ptr<Link<Framing, Ignore>> link_;
  asio::steady_timer pause_;
  std::uint64_t give_up_ = 0;
  std::int64_t lost_ = 0;
};

template <class Framing>
int measure(const bench::Arguments& arguments) {
  const std::string payload = bench::read_file(arguments.text("payload"));
  if (payload.empty()) throw std::runtime_error("--payload names no file, or an empty one");
  const std::string workload = arguments.text("workload", "rpc");
  asio::io_context loop(1);
  Framing framing(payload);
  bench::Meter meter(arguments, "tcp", workload, arguments.number("inflight", 1) * arguments.number("conns", 1),
                     payload.size());
  if (workload == "events") {
    Sender<Framing> sender(loop, arguments, framing, payload.size(), meter);
    sender.step();
    loop.run();
    meter.report(sender.lost());
  } else {
    call(loop, arguments, framing, meter);
  }
  std::_Exit(0);
}

}  // namespace

int main(int argc, char** argv) {
  const bench::Arguments arguments(argc, argv);
  const bool is_bytes = arguments.text("handler") == "bytes";
  try {
    if (arguments.mode == "server")
      return is_bytes ? serve<bench::Opaque>(arguments) : serve<bench::NestOrders>(arguments);
    if (arguments.mode == "client") {
      return is_bytes ? measure<bench::Opaque>(arguments) : measure<bench::NestOrders>(arguments);
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "raw_asio: %s\n", error.what());
    return 1;
  }
  std::fprintf(stderr, "raw_asio server|client: see the head of bench/raw_asio.cpp\n");
  return 2;
}
