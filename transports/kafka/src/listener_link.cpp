#include "listener_link.hpp"

#include "protocol/error.hpp"
#include "protocol/settings.hpp"
#include "wire/message_view.hpp"
#include "wire/names.hpp"

#include <asio/post.hpp>

#include <algorithm>
#include <ctime>

namespace waybill::kafka {
namespace {

/// Milliseconds since 1970, a few of them late: nothing is asked of the system.
std::int64_t coarse_now() noexcept {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME_COARSE, &now);
  return static_cast<std::int64_t>(now.tv_sec) * 1000 + now.tv_nsec / 1'000'000;
}

Error not_parked(rd_kafka_resp_err_t code) { return make_error(code, "the broker did not take it", End::unknown); }

}  // namespace

ListenerLink::ListenerLink(const Environment& environment, const Options& options, const Registry& registry)
    : environment_(environment),
      options_(options),
      formats_(Formats::of(*environment.serializer, registry)),
      group_(group_name(options, environment.group)),
      dead_letter_(environment.dead_letter.empty() ? "" : options.prefix + environment.dead_letter),
      startup_(options) {}

asio::awaitable<Result<void>> ListenerLink::open(const Routes& routes, ListenerSink& sink) {
  const auto self = shared_from_this();
  if (is_joining()) {
    sink_ = &sink;
    co_return co_await wait_joined();
  }
  auto subscription = Subscription::make(routes, options_.prefix, dead_letter_);
  if (!subscription) co_return subscription.error();
  if (!dead_letter_.empty() && !is_topic_name(dead_letter_)) {
    co_return Error(errc::invalid_config, "dead_letter=" + environment_.dead_letter + " is no legal name of a topic",
                    End::rejected);
  }
  subscription_.emplace(std::move(*subscription));
  sink_ = &sink;
  if (auto made = make_producer(); !made) co_return made;

  const auto step = step_ = std::make_shared<Step>(environment_.executor);
  find_topics(step);
  std::optional<socket::Lookout> lookout;
  lookout.emplace(environment_.executor, startup_.hosts(), startup_.expected(), step);
  const Error no_answer(errc::timeout, "no answer in time", End::rejected);
  Result<void> reached =
      co_await wait(step, environment_.executor, options_.start_timeout + std::chrono::milliseconds(200), no_answer);
  lookout.reset();
  if (!reached && !is_closed_) reached = co_await startup_.explain(environment_.executor, reached.error());
  if (!reached) co_return reached;
  watch_brokers();
  if (subscription_->subscribed().empty()) co_return Result<void>();

  step_ = std::make_shared<Step>(environment_.executor);
  if (auto joining = join(); !joining) co_return joining;
  co_return co_await wait_joined();
}

asio::awaitable<Result<void>> ListenerLink::wait_joined() {
  const auto self = shared_from_this();
  if (!step_) step_ = std::make_shared<Step>(environment_.executor);
  const auto step = step_;
  if (is_ready_) step->set({});  // since the last time
  const Error not_joined(errc::refused,
                         "the group " + group_ + " gave us no partitions that can be read within " +
                             std::to_string(options_.join_timeout.count()) + " ms",
                         End::rejected);
  Result<void> joined = co_await wait(step, environment_.executor, options_.join_timeout, not_joined);
  if (joined)
    is_open_ = true;
  else if (is_joining())
    intake_->tell_unpositioned();
  step_.reset();
  co_return joined;
}

void ListenerLink::watch_brokers() {
  watch_ = std::make_shared<BrokerWatch>(
      environment_.executor, *admin_, options_, [weak = weak_from_this()](std::string_view reason) {
        const auto self = weak.lock();
        if (!self || self->is_closed_) return;
        const Log& log = self->environment_.log;
        self->no_broker_ = reason;
        self->tell_hindered();
        if (reason.empty()) return log.info("kafka: a broker answers again");
        log.warning("kafka: " + std::string(reason) + "; nothing comes and goes until one answers");
      });
  watch_->start();
}

void ListenerLink::on_share(std::size_t partitions) {
  has_share_ = partitions > 0;
  has_had_share_ = has_had_share_ || has_share_;
  asio::post(environment_.executor, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->tell_hindered();
  });
}

/// A member that never had a partition is a spare one, and nothing is wrong with it.
void ListenerLink::tell_hindered() {
  if (is_closed_ || !is_open_ || !sink_) return;
  if (!no_broker_.empty()) return sink_->on_hindered(no_broker_);
  const bool is_bereft = has_had_share_ && !has_share_;
  sink_->on_hindered(is_bereft ? "the group " + group_ + " has taken its partitions away" : "");
}

Result<void> ListenerLink::make_producer() {
  const bool sends = subscription_->has_requests() || !dead_letter_.empty();
  auto producer =
      Producer::make(environment_, options_, client_name(options_, true), *this, sends ? Role::producer : Role::admin);
  if (!producer) return producer.error();
  producer_ = std::move(*producer);
  admin_ = std::make_unique<Admin>(environment_.executor, producer_->get(), options_);
  return {};
}

std::vector<std::string> ListenerLink::own_topics() const {
  std::vector<std::string> topics = subscription_->topics();
  if (!dead_letter_.empty()) topics.push_back(dead_letter_);
  return topics;
}

void ListenerLink::find_topics(const std::shared_ptr<Step>& step) {
  const std::vector<std::string> topics = own_topics();
  admin_->keep(dead_letter_);
  if (topics.empty()) {
    return admin_->ping(options_.start_timeout, [step](const Result<void>& outcome) { step->set(outcome); });
  }
  admin_->ensure(topics, [step, weak = weak_from_this()](const Result<std::vector<Admin::Topic>>& there) {
    if (const auto self = weak.lock(); self && there) {
      for (const Admin::Topic& topic : *there) {
        if (topic.is_new) self->made_topics_.push_back(topic.name);
      }
    }
    step->set(there ? Result<void>() : Result<void>(there.error()));
  });
}

Result<void> ListenerLink::join() {
  Intake::Names names{client_name(options_, true), group_};
  auto intake = Intake::make(environment_, options_, std::move(names), *this);
  if (!intake) return intake.error();
  intake_ = std::move(*intake);
  for (const std::string& topic : made_topics_) intake_->note_made(topic);
  return intake_->subscribe(subscription_->subscribed());
}

void ListenerLink::end_step(Result<void> outcome) {
  if (step_) step_->set(std::move(outcome));
}

void ListenerLink::on_intake_ready() {
  is_ready_ = true;
  end_step({});
}

void ListenerLink::on_intake_error(rd_kafka_resp_err_t code, std::string_view reason, bool is_fatal) {
  if (code == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID) {
    is_fenced_ = true;
    return trouble(code, k_fenced, true);
  }
  if (code == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED)
    return trouble(code, "the group " + group_ + ": " + std::string(reason), is_fatal);
  if (code != RD_KAFKA_RESP_ERR_INCONSISTENT_GROUP_PROTOCOL) return trouble(code, reason, is_fatal);
  trouble(code,
          "the group " + group_ +
              " has members that share its partitions in another way (NestJS's kafkajs has a "
              "way of its own): give this service a group of its own, by group=NAME in its URL",
          false);
}

void ListenerLink::on_producer_error(rd_kafka_resp_err_t code, std::string_view reason, bool is_fatal) {
  // From within librdkafka: nobody else's code may run now.
  asio::post(environment_.executor, [weak = weak_from_this(), code, text = std::string(reason), is_fatal] {
    if (const auto self = weak.lock()) self->trouble(code, text, is_fatal);
  });
}

void ListenerLink::find_topic(const std::string& topic, std::function<void(Result<void>)> done) {
  const std::vector<std::string> own = own_topics();
  const auto tell = [done = std::move(done)](const Result<std::vector<Admin::Topic>>& there) {
    done(there ? Result<void>() : Result<void>(there.error()));
  };
  // Where others want their replies is theirs to make.
  if (std::find(own.begin(), own.end(), topic) == own.end()) return admin_->check({topic}, tell);
  environment_.log.warning("kafka: the topic " + topic + ", or a partition of it, is not there; looking for it");
  admin_->find_or_create({topic}, tell);
}

void ListenerLink::trouble(rd_kafka_resp_err_t code, std::string_view reason, bool is_fatal) {
  if (is_closed_) return;
  if (!is_open_) {
    if (startup_.note(code, reason) || is_fatal) {
      const Error error = make_error(code, std::string(reason), End::rejected);
      end_step(startup_.error(error));
    }
    return;
  }
  if (code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) return watch_->note_lost(reason);
  if (!is_fatal) return environment_.log.warning("kafka: " + std::string(reason));
  ListenerSink* sink = std::exchange(sink_, nullptr);
  close();
  if (sink) sink->on_lost(make_error(code, "kafka: " + std::string(reason), End::unknown));
}

void ListenerLink::on_record(Token token, const rd_kafka_message_t& message, int attempt, bool is_redelivered) {
  const IncomingRecord record = view_of(message);
  const Subscription::Channel& channel = subscription_->channel_of(record.topic);
  // Another service's dead letter is for people: two that take each other's would hand it to and fro for ever.
  const bool is_dead = channel.is_matched && record.find(header::k_origin);
  if (!channel.is_wanted || is_dead || !sink_) return intake_->settle(token, Settlement::reject);
  ReplyAddress reply_to;
  auto packet = parse_delivery(record, formats_, channel.may_be_request, reply_to);
  if (packet && packet->kind == PacketKind::request && is_stale(record, coarse_now())) return pass_over(token);
  Delivery delivery(*this, token);
  if (packet)
    delivery.packet = std::move(*packet);
  else
    delivery.failure = packet.error();
  const std::string address = delivery.packet.kind == PacketKind::request ? reply_to.text() : std::string();
  delivery.packet.pattern.text = channel.name;
  delivery.packet.route = channel.route;
  delivery.reply_to = address;
  delivery.attempt = attempt_of(record) + attempt - 1;
  delivery.redelivered = is_redelivered;
  sink_->on_delivery(std::move(delivery));
}

void ListenerLink::pass_over(Token token) {
  if (const auto suffix = limit_.wants("stale", std::chrono::steady_clock::now())) {
    environment_.log.warning(
        "kafka: passed over a request whose caller has gone: it has lain longer than it was waited for" + *suffix);
  }
  intake_->settle(token, Settlement::reject);
}

void ListenerLink::reply(const Delivery& delivery, const Packet& packet) {
  if (is_closed_) return;
  const ReplyAddress to = ReplyAddress::from_text(delivery.reply_to);
  if (!is_topic_name(to.topic)) {
    return environment_.log.warning("kafka: a request asks for its reply on a topic with an illegal name");
  }
  auto record = compose_reply(packet, to);
  if (!record) return environment_.log.error("kafka: a reply cannot be sent: " + std::string(record.error().what()));
  const auto code = producer_->send(producer_->topic(to.topic), *record, 0);
  if (!code) return;
  environment_.log.error("kafka: a reply to " + to.topic + " cannot be sent: " + rd_kafka_err2str(code));
  if (code != RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE || packet.kind == PacketKind::error) return;
  // Its caller should hear of it rather than wait.
  Buffer body;
  Error(errc::internal, "Internal server error").encode(*packet.serializer, body);
  Packet failure;
  failure.kind = PacketKind::error;
  failure.last = failure.has_payload = true;
  failure.id = packet.id;
  failure.serializer = packet.serializer;
  failure.payload = body.borrow();
  reply(delivery, failure);
}

void ListenerLink::settle(const Delivery& delivery, Settlement settlement) {
  if (!is_closed_) intake_->settle(delivery.token, settlement);
}

void ListenerLink::park(const Delivery& delivery, ParkDone done) {
  const rd_kafka_message_t* message = is_closed_ ? nullptr : intake_->message(delivery.token);
  if (!message) return;  // somebody else's by now
  const auto& failure = delivery.failure;
  OutgoingRecord dead =
      compose_dead(view_of(*message), failure ? failure->what() : "rejected by its handler", delivery.attempt);
  dead.partition = k_dead_letter_partition;
  const Ticket ticket = ++last_parked_;
  if (const auto code = producer_->send(producer_->topic(dead_letter_), dead, ticket)) return done(not_parked(code));
  parking_.emplace(ticket, std::move(done));
}

void ListenerLink::add_delivery() noexcept {
  if (deliveries_++ == 0) held_by_deliveries_ = shared_from_this();
}

void ListenerLink::drop_delivery() noexcept {
  if (--deliveries_ > 0) return;
  const auto last = std::move(held_by_deliveries_);  // may be the last owner: ends with this function
}

bool ListenerLink::is_congested() const noexcept {
  return producer_ && producer_->unsent_bytes() > options_.max_unsent / 2;
}

void ListenerLink::on_sent(Ticket ticket, rd_kafka_resp_err_t code, End) {
  if (is_closed_) return;
  if (const auto parked = parking_.extract(ticket)) {
    return parked.mapped()(code ? Result<void>(not_parked(code)) : Result<void>());
  }
  if (code)
    environment_.log.warning(std::string("kafka: a reply was not taken by the broker: ") + rd_kafka_err2str(code));
}

asio::awaitable<void> ListenerLink::flush() {
  const auto self = shared_from_this();
  if (!producer_) co_return;
  auto flushing = producer_->flush([self] { return self->parking_.size(); });
  co_await std::move(flushing);
}

void ListenerLink::close() {
  if (std::exchange(is_closed_, true)) return;
  sink_ = nullptr;
  if (intake_) intake_->close();
  if (watch_) watch_->close();
  if (admin_) admin_->close();
  if (producer_) producer_->close();
  end_step(Error(errc::closed, "the listener was closed", End::rejected));
}

}  // namespace waybill::kafka
