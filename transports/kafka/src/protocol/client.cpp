#include "protocol/client.hpp"

#include "protocol/background_threads.hpp"
#include "protocol/statistics.hpp"

#include <asio/post.hpp>

#include <chrono>

namespace waybill::kafka {
namespace {

constexpr int k_batch = 256;  ///< Messages before other handlers of the executor have their turn.
constexpr std::chrono::seconds k_tick{1};
constexpr std::chrono::milliseconds k_leave_limit{2'000};
constexpr std::chrono::milliseconds k_last_leave_limit{500};  ///< When nobody runs the loop any more.

using SteadyClock = std::chrono::steady_clock;

}  // namespace

Client::Client(Private, const Environment& environment, rd_kafka_type_t type, ClientHooks& hooks)
    : executor_(environment.executor),
      log_(environment.log),
      metrics_(environment.metrics),
      type_(type),
      hooks_(&hooks),
      undertaker_(Undertaker::of(executor_)),
      tick_(executor_) {}

Result<std::shared_ptr<Client>> Client::make(const Environment& environment, rd_kafka_type_t type, Conf conf,
                                             ClientHooks& hooks) {
  auto client = std::make_shared<Client>(Private{}, environment, type, hooks);
  rd_kafka_conf_t* raw = conf.get();
  rd_kafka_conf_set_opaque(raw, client.get());
  rd_kafka_conf_set_log_cb(raw, on_log);
  rd_kafka_conf_set_error_cb(raw, on_error);
  rd_kafka_conf_set_stats_cb(raw, on_statistics);
  if (type == RD_KAFKA_PRODUCER) {
    rd_kafka_conf_set_dr_msg_cb(raw, on_report);
  } else {
    rd_kafka_conf_set_rebalance_cb(raw, on_rebalance);
    rd_kafka_conf_set_offset_commit_cb(raw, on_commit);
  }
  char problem[512] = "";
  {
    const BatchThreads threads;
    client->instance_.reset(rd_kafka_new(type, raw, problem, sizeof(problem)));
  }
  if (!client->instance_) {
    return Error(errc::invalid_config, std::string("kafka URL: ") + problem, End::rejected);
  }
  [[maybe_unused]] const auto* taken = conf.release();
  client->start();
  return client;
}

void Client::start() {
  rd_kafka_t* raw = instance_.get();
  if (type_ == RD_KAFKA_CONSUMER) rd_kafka_poll_set_consumer(raw);
  rd_kafka_set_log_queue(raw, nullptr);
  Queue queue(type_ == RD_KAFKA_CONSUMER ? rd_kafka_queue_get_consumer(raw) : rd_kafka_queue_get_main(raw));
  watch_ = std::make_shared<QueueWatch>(executor_, std::move(queue), [weak = weak_from_this()] {
    const auto self = weak.lock();
    return self && self->drain();
  });
  watch_->start();
  tick();
}

Client::~Client() {
  if (!instance_) return;
  watch_->stop();
  if (type_ == RD_KAFKA_CONSUMER && !has_waited_ && !rd_kafka_consumer_closed(instance_.get())) leave_now();
  undertaker_.take(std::move(instance_));
}

/// The loop has ended before the group was left: a short last chance, so that others need not wait for our session.
void Client::leave_now() {
  hooks_ = nullptr;
  const Queue queue(rd_kafka_queue_get_consumer(instance_.get()));
  if (!is_closed_) KafkaError(rd_kafka_consumer_close_queue(instance_.get(), queue.get()));
  const auto deadline = SteadyClock::now() + k_last_leave_limit;
  while (!rd_kafka_consumer_closed(instance_.get()) && SteadyClock::now() < deadline) {
    Message(rd_kafka_consumer_poll(instance_.get(), 5));
  }
}

void Client::close() {
  if (std::exchange(is_closed_, true)) return;
  hooks_ = nullptr;
  tick_.cancel();
  if (type_ == RD_KAFKA_PRODUCER) {
    watch_->stop();
    return;
  }
  KafkaError(rd_kafka_consumer_close_queue(instance_.get(), watch_->queue()));
  wait_until_left(SteadyClock::now() + k_leave_limit);
}

/// Keeps the object alive until the group is left, and the loop no longer than that.
void Client::wait_until_left(SteadyClock::time_point deadline) {
  for (int i = 0; i < k_batch; ++i) {
    const Message message(rd_kafka_consumer_poll(instance_.get(), 0));
    if (!message) break;
  }
  const bool is_left = rd_kafka_consumer_closed(instance_.get());
  has_waited_ = !is_left && SteadyClock::now() >= deadline;  // the broker is away
  if (is_left || has_waited_) return watch_->stop();
  tick_.expires_after(std::chrono::milliseconds(2));
  tick_.async_wait([self = shared_from_this(), deadline](std::error_code) { self->wait_until_left(deadline); });
}

bool Client::drain() {
  if (is_closed_) return false;
  const auto self = shared_from_this();  // a hook may let go of us
  if (type_ == RD_KAFKA_PRODUCER) {
    rd_kafka_poll(instance_.get(), 0);  // serves all there is
    if (hooks_) hooks_->on_batch_end();
    return false;
  }
  bool more = true;
  for (int i = 0; more && i < k_batch; ++i) {
    if (!hooks_ || !hooks_->wants_messages()) {
      more = false;
      break;
    }
    Message message(rd_kafka_consumer_poll(instance_.get(), 0));
    if (!message)
      more = false;
    else if (hooks_)
      hooks_->on_message(std::move(message));
  }
  if (hooks_) hooks_->on_batch_end();
  return more;
}

void Client::tick() {
  tick_.expires_after(k_tick);
  tick_.async_wait([weak = weak_from_this()](std::error_code ec) {
    const auto self = weak.lock();
    if (ec || !self || self->is_closed_) return;
    if (self->hooks_) self->hooks_->on_tick();
    if (self->is_closed_) return;
    self->poke();  // an idle consumer must poll too, or its group gives it up
    self->tick();
  });
}

void Client::on_log(const rd_kafka_t* instance, int level, const char* facility, const char* line) noexcept {
  auto* self = static_cast<Client*>(rd_kafka_opaque(instance));
  if (!self) return;
  try {
    self->say(level, facility, line);
  } catch (...) {  // a log line that cannot be written is no reason to end the process
  }
}

/// The levels are syslog's. Lost connections (FAIL, ERROR, at "err") come as errors as well; that data is skipped, or that a
/// setting does not go with another, is said nowhere else.
void Client::say(int level, std::string_view facility, std::string_view line) {
  const bool comes_as_error = facility == "FAIL" || facility == "ERROR" || facility == "CONFWARN";
  const LogLevel ours = level <= 2                      ? LogLevel::error
                        : level <= 4 && !comes_as_error ? LogLevel::warning
                                                        : LogLevel::debug;
  if (!log_.wants(ours)) return;
  std::string text = "kafka: ";
  text.append(facility).append(": ").append(line);
  if (ours == LogLevel::warning) {
    const auto suffix = limit_.wants(facility, SteadyClock::now());
    if (!suffix) return;
    text += *suffix;
  }
  log_.write(ours, text);
}

void Client::on_error(rd_kafka_t* instance, int code, const char* reason, void* opaque) noexcept {
  auto* self = static_cast<Client*>(opaque);
  if (!self->hooks_) return;
  auto what = static_cast<rd_kafka_resp_err_t>(code);
  if (what != RD_KAFKA_RESP_ERR__FATAL) return self->hooks_->on_error(what, reason ? reason : "", false);
  char story[512] = "";
  what = rd_kafka_fatal_error(instance, story, sizeof(story));
  self->hooks_->on_error(what, story, true);
}

void Client::on_report(rd_kafka_t*, const rd_kafka_message_t* message, void* opaque) noexcept {
  auto* self = static_cast<Client*>(opaque);
  if (self->hooks_) self->hooks_->on_report(*message);
}

void Client::on_rebalance(rd_kafka_t* instance, rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t* partitions,
                          void* opaque) noexcept {
  auto* self = static_cast<Client*>(opaque);
  if (self->hooks_ && code != RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS && code != RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
    self->log_.warning(std::string("kafka: rebalancing failed: ") + rd_kafka_err2str(code));
  }
  if (self->hooks_) return self->hooks_->on_rebalance(code, partitions);
  rd_kafka_assign(instance, nullptr);
}

void Client::on_commit(rd_kafka_t*, rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t* partitions,
                       void* opaque) noexcept {
  auto* self = static_cast<Client*>(opaque);
  if (self->hooks_ && partitions) self->hooks_->on_commit(code, *partitions);
}

int Client::on_statistics(rd_kafka_t*, char* json, std::size_t size, void* opaque) noexcept {
  auto* self = static_cast<Client*>(opaque);
  if (!self->hooks_ || !self->metrics_) return 0;  // 0: the text is librdkafka's
  try {
    // From within librdkafka: nobody else's code may run now.
    asio::post(self->executor_, [weak = self->weak_from_this(), text = std::string(json, size)] {
      if (const auto alive = weak.lock()) alive->tell_figures(text);
    });
  } catch (...) {  // figures that cannot be told are no reason to end the process
  }
  return 0;
}

void Client::tell_figures(const std::string& statistics) {
  const auto tell = [this](std::string_view name, double value) {
    if (hooks_) metrics_(name, value);  // it may close us
  };
  tell_statistics(statistics, type_ == RD_KAFKA_PRODUCER ? "kafka.producer" : "kafka.consumer", tell);
}

}  // namespace waybill::kafka
