#include "connection.hpp"

#include "error.hpp"
#include "topology.hpp"

#include <asio/post.hpp>

#include <algorithm>

namespace waybill::amqp {
namespace {

constexpr std::string_view k_reply_to = "amq.rabbitmq.reply-to";

bool has_routes_as_keys(const Options& options) noexcept { return options.wildcards || options.is_fanout(); }

std::string exchange_of(const Options& options) {
  return has_routes_as_keys(options) || options.queue.empty() ? options.exchange_name() : std::string();
}

std::string key_of(const Options& options) {
  if (has_routes_as_keys(options)) return {};
  return options.queue.empty() ? options.routing_key : options.queue;
}

}  // namespace

Sender::Sender(Environment environment, const Options& options, const Registry& registry)
    : environment_(std::move(environment)),
      options_(options),
      formats_(*environment_.serializer, registry),
      exchange_(exchange_of(options)),
      key_(key_of(options)),
      confirms_([this](Ticket ticket, const Result<Accepted>& outcome) { tell(ticket, outcome); }),
      progress_(environment_.executor) {}

Sender::~Sender() { drop_link(); }

asio::awaitable<Result<void>> Sender::open(std::shared_ptr<Sender> self, ConnectionSink& sink) {
  if (self->is_closed_) co_return Error(errc::closed, "the connection was closed", End::rejected);
  self->drop_link();
  self->sink_ = &sink;
  const auto opening = std::make_shared<Opening>(self->environment_.executor, self->options_, self->is_first_);
  self->opening_ = opening;
  const std::string role = "client";
  Result<void> outcome = co_await Opening::run(opening, *self, role);
  if (self->opening_ == opening) self->opening_.reset();
  if (outcome) {
    self->is_first_ = false;
    co_return outcome;
  }
  if (!opening->is_cancelled()) self->drop_link();
  co_return outcome;
}

void Sender::on_session_open() {
  Session& session = link_->session();
  const auto failed = [this](const Error& error) { lost(error); };
  steps_ = options_.at_most_once ? 1 : 2;
  session.open_channel(k_requests, {});
  Declaration declaration(session, k_requests, options_, failed);
  declaration.client();
  declaration.consume(std::string(k_reply_to), true, [this](const Result<Method>&) { one_step_ready(); });
  if (options_.at_most_once) return;
  session.open_channel(k_events, {});
  Declaration events(session, k_events, options_, failed);
  events.confirms([this](const Result<Method>&) {
    confirms_.channel_open();
    one_step_ready();
  });
}

void Sender::one_step_ready() {
  if (--steps_ > 0 || !link_) return;
  is_ready_ = true;
  if (opening_) opening_->finish({});
}

void Sender::on_message(ChannelId channel, const Method& method, const Properties& properties, const Slice& body) {
  if (method.id == AMQP_BASIC_DELIVER_METHOD) return on_reply(properties, body);
  if (method.id == AMQP_BASIC_RETURN_METHOD) on_return(channel, method.as<amqp_basic_return_t>(), properties, body);
}

void Sender::on_reply(const Properties& properties, const Slice& body) {
  if (!sink_) return;
  Packet packet;
  if (const auto parsed = parse_reply(properties, body, formats_, scratch_, packet); !parsed) {
    return environment_.log.warning("amqp: dropped a reply: " + std::string(parsed.error().message()));
  }
  sink_->on_reply(packet);
}

void Sender::on_return(ChannelId channel, const amqp_basic_return_t& given_back, const Properties& properties,
                       const Slice& body) {
  const std::string reason = std::to_string(given_back.reply_code) + ' ' + std::string(to_view(given_back.reply_text)) +
                             ", routing key " + std::string(to_view(given_back.routing_key)) +
                             "; does its service run, with the same queue in its URL?";
  declare_again();
  if (channel == k_events) {
    return confirms_.returned(to_view(given_back.exchange), to_view(given_back.routing_key), body.view(), reason);
  }
  const Ticket ticket = properties.correlation_id ? recent_.take(*properties.correlation_id) : 0;
  if (ticket) tell(ticket, Error(errc::no_receiver, "no queue takes the message: " + reason, End::rejected));
}

/// Somebody deleted the queue: what comes next shall find one again.
void Sender::declare_again() {
  if (has_routes_as_keys(options_) || options_.queue.empty() || options_.no_assert || is_declaring_) return;
  Session& session = link_->session();
  is_declaring_ = true;
  environment_.log.warning("amqp: the queue " + options_.queue + " is gone; it is declared again");
  const auto failed = [this](const Error& error) { lost(error); };
  Declaration declaration(session, k_requests, options_, failed);
  declaration.client();
  declaration.prefetch(0, [this](const Result<Method>&) { is_declaring_ = false; });  // its answer is the last
}

void Sender::on_method(ChannelId channel, const Method& method) {
  if (method.id == AMQP_BASIC_CANCEL_METHOD)
    return lost(Error(errc::connection_lost, "the broker ended the consumer of replies"));
  if (channel != k_events) return;
  const auto self = shared_from_this();  // who is told may let go of the connection
  if (method.id == AMQP_BASIC_ACK_METHOD) {
    const auto& ack = method.as<amqp_basic_ack_t>();
    confirms_.confirmed(ack.delivery_tag, ack.multiple);
  } else {
    const auto& nack = method.as<amqp_basic_nack_t>();
    confirms_.refused(nack.delivery_tag, nack.multiple);
  }
  if (link_ && is_ready_) confirms_.send(link_->out());
  if (confirms_.empty()) progress_.cancel();
}

void Sender::on_channel_closed(ChannelId channel, const Error& error) {
  if (!is_ready_ || !link_) return;  // its calls have said so
  if (channel != k_events) return lost(error);
  environment_.log.warning("amqp: the broker closed the channel of events, which is opened again: " +
                           std::string(error.message()));
  const auto self = shared_from_this();
  confirms_.channel_closed(error);
  if (!link_) return;
  Session& session = link_->session();
  session.open_channel(k_events, {});
  const auto failed = [this](const Error& why) { lost(why); };
  Declaration declaration(session, k_events, options_, failed);
  declaration.client();
  declaration.confirms([this](const Result<Method>&) {
    confirms_.channel_open();
    confirms_.send(link_->out());
  });
}

void Sender::on_blocked(std::string_view reason) {
  if (sink_) sink_->on_blocked(reason);
}

Envelope Sender::envelope_of(const Packet& packet) const noexcept {
  Envelope envelope;
  envelope.exchange = exchange_;
  envelope.routing_key = key_.empty() ? packet.route : std::string_view(key_);
  return envelope;
}

void Sender::send(const Packet& packet, Ticket ticket) {
  if (!is_ready_) return;
  if (packet.kind == PacketKind::request) return send_request(packet, ticket);
  send_event(packet, ticket);
}

void Sender::send_request(const Packet& packet, Ticket ticket) {
  Envelope envelope = envelope_of(packet);
  envelope.channel = k_requests;
  envelope.mandatory = options_.mandatory;
  envelope.delivery_mode = options_.persistent_requests ? 2 : 1;
  envelope.correlation_id = packet.id.text;
  envelope.reply_to = k_reply_to;
  const auto appended = append_message(link_->out(), envelope, packet, formats_.own(), link_->session().frame_max());
  if (!appended) return fail_later(ticket, appended.error());
  if (options_.mandatory) recent_.note(packet.id.text, ticket);
}

void Sender::send_event(const Packet& packet, Ticket ticket) {
  Envelope envelope = envelope_of(packet);
  envelope.delivery_mode = options_.persistent_events ? 2 : 1;
  const std::uint32_t frame_max = link_->session().frame_max();
  if (options_.at_most_once) {
    envelope.channel = k_requests;
    const auto appended = append_message(link_->out(), envelope, packet, formats_.own(), frame_max);
    if (!appended) return fail_later(ticket, appended.error());
    if (ticket && !(ticket & k_failure_only)) written_.push_back({ticket, link_->produced_bytes()});
    return;
  }
  envelope.channel = k_events;
  envelope.mandatory = options_.mandatory;
  Buffer& kept = confirms_.buffer();
  const std::size_t begins_at = kept.size();
  const auto appended = append_message(kept, envelope, packet, formats_.own(), frame_max);
  if (!appended) return fail_later(ticket, appended.error());
  confirms_.added(ticket, begins_at, *appended);
  confirms_.send(link_->out());
}

void Sender::fail_later(Ticket ticket, const Error& error) {
  asio::post(environment_.executor, [weak = weak_from_this(), ticket, error] {
    if (const auto self = weak.lock()) self->tell(ticket, error);
  });
}

void Sender::tell(Ticket ticket, const Result<Accepted>& outcome) {
  if (sink_) sink_->on_sent(ticket, outcome);
}

void Sender::on_written() {
  const auto self = shared_from_this();
  std::size_t told = 0;
  while (told < written_.size() && link_ && written_[told].end <= link_->written_bytes()) {
    tell(written_[told++].ticket, Accepted{});
  }
  written_.erase(written_.begin(), written_.begin() + static_cast<std::ptrdiff_t>(std::min(told, written_.size())));
  progress_.cancel();
}

void Sender::hold(bool on) {
  if (link_) link_->hold(on);
}

std::size_t Sender::unsent_bytes() const noexcept {
  return std::max(link_ ? link_->unsent_bytes() : 0, confirms_.bytes());
}

asio::awaitable<void> Sender::flush(std::shared_ptr<Sender> self) {
  while (self->is_ready_ && self->link_ && (self->link_->unsent_bytes() || !self->confirms_.empty())) {
    self->progress_.expires_at(socket::TimePoint::max());
    co_await detail::wait_quietly(self->progress_);
  }
}

void Sender::lost(const Error& error) {
  const bool was_ready = std::exchange(is_ready_, false);
  drop_link();
  if (opening_) opening_->finish(error);
  if (was_ready && sink_) sink_->on_lost(Error(errc::connection_lost, std::string(error.message())));
}

void Sender::drop_link() {
  is_ready_ = is_declaring_ = false;
  confirms_.clear();  // the host sends again what is not confirmed
  written_.clear();
  recent_.clear();
  progress_.cancel();
  if (!link_) return;
  const socket::Ref<Link> link = std::exchange(link_, {});
  link->finish_quietly();
}

void Sender::close() {
  is_closed_ = true;
  sink_ = nullptr;
  if (opening_) opening_->cancel();
  drop_link();
}

}  // namespace waybill::amqp
