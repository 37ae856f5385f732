// The limit on Kafka: the same exchange as waybill_bench's with bare librdkafka, one thread that polls.
//
//   raw_kafka server --ns NS --broker B --ctl C
//   raw_kafka client ... --workload rpc|events --inflight N --payload FILE --warmup S --secs S
//
// Requests on NS.echo, replies on NS.echo.reply, events on NS.evt, one partition each, assigned by hand. The producer is as
// waybill's: acks=all, idempotent, linger 0. A correlation id and the reply topic travel in headers.
#include "harness.hpp"

#include <asio/io_context.hpp>
#include <librdkafka/rdkafka.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

constexpr int k_batch = 1000;

void set(rd_kafka_conf_t* conf, const char* name, const std::string& value) {
  char problem[256];
  if (rd_kafka_conf_set(conf, name, value.c_str(), problem, sizeof(problem)) != RD_KAFKA_CONF_OK)
    throw std::runtime_error(problem);
}

rd_kafka_t* make(rd_kafka_type_t type, rd_kafka_conf_t* conf) {
  char problem[256];
  rd_kafka_t* instance = rd_kafka_new(type, conf, problem, sizeof(problem));
  if (!instance) throw std::runtime_error(problem);
  return instance;
}

/// A producer and a consumer. They end with the process.
class Kafka {
 public:
  explicit Kafka(const bench::Arguments& arguments) {
    const std::string broker = "127.0.0.1:" + arguments.text("broker", "9092");
    rd_kafka_conf_t* producing = rd_kafka_conf_new();
    set(producing, "bootstrap.servers", broker);
    set(producing, "linger.ms", "0");
    set(producing, "enable.idempotence", "true");
    set(producing, "socket.nagle.disable", "true");
    producer_ = make(RD_KAFKA_PRODUCER, producing);
    rd_kafka_conf_t* consuming = rd_kafka_conf_new();
    set(consuming, "bootstrap.servers", broker);
    set(consuming, "group.id", arguments.text("ns", "bench") + arguments.mode);
    set(consuming, "enable.auto.commit", "false");
    set(consuming, "socket.nagle.disable", "true");
    set(consuming, "fetch.error.backoff.ms", "1");
    consumer_ = make(RD_KAFKA_CONSUMER, consuming);
    rd_kafka_poll_set_consumer(consumer_);
  }

  void create(const std::vector<std::string>& topics) {
    std::vector<rd_kafka_NewTopic_t*> wanted;
    for (const auto& topic : topics) wanted.push_back(rd_kafka_NewTopic_new(topic.c_str(), 1, 1, nullptr, 0));
    rd_kafka_queue_t* queue = rd_kafka_queue_new(producer_);
    rd_kafka_CreateTopics(producer_, wanted.data(), wanted.size(), nullptr, queue);
    if (rd_kafka_event_t* event = rd_kafka_queue_poll(queue, 10'000)) rd_kafka_event_destroy(event);
    for (auto* topic : wanted) rd_kafka_NewTopic_destroy(topic);
    rd_kafka_queue_destroy(queue);
  }

  /// From their ends; the high watermark is asked for, so that nothing that is sent afterwards is missed.
  void read(const std::vector<std::string>& topics) {
    auto* list = rd_kafka_topic_partition_list_new(static_cast<int>(topics.size()));
    for (const auto& topic : topics) {
      std::int64_t low = 0;
      std::int64_t high = 0;
      int attempts = 6;  // a broker that has just come up knows no leader yet
      while (rd_kafka_query_watermark_offsets(consumer_, topic.c_str(), 0, &low, &high, 5'000)) {
        if (--attempts == 0) throw std::runtime_error("no watermark of " + topic);
      }
      rd_kafka_topic_partition_list_add(list, topic.c_str(), 0)->offset = high;
    }
    if (rd_kafka_assign(consumer_, list)) throw std::runtime_error("cannot assign");
    rd_kafka_topic_partition_list_destroy(list);
  }

  /// Waits for messages and hands over a batch of them.
  template <class Each>
  void pump(std::chrono::milliseconds patience, const Each& each) {
    rd_kafka_message_t* message = rd_kafka_consumer_poll(consumer_, static_cast<int>(patience.count()));
    for (int i = 0; message; ++i) {
      if (!message->err) each(*message);
      rd_kafka_message_destroy(message);
      message = i < k_batch ? rd_kafka_consumer_poll(consumer_, 0) : nullptr;
    }
    rd_kafka_poll(producer_, 0);
  }
  void poll_reports() { rd_kafka_poll(producer_, 0); }

  /// With a correlation id it is a reply, with a reply topic as well a request.
  void send(const char* topic, std::string_view body, std::string_view id = {}, std::string_view reply_topic = {}) {
    rd_kafka_headers_t* headers = nullptr;
    if (!id.empty()) {
      headers = rd_kafka_headers_new(3);
      rd_kafka_header_add(headers, "kafka_correlationId", -1, id.data(), static_cast<ssize_t>(id.size()));
    }
    if (!reply_topic.empty()) {
      rd_kafka_header_add(headers, "kafka_replyTopic", -1, reply_topic.data(),
                          static_cast<ssize_t>(reply_topic.size()));
      rd_kafka_header_add(headers, "kafka_replyPartition", -1, "0", 1);
    }
    for (;;) {
      const auto error = rd_kafka_producev(
          producer_, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(0), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
          RD_KAFKA_V_VALUE(const_cast<char*>(body.data()), body.size()), RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_END);
      if (!error) return;
      if (error != RD_KAFKA_RESP_ERR__QUEUE_FULL) throw std::runtime_error(rd_kafka_err2str(error));
      rd_kafka_poll(producer_, 1);
    }
  }

 private:
  rd_kafka_t* producer_;
  rd_kafka_t* consumer_;
};

std::string header_of(const rd_kafka_message_t& message, const char* name) {
  rd_kafka_headers_t* headers = nullptr;
  const void* value = nullptr;
  std::size_t size = 0;
  if (rd_kafka_message_headers(&message, &headers)) return {};
  if (rd_kafka_header_get_last(headers, name, &value, &size)) return {};
  return {static_cast<const char*>(value), size};
}

std::string_view body_of(const rd_kafka_message_t& message) noexcept {
  return {static_cast<const char*>(message.payload), message.len};
}

struct Names {
  explicit Names(const std::string& ns) : echo(ns + ".echo"), reply(ns + ".echo.reply"), event(ns + ".evt") {}
  std::string echo, reply, event;
};

int serve(const bench::Arguments& arguments, Kafka& kafka, const Names& names) {
  asio::io_context loop(1);
  bench::EventCounter counter(loop, static_cast<std::uint16_t>(arguments.number("ctl", 7002)));
  kafka.create({names.echo, names.reply, names.event});
  kafka.read({names.echo, names.event});
  std::puts("READY");
  std::fflush(stdout);
  for (;;) {
    kafka.pump(std::chrono::milliseconds(5), [&](const rd_kafka_message_t& message) {
      const std::string id = header_of(message, "kafka_correlationId");
      if (id.empty()) return counter.event();
      kafka.send(header_of(message, "kafka_replyTopic").c_str(), body_of(message), id);
    });
    loop.poll();
  }
}

void call(const bench::Arguments& arguments, Kafka& kafka, const Names& names, const std::string& payload,
          bench::Meter& meter) {
  kafka.read({names.reply});
  std::vector<std::uint64_t> sent(static_cast<std::size_t>(arguments.number("inflight", 1)), bench::now_ns());
  for (std::size_t i = 0; i < sent.size(); ++i) kafka.send(names.echo.c_str(), payload, std::to_string(i), names.reply);
  bool is_over = false;
  while (!is_over) {
    kafka.pump(std::chrono::milliseconds(100), [&](const rd_kafka_message_t& message) {
      if (message.len != payload.size()) throw std::runtime_error("a wrong echo");
      const std::string id = header_of(message, "kafka_correlationId");
      std::uint64_t& began = sent.at(std::strtoul(id.c_str(), nullptr, 10));
      const std::uint64_t now = bench::now_ns();
      is_over = is_over || !meter.reply(began, now);
      began = now;
      kafka.send(names.echo.c_str(), payload, id, names.reply);
    });
  }
  meter.report();
}

/// Sends events as fast as the receiver's count allows.
void emit(const bench::Arguments& arguments, Kafka& kafka, const Names& names, const std::string& payload,
          bench::Meter& meter) {
  constexpr std::uint64_t k_burst = 256;
  asio::io_context loop(1);
  bench::EventWindow window(loop, static_cast<std::uint16_t>(arguments.number("ctl", 7002)), payload.size());
  const auto burst = [&] {
    for (std::uint64_t i = 0; i < k_burst; ++i) kafka.send(names.event.c_str(), payload);
    window.sent += k_burst;
  };
  const auto wait = [&] {
    kafka.poll_reports();
    window.socket().async_wait(asio::ip::tcp::socket::wait_read, [](std::error_code) {});
    loop.restart();
    loop.run_one_for(std::chrono::milliseconds(1));
    window.socket().cancel();
    loop.poll();
  };
  burst();  // the producer's first records wait for its id, up to a second
  while (window.acknowledged() == 0) wait();
  std::uint64_t give_up = 0;
  for (;;) {
    const std::uint64_t now = bench::now_ns();
    const std::uint64_t acknowledged = window.acknowledged();
    if (!give_up && !meter.progress(acknowledged, now)) give_up = now + 5'000'000'000;
    if (give_up && (acknowledged >= window.sent || now >= give_up)) break;
    if (give_up || window.sent - acknowledged + k_burst > window.window())
      wait();
    else
      burst();
    kafka.poll_reports();
  }
  meter.report(static_cast<std::int64_t>(window.sent - window.acknowledged()));
}

int measure(const bench::Arguments& arguments, Kafka& kafka, const Names& names) {
  const std::string payload = bench::read_file(arguments.text("payload"));
  if (payload.empty()) throw std::runtime_error("--payload names no file, or an empty one");
  const std::string workload = arguments.text("workload", "rpc");
  bench::Meter meter(arguments, "kafka", workload, arguments.number("inflight", 1), payload.size());
  if (workload == "events")
    emit(arguments, kafka, names, payload, meter);
  else
    call(arguments, kafka, names, payload, meter);
  std::fflush(stdout);
  std::_Exit(0);
}

}  // namespace

int main(int argc, char** argv) {
  const bench::Arguments arguments(argc, argv);
  try {
    if (arguments.mode != "server" && arguments.mode != "client") throw std::runtime_error("server or client?");
    Kafka kafka(arguments);
    const Names names(arguments.text("ns", "bench"));
    return arguments.mode == "server" ? serve(arguments, kafka, names) : measure(arguments, kafka, names);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "raw_kafka: %s\n", error.what());
    return 1;
  }
}
