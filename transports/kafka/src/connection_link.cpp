#include "connection_link.hpp"

#include "protocol/error.hpp"
#include "protocol/settings.hpp"
#include "wire/message_view.hpp"
#include "wire/names.hpp"

#include <asio/post.hpp>

#include <cstdio>
#include <random>

namespace waybill::kafka {
namespace {

std::size_t weight(const Packet& packet) noexcept { return sizeof(Packet) + packet.payload.size(); }

std::string make_tag() {
  std::random_device random;
  char text[10];
  std::snprintf(text, sizeof(text), "-%08x", static_cast<unsigned>(random()));
  return text;
}

}  // namespace

ConnectionLink::ConnectionLink(const Environment& environment, const Options& options, const Registry& registry)
    : environment_(environment),
      options_(options),
      formats_(Formats::of(*environment.serializer, registry)),
      startup_(options),
      reply_partition_(std::to_string(options.reply_partition)),
      tag_(make_tag()),
      idle_(std::make_shared<asio::steady_timer>(environment.executor)) {}

asio::awaitable<Result<void>> ConnectionLink::open(ConnectionSink& sink) {
  const auto self = shared_from_this();
  sink_ = &sink;
  auto producer = Producer::make(environment_, options_, client_name(options_, false), *this);
  if (!producer) co_return producer.error();
  producer_ = std::move(*producer);
  admin_ = std::make_unique<Admin>(environment_.executor, producer_->get(), options_);
  const auto step = step_ = std::make_shared<Step>(environment_.executor);
  const socket::Lookout lookout(environment_.executor, startup_.hosts(), startup_.expected(), step);
  admin_->ping(options_.start_timeout, [step](const Result<void>& outcome) { step->set(outcome); });
  std::optional<Result<void>> reached = co_await Step::wait(step);
  if (!reached) co_return Error(errc::cancelled, "opening was cancelled", End::rejected);
  if (!*reached && !is_closed_) reached = co_await startup_.explain(environment_.executor, reached->error());
  if (!*reached) co_return *reached;
  is_open_ = true;
  watch_ = std::make_shared<BrokerWatch>(environment_.executor, *admin_, options_,
                                         [weak = weak_from_this()](std::string_view reason) {
                                           const auto link = weak.lock();
                                           if (link && link->sink_) link->sink_->on_blocked(reason);
                                         });
  watch_->start();
  co_return Result<void>();
}

ConnectionLink::Channel* ConnectionLink::channel_of(std::string_view route) {
  std::string name(route);
  const auto found = channels_.find(name);
  if (found != channels_.end()) return found->second.get();
  std::string topic = options_.prefix + topic_of(name);
  if (!is_topic_name(reply_topic(topic))) return nullptr;
  auto channel = std::make_unique<Channel>();
  channel->reply_topic = reply_topic(topic);
  channel->topic = std::move(topic);
  return channels_.emplace(std::move(name), std::move(channel)).first->second.get();
}

bool ConnectionLink::is_ready(const Channel& channel, PacketKind kind) const noexcept {
  return channel.waiting.empty() && (kind == PacketKind::request ? channel.requests : channel.events) == State::ready;
}

void ConnectionLink::send(const Packet& packet, Ticket ticket) {
  if (is_closed_) return;
  Channel* channel = channel_of(packet.route);
  if (!channel) {
    return fail_later(ticket, Error(errc::unsupported,
                                    "kafka cannot carry the pattern " + std::string(packet.route) +
                                        ": its topic's name is longer than 249 characters",
                                    End::rejected));
  }
  if (packet.kind == PacketKind::request) calls_.emplace(packet.id.text);
  if (is_ready(*channel, packet.kind)) return produce(*channel, packet, ticket);
  waiting_bytes_ += weight(packet);
  channel->waiting.push_back({packet.own(), ticket});
  prepare(*channel, packet.kind == PacketKind::request);
}

void ConnectionLink::prepare(Channel& channel, bool with_replies) {
  State& state = with_replies ? channel.requests : channel.events;
  if (state != State::unknown) return;
  state = State::preparing;
  ++preparing_;
  producer_->topic(channel.topic);  // it finds out meanwhile where that is
  std::vector<std::string> topics{channel.topic};
  if (with_replies) {
    if (auto made = make_reader(); !made) return prepared_later(channel, made.error());
    reader_->expect(channel.reply_topic);
    topics.push_back(channel.reply_topic);
  }
  Admin& admin = with_replies ? reader_->admin() : *admin_;
  // The channel lives as long as the link does.
  admin.find_or_create(topics,
                       [weak = weak_from_this(), &channel, with_replies](Result<std::vector<Admin::Topic>> there) {
                         if (const auto self = weak.lock()) self->topics_there(channel, with_replies, std::move(there));
                       });
}

Result<void> ConnectionLink::make_reader() {
  if (reader_) return {};
  auto reader = ReplyReader::make(environment_, options_, *this);
  if (!reader) return reader.error();
  reader_ = std::move(*reader);
  return {};
}

/// Never from within send().
void ConnectionLink::prepared_later(Channel& channel, const Error& error) {
  asio::post(environment_.executor, [weak = weak_from_this(), &channel, error] {
    if (const auto self = weak.lock()) self->prepared(channel, true, error);
  });
}

void ConnectionLink::topics_there(Channel& channel, bool with_replies, Result<std::vector<Admin::Topic>> topics) {
  if (is_closed_) return;
  if (!topics) return prepared(channel, with_replies, topics.error());
  if (!with_replies) return prepared(channel, false, {});
  bool is_new = false;
  for (const Admin::Topic& topic : *topics) is_new = is_new || (topic.is_new && topic.name == channel.reply_topic);
  reader_->read(channel.reply_topic, is_new, [weak = weak_from_this(), &channel](Result<void> outcome) {
    if (const auto self = weak.lock()) self->prepared(channel, true, std::move(outcome));
  });
}

void ConnectionLink::prepared(Channel& channel, bool with_replies, Result<void> outcome) {
  if (is_closed_) return;
  --preparing_;
  const State state = outcome ? State::ready : State::unknown;
  if (with_replies) channel.requests = state;
  if (outcome)
    channel.events = State::ready;
  else if (!with_replies)
    channel.events = State::unknown;
  // In order: what is not ready yet holds back what comes after it, unless it has failed.
  while (!channel.waiting.empty() && !is_closed_) {
    const bool is_request = channel.waiting.front().packet.kind == PacketKind::request;
    const State its = is_request ? channel.requests : channel.events;
    if (its == State::preparing) break;
    const Waiting next = std::move(channel.waiting.front());
    channel.waiting.pop_front();
    waiting_bytes_ -= weight(next.packet);
    if (its == State::ready) {
      produce(channel, next.packet, next.ticket);
    } else if (outcome) {
      channel.waiting.push_front(next);  // its own preparation has not begun
      waiting_bytes_ += weight(next.packet);
      prepare(channel, is_request);
      break;
    } else {
      calls_.erase(std::string(next.packet.id.text));
      fail_later(next.ticket, outcome.error());
    }
  }
  wake_flush();
}

void ConnectionLink::produce(Channel& channel, const Packet& packet, Ticket ticket) {
  const bool is_request = packet.kind == PacketKind::request;
  std::string id;
  if (is_request) id.append(packet.id.text).append(tag_);
  auto record = is_request ? compose_request(packet, id, channel.reply_topic, reply_partition_) : compose_event(packet);
  if (!record) {
    if (is_request) calls_.erase(std::string(packet.id.text));
    return fail_later(ticket, record.error());
  }
  const auto code = producer_->send(producer_->topic(channel.topic), *record, ticket);
  if (!code) return;
  if (is_request) calls_.erase(std::string(packet.id.text));
  fail_later(ticket, make_error(code, "cannot send to " + channel.topic, End::rejected));
}

void ConnectionLink::forget(Term id) {
  if (!id.text.empty()) calls_.erase(std::string(id.text));
}

void ConnectionLink::on_reply_record(const rd_kafka_message_t& message) {
  Bytes id = header_of(message, k_correlation_id.data());
  if (!id || !sink_ || !id->ends_with(tag_)) return;  // another client's
  id->remove_suffix(tag_.size());
  const auto call = calls_.find(std::string(*id));
  if (call == calls_.end()) return;  // too late
  auto packet = parse_reply(view_of(message), formats_);
  if (!packet) return environment_.log.warning("kafka: dropped a reply: " + std::string(packet.error().what()));
  packet->id.text = *id;
  if (packet->kind != PacketKind::value || packet->last) calls_.erase(call);
  sink_->on_reply(*packet);
}

void ConnectionLink::on_sent(Ticket ticket, rd_kafka_resp_err_t code, End end) {
  if (!code) return tell(ticket, Accepted{Accepted::By::confirmed, 0});
  tell(ticket, make_error(code, "the broker did not take the message", end));
}

void ConnectionLink::fail_later(Ticket ticket, const Error& error) {
  asio::post(environment_.executor, [weak = weak_from_this(), ticket, error] {
    if (const auto self = weak.lock()) self->tell(ticket, error);
  });
}

void ConnectionLink::tell(Ticket ticket, Result<Accepted> outcome) {
  if (sink_) sink_->on_sent(ticket, std::move(outcome));
}

void ConnectionLink::on_producer_error(rd_kafka_resp_err_t code, std::string_view reason, bool is_fatal) {
  asio::post(environment_.executor, [weak = weak_from_this(), code, text = std::string(reason), is_fatal] {
    if (const auto self = weak.lock()) self->trouble(code, text, is_fatal);
  });
}

void ConnectionLink::find_topic(const std::string& topic, std::function<void(Result<void>)> done) {
  environment_.log.warning("kafka: the topic " + topic + ", or a partition of it, is not there; looking for it");
  admin_->find_or_create({topic}, [done = std::move(done)](const Result<std::vector<Admin::Topic>>& there) {
    done(there ? Result<void>() : Result<void>(there.error()));
  });
}

void ConnectionLink::on_reader_error(rd_kafka_resp_err_t code, std::string_view reason, bool is_fatal) {
  trouble(code, reason, is_fatal);
}

void ConnectionLink::trouble(rd_kafka_resp_err_t code, std::string_view reason, bool is_fatal) {
  if (is_closed_) return;
  if (!is_open_) {
    if (startup_.note(code, reason) || is_fatal)
      step_->set(startup_.error(make_error(code, std::string(reason), End::rejected)));
    return;
  }
  if (code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) return watch_->note_lost(reason);
  if (!is_fatal) return environment_.log.warning("kafka: " + std::string(reason));
  producer_->abandon();
  ConnectionSink* sink = std::exchange(sink_, nullptr);
  close();
  if (sink) sink->on_lost(make_error(code, "kafka: " + std::string(reason), End::unknown));
}

void ConnectionLink::wake_flush() {
  if (preparing_ == 0) idle_->cancel();
}

asio::awaitable<void> ConnectionLink::flush() {
  const auto self = shared_from_this();
  const auto idle = idle_;
  while (preparing_ > 0 && !is_closed_) {
    idle->expires_at(asio::steady_timer::time_point::max());
    co_await waybill::detail::wait_quietly(*idle);
  }
  if (producer_) co_await producer_->flush();
}

void ConnectionLink::close() {
  if (std::exchange(is_closed_, true)) return;
  sink_ = nullptr;
  if (reader_) reader_->close();
  if (watch_) watch_->close();
  if (admin_) admin_->close();
  if (producer_) producer_->close();
  idle_->cancel();
  if (step_) step_->set(Error(errc::closed, "the connection was closed", End::rejected));
}

}  // namespace waybill::kafka
