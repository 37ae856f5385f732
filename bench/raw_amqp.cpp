// RabbitMQ without waybill: rabbitmq-c logs in and decodes, frames are built by hand into one buffer that leaves in one
// write. The same promises as waybill's defaults: the service acknowledges each message, events are confirmed.
//
//   raw_amqp server --broker P --ctl C --ns NS
//   raw_amqp client ... --workload rpc|events|fan --inflight N --conns N --payload FILE --warmup S --secs S
#include "harness.hpp"
#include "protocol/rabbitmq_c.hpp"

#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <asio/write.hpp>

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace {

amqp_bytes_t bytes(std::string_view text) { return {text.size(), const_cast<char*>(text.data())}; }
std::string_view view(amqp_bytes_t text) { return {static_cast<const char*>(text.bytes), text.len}; }

/// A message as it came; views into the read buffer.
struct Message {
  std::uint64_t tag = 0;
  std::string_view routing_key, correlation_id, reply_to;
  std::string body;
};

class Link {
 public:
  using OnMessage = std::function<void(const Message&)>;

  Link(asio::io_context& loop, const bench::Arguments& arguments) : socket_(loop), in_(512 << 10) {
    connection_ = amqp_new_connection();
    amqp_socket_t* socket = amqp_tcp_socket_new(connection_);
    if (amqp_socket_open(socket, "127.0.0.1", static_cast<int>(arguments.number("broker", 5672))))
      throw std::runtime_error("no broker");
    amqp_login(connection_, "/", 0, 131'072, 0, AMQP_SASL_METHOD_PLAIN, "guest", "guest");
    amqp_channel_open(connection_, 1);
    check("opening a channel");
  }

  void declare(const std::string& queue) {
    amqp_queue_declare(connection_, 1, bytes(queue), 0, 0, 0, 1, amqp_empty_table);
    check("declaring a queue");
  }
  void consume(const std::string& queue, bool no_ack) {
    if (!no_ack) amqp_basic_qos(connection_, 1, 0, 64, 0);
    amqp_basic_consume(connection_, 1, bytes(queue), amqp_empty_bytes, 0, no_ack, 0, amqp_empty_table);
    check("consuming");
  }
  void confirm() {
    amqp_confirm_select(connection_, 1);
    check("confirms");
  }
  /// From here on the socket is the loop's.
  void start(OnMessage on_message, std::function<void()> on_batch) {
    on_message_ = std::move(on_message);
    on_batch_ = std::move(on_batch);
    socket_.assign(asio::ip::tcp::v4(), amqp_get_sockfd(connection_));
    socket_.non_blocking(true);
    socket_.set_option(asio::ip::tcp::no_delay(true));
    read();
  }

  void publish(std::string_view key, std::string_view correlation_id, std::string_view reply_to, bool persistent,
               std::string_view body) {
    frame(1, 4 + 2 + 1 + 1 + key.size() + 1);
    number<std::uint32_t>(AMQP_BASIC_PUBLISH_METHOD);
    number<std::uint16_t>(0);
    text({});
    text(key);
    out_.push_back(0);
    end();
    const unsigned flags =
        (persistent ? 0x1000u : 0u) | (correlation_id.empty() ? 0u : 0x0400u) | (reply_to.empty() ? 0u : 0x0200u);
    const auto room = [](std::string_view value) { return value.empty() ? 0 : 1 + value.size(); };
    frame(2, 14 + (persistent ? 1 : 0) + room(correlation_id) + room(reply_to));
    number<std::uint16_t>(AMQP_BASIC_CLASS);
    number<std::uint16_t>(0);
    number<std::uint64_t>(body.size());
    number<std::uint16_t>(static_cast<std::uint16_t>(flags));
    if (persistent) out_.push_back(2);
    if (!correlation_id.empty()) text(correlation_id);
    if (!reply_to.empty()) text(reply_to);
    end();
    frame(3, body.size());
    out_.append(body);
    end();
  }
  void acknowledge(std::uint64_t tag) {
    frame(1, 13);
    number<std::uint32_t>(AMQP_BASIC_ACK_METHOD);
    number<std::uint64_t>(tag);
    out_.push_back(0);
    end();
  }
  bool is_writing() const noexcept { return is_writing_; }
  void flush() {
    if (is_writing_ || out_.empty()) return;
    std::error_code ec;
    const std::size_t count = socket_.write_some(asio::buffer(out_), ec);
    out_.erase(0, count);
    if (out_.empty()) return;
    is_writing_ = true;
    socket_.async_wait(asio::ip::tcp::socket::wait_write, [this](std::error_code) {
      is_writing_ = false;
      flush();
    });
  }

 private:
  void check(const char* what) {
    if (amqp_get_rpc_reply(connection_).reply_type != AMQP_RESPONSE_NORMAL) throw std::runtime_error(what);
  }
  template <class T>
  void number(T value) {
    for (int shift = 8 * (static_cast<int>(sizeof(T)) - 1); shift >= 0; shift -= 8)
      out_.push_back(static_cast<char>(value >> shift));
  }
  void text(std::string_view value) {
    out_.push_back(static_cast<char>(value.size()));
    out_.append(value);
  }
  void frame(char type, std::size_t size) {
    out_.push_back(type);
    number<std::uint16_t>(1);
    number<std::uint32_t>(static_cast<std::uint32_t>(size));
  }
  void end() { out_.push_back(static_cast<char>(0xCE)); }

  void read() {
    socket_.async_wait(asio::ip::tcp::socket::wait_read, [this](std::error_code ec) {
      if (ec) return;
      const std::size_t count = socket_.read_some(asio::buffer(in_.data() + have_, in_.size() - have_), ec);
      if (ec && ec != asio::error::would_block) throw std::runtime_error("the broker closed the connection");
      have_ += count;
      take();
      on_batch_();
      flush();
      read();
    });
  }
  void take() {
    std::size_t at = 0;
    amqp_frame_t decoded;
    while (at < have_) {
      const int used = amqp_handle_input(connection_, {have_ - at, in_.data() + at}, &decoded);
      if (used < 0) throw std::runtime_error("a broken frame");
      if (used == 0) break;
      at += static_cast<std::size_t>(used);
      if (decoded.frame_type) handle(decoded);
    }
    have_ -= at;
    std::memmove(in_.data(), in_.data() + at, have_);
    amqp_maybe_release_buffers(connection_);
  }
  void handle(const amqp_frame_t& decoded) {
    if (decoded.frame_type == AMQP_FRAME_METHOD) {
      if (decoded.payload.method.id == AMQP_CHANNEL_CLOSE_METHOD) throw std::runtime_error("the channel was closed");
      if (decoded.payload.method.id != AMQP_BASIC_DELIVER_METHOD) return;
      const auto* const deliver = static_cast<amqp_basic_deliver_t*>(decoded.payload.method.decoded);
      message_.tag = deliver->delivery_tag;
      message_.routing_key = view(deliver->routing_key);
      message_.body.clear();
    } else if (decoded.frame_type == AMQP_FRAME_HEADER) {
      const auto* const header = static_cast<amqp_basic_properties_t*>(decoded.payload.properties.decoded);
      message_.correlation_id = header->_flags & AMQP_BASIC_CORRELATION_ID_FLAG ? view(header->correlation_id) : "";
      message_.reply_to = header->_flags & AMQP_BASIC_REPLY_TO_FLAG ? view(header->reply_to) : "";
      left_ = decoded.payload.properties.body_size;
    } else if (decoded.frame_type == AMQP_FRAME_BODY) {
      message_.body.append(view(decoded.payload.body_fragment));
      left_ -= decoded.payload.body_fragment.len;
      if (left_ == 0) on_message_(message_);
    }
  }

  asio::ip::tcp::socket socket_;
  amqp_connection_state_t connection_ = nullptr;
  std::vector<char> in_;
  std::size_t have_ = 0;
  std::string out_;
  bool is_writing_ = false;
  Message message_;
  std::uint64_t left_ = 0;
  OnMessage on_message_;
  std::function<void()> on_batch_;
};

const std::string k_replies = "amq.rabbitmq.reply-to";

int serve(const bench::Arguments& arguments) {
  asio::io_context loop(1);
  const std::string requests = arguments.text("ns", "bench") + ".raw.echo", events = requests + ".events";
  bench::EventCounter counter(loop, static_cast<std::uint16_t>(arguments.number("ctl", 7002)));
  Link link(loop, arguments);
  for (const auto& queue : {requests, events}) link.declare(queue);
  for (const auto& queue : {requests, events}) link.consume(queue, false);
  link.start(
      [&](const Message& message) {
        if (message.reply_to.empty()) {
          counter.event();
        } else {
          link.publish(message.reply_to, message.correlation_id, {}, false, message.body);
        }
        link.acknowledge(message.tag);
      },
      [] {});
  std::puts("READY");
  std::fflush(stdout);
  loop.run();
  return 0;
}

/// Keeps requests under way on one connection; each reply sends the next.
class Caller {
 public:
  Caller(asio::io_context& loop, const bench::Arguments& arguments, const std::string& payload, std::size_t inflight,
         bench::Meter& meter)
      : queue_(arguments.text("ns", "bench") + ".raw.echo"),
        payload_(payload),
        link_(loop, arguments),
        sent_(inflight) {
    link_.consume(k_replies, true);
    link_.start(
        [this, &meter, &loop](const Message& message) {
          std::size_t index = 0;
          std::from_chars(message.correlation_id.data(), message.correlation_id.data() + message.correlation_id.size(),
                          index);
          if (sent_.size() < 16 || (++replies_ & 7) == 0) now_ = bench::now_ns();
          if (!meter.reply(sent_.at(index), now_)) return loop.stop();
          call(index);
        },
        [] {});
    now_ = bench::now_ns();
    for (std::size_t i = 0; i < sent_.size(); ++i) call(i);
    link_.flush();
  }

 private:
  void call(std::size_t index) {
    sent_[index] = now_;
    char id[24];
    const auto end = std::to_chars(id, id + sizeof id, index).ptr;
    link_.publish(queue_, {id, static_cast<std::size_t>(end - id)}, k_replies, false, payload_);
  }
  const std::string queue_;
  const std::string& payload_;
  Link link_;
  std::vector<std::uint64_t> sent_;
  std::uint64_t now_ = 0, replies_ = 0;
};

/// Sends events as fast as the receiver's count allows.
class Sender {
 public:
  Sender(asio::io_context& loop, const bench::Arguments& arguments, const std::string& payload, bench::Meter& meter)
      : loop_(loop),
        queue_(arguments.text("ns", "bench") + ".raw.echo.events"),
        payload_(payload),
        meter_(meter),
        window_(loop, static_cast<std::uint16_t>(arguments.number("ctl", 7002)), payload.size()),
        link_(loop, arguments),
        pause_(loop) {
    link_.confirm();
    link_.start([](const Message&) {}, [] {});
  }
  void step() {
    const std::uint64_t now = bench::now_ns();
    const std::uint64_t acknowledged = window_.acknowledged();
    if (!give_up_ && !meter_.progress(acknowledged, now)) give_up_ = now + 5'000'000'000;
    if (give_up_) {
      if (acknowledged < window_.sent && now < give_up_) return wait();
      lost_ = static_cast<std::int64_t>(window_.sent - acknowledged);
      return loop_.stop();
    }
    if (link_.is_writing() || window_.sent - acknowledged + k_burst > window_.window()) return wait();
    for (std::uint64_t i = 0; i < k_burst; ++i) link_.publish(queue_, {}, {}, true, payload_);
    link_.flush();
    window_.sent += k_burst;
    asio::post(loop_, [this] { step(); });
  }
  std::int64_t lost() const noexcept { return lost_; }

 private:
  static constexpr std::uint64_t k_burst = 256;
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
  const std::string queue_;
  const std::string& payload_;
  bench::Meter& meter_;
  bench::EventWindow window_;
  Link link_;
  asio::steady_timer pause_;
  std::uint64_t give_up_ = 0;
  std::int64_t lost_ = 0;
};

int measure(const bench::Arguments& arguments) {
  const std::string payload = bench::read_file(arguments.text("payload"));
  const std::string workload = arguments.text("workload", "rpc");
  const long inflight = arguments.number("inflight", 1), connections = arguments.number("conns", 1);
  asio::io_context loop(1);
  bench::Meter meter(arguments, "amqp", workload, inflight * connections, payload.size());
  if (workload == "events") {
    Sender sender(loop, arguments, payload, meter);
    sender.step();
    loop.run();
    meter.report(sender.lost());
    std::_Exit(0);
  }
  std::vector<std::unique_ptr<Caller>> callers;
  for (long i = 0; i < connections; ++i) {
    callers.push_back(std::make_unique<Caller>(loop, arguments, payload, static_cast<std::size_t>(inflight), meter));
  }
  loop.run();
  meter.report();
  std::_Exit(0);
}

}  // namespace

int main(int argc, char** argv) {
  const bench::Arguments arguments(argc, argv);
  try {
    if (arguments.mode == "server") return serve(arguments);
    if (arguments.mode == "client") return measure(arguments);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "raw_amqp: %s\n", error.what());
    return 1;
  }
  std::fprintf(stderr, "raw_amqp server|client: see the head of bench/raw_amqp.cpp\n");
  return 2;
}
