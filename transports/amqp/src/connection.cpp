#include "connection.hpp"

#include "protocol/error.hpp"
#include "protocol/topology.hpp"

#include <asio/co_spawn.hpp>
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

Error too_large(std::uint64_t size, std::uint64_t most) {
  return Error(
      errc::too_large,
      "the message has " + std::to_string(size) + " bytes, and the broker takes at most " + std::to_string(most),
      End::rejected);
}

Error closed_error() { return Error(errc::closed, "the connection was closed", End::rejected); }

}  // namespace

Sender::Sender(Environment environment, const Options& options, const Registry& registry)
    : environment_(std::move(environment)),
      options_(options),
      formats_(*environment_.serializer, registry),
      exchange_(exchange_of(options)),
      key_(key_of(options)),
      events_(
          environment_.executor, k_events, options_,
          [this](Ticket ticket, const Result<Accepted>& outcome, const Confirms::Shown&) { tell(ticket, outcome); },
          [this](const Error& error) { events_closed(error); }),
      requests_(environment_.executor, k_requests,
                [this](const Suspects::Message* message, const Error& error) { request_refused(message, error); }),
      set_up_(std::make_shared<SetUp>(environment_.executor, k_set_up, options_, environment_.log)),
      progress_(environment_.executor) {
  events_.goes_to_one_queue(exchange_.empty());
  if (options_.has_exchange()) events_.declares([](Declaration& declaration) { declaration.exchange(); });
}

Sender::~Sender() { drop_link(closed_error()); }

asio::awaitable<Result<void>> Sender::open(std::shared_ptr<Sender> self, ConnectionSink& sink) {
  if (self->is_closed_) co_return Error(errc::closed, "the connection was closed", End::rejected);
  self->drop_link(closed_error());
  self->sink_ = &sink;
  const auto opening = std::make_shared<Opening>(self->environment_.executor, self->options_, self->is_first_);
  self->opening_ = opening;
  const std::string role = "client";
  Result<void> outcome = co_await Opening::run(opening, *self, role);
  if (self->opening_ == opening) self->opening_.reset();
  if (outcome) {
    self->is_first_ = false;
    if (self->is_learning_ && self->sink_)
      self->sink_->on_blocked(self->blocked_why_.empty() ? "it was until just now" : self->blocked_why_);
    co_return outcome;
  }
  if (!opening->is_cancelled()) self->drop_link(closed_error());
  co_return outcome;
}

void Sender::on_session_open() {
  if (opening_) opening_->logged_in({});
}

SetUp::Ask Sender::consume_replies() {
  return [this](Session& session, const Declaration::Failed& failed, const Session::Done& done) {
    Declaration(session, k_replies, options_, failed).consume(std::string(k_reply_to), true, false, done);
  };
}

asio::awaitable<Result<void>> Sender::set_up() {
  const auto self = shared_from_this();
  if (link_) set_up_->use(*link_);
  SetUp::Ask consume = consume_replies();
  // In one write; the channels do not wait for each other.
  auto consuming = SetUp::ended(set_up_->begin(k_replies, consume));
  auto declaring = SetUp::client(set_up_);
  const SetUp::Name declared = co_await std::move(declaring);
  if (!declared) co_return declared.error();
  SetUp::Name consumed = co_await std::move(consuming);
  if (!consumed) co_return consumed.error();
  // Last, as it publishes: a broker that is short of memory reads nothing after it.
  learning_ = learn_address();
  auto learning = SetUp::ended(learning_);
  const SetUp::Name learned = co_await std::move(learning);
  learning_.reset();
  if (!learned && !is_learning_) {
    if (exchange_.empty() && learned.error().code() == errc::unauthorized) co_return learned.error();
    // Who may not write to the default exchange learns nothing, and the channel is closed: requests go on it, then.
    auto again = SetUp::asked(set_up_, k_replies, std::move(consume));
    consumed = co_await std::move(again);
    if (!consumed) co_return consumed.error();
  }
  if (!link_) co_return closed_error();
  if (!is_learning_ && !address_.empty()) requests_.start(*link_);
  if (!options_.at_most_once) events_.start(*link_);
  is_ready_ = true;
  co_return Result<void>();
}

/// A message that no queue takes comes back with the address that stands for the short name.
std::shared_ptr<SetUp::Step> Sender::learn_address() {
  address_.clear();
  is_learning_ = true;
  const SetUp::Ask ask = [this](Session& session, const Declaration::Failed& failed, const Session::Done& done) {
    Packet nothing;
    nothing.has_payload = true;
    Envelope envelope;
    envelope.channel = k_replies;
    envelope.mandatory = true;
    envelope.reply_to = k_reply_to;
    const auto appended = append_message(link_->out(), envelope, nothing, formats_.own(), session.frame_max());
    (void)appended;
    const auto refused = [this, failed](const Error& error) {
      is_learning_ = false;
      failed(error);
    };
    Declaration(session, k_replies, options_, refused).prefetch(0, [this, done](const Result<Method>& answer) {
      learned();  // answered behind it
      done(answer);
    });
  };
  return set_up_->begin(k_replies, ask);
}

void Sender::learned() {
  is_learning_ = false;
  if (!is_ready_ || !link_) return;
  if (!address_.empty()) requests_.start(*link_);
  if (sink_ && blocked_why_.empty()) sink_->on_blocked({});
}

void Sender::on_message(ChannelId channel, const Method& method, const Incoming& message) {
  if (method.id == AMQP_BASIC_DELIVER_METHOD) return on_reply(message.properties, message.body);
  if (method.id != AMQP_BASIC_RETURN_METHOD) return;
  if (is_ready_ && !(is_learning_ && channel == k_replies))
    return on_return(channel, method.as<amqp_basic_return_t>(), message.properties, message.body);
  const std::string_view address = message.properties.reply_to.value_or(std::string_view());
  if (address != k_reply_to) address_ = address;
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
    return events_.on_return(given_back, body.view(), reason);
  }
  const Ticket ticket = properties.correlation_id ? recent_.take(*properties.correlation_id) : 0;
  if (ticket) tell(ticket, Error(errc::no_receiver, "no queue takes the message: " + reason, End::rejected));
}

/// Somebody deleted the queue: what comes next shall find one again.
void Sender::declare_again() {
  if (has_routes_as_keys(options_) || options_.queue.empty() || options_.no_assert || is_declaring_) return;
  environment_.log.warning("amqp: the queue " + options_.queue + " is gone; it is declared again");
  begin_declaring();
}

void Sender::begin_declaring() {
  is_declaring_ = true;
  asio::co_spawn(environment_.executor, declared_again(shared_from_this()), [](std::exception_ptr) {});
}

asio::awaitable<void> Sender::declared_again(std::shared_ptr<Sender> self) {
  auto declaring = SetUp::client(self->set_up_);
  const SetUp::Name outcome = co_await std::move(declaring);
  self->is_declaring_ = false;
  if (!outcome) self->environment_.log.warning("amqp: declaring fails: " + std::string(outcome.error().message()));
}

void Sender::on_method(ChannelId channel, const Method& method) {
  const auto self = shared_from_this();  // who is told may let go of the connection
  if (method.id == AMQP_BASIC_CANCEL_METHOD)
    return lost(Error(errc::connection_lost, "the broker ended the consumer of replies"));
  if (channel != k_events) return;
  events_.on_method(method);
  if (events_.confirms().empty()) progress_.cancel();
}

void Sender::on_channel_closed(ChannelId channel, const Error& error) {
  if (!is_ready_ || !link_) return;  // who asked has been told
  const auto self = shared_from_this();
  switch (channel) {
    case k_replies:
      if (address_.empty() && !is_learning_ && error.code() == errc::unauthorized) return request_forbidden(error);
      return lost(error);
    case k_events: return events_.on_closed(error);
    case k_requests: return requests_.on_closed(error);
    default: break;
  }
}

/// On the channel that consumes the replies, as they are sent there: those that were on their way to us are lost as well.
void Sender::request_forbidden(const Error& error) {
  const auto consuming = set_up_->begin(k_replies, consume_replies());
  (void)consuming;  // what closes the channel again is told again
  request_refused(nullptr, error);
}

void Sender::events_closed(const Error& error) {
  if (const auto most = refusal_of(error).most) most_event_bytes_ = most;
  environment_.log.warning("amqp: the broker closed the channel of events, which is opened again: " +
                           std::string(error.message()));
}

void Sender::request_refused(const Suspects::Message* message, const Error& error) {
  if (message) return tell(message->ticket, Error(error.code(), std::string(error.message()), End::rejected));
  environment_.log.warning("amqp: the broker closed the channel of requests, which is opened again: " +
                           std::string(error.message()));
  // Which ones it did not take is not known.
  const Error lost_one(error.code(), "the broker closed the channel of requests: " + std::string(error.message()),
                       End::unknown);
  const auto self = shared_from_this();
  for (const Ticket ticket : recent_.take_all()) tell(ticket, lost_one);
  // Somebody may have deleted the exchange.
  if (link_ && options_.has_exchange() && !options_.no_assert && !is_declaring_) begin_declaring();
}

/// Until it is ready, and until it knows where replies come to, the link does not say that it could be used.
void Sender::on_blocked(std::string_view reason) {
  blocked_why_ = reason;
  if (!reason.empty() && learning_) learning_->set(Error(errc::overloaded, blocked_why_, End::rejected));
  if (is_ready_ && sink_ && (!reason.empty() || !is_learning_)) sink_->on_blocked(reason);
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
  envelope.channel = request_channel();
  envelope.mandatory = options_.mandatory;
  envelope.delivery_mode = options_.persistent_requests ? 2 : 1;
  envelope.correlation_id = packet.id.text;
  envelope.reply_to = address_.empty() ? k_reply_to : std::string_view(address_);
  Buffer& out = request_out();
  const std::size_t begins_at = out.size();
  const auto appended = append_message(out, envelope, packet, formats_.own(), link_->session().frame_max());
  if (!appended) return fail_later(ticket, appended.error());
  request_written(ticket, packet, *appended, out, begins_at);
  if (options_.mandatory || address_.empty()) recent_.note(packet.id.text, ticket);
}

void Sender::request_written(Ticket ticket, const Packet& packet, const Layout& layout, Buffer& out,
                             std::size_t begins_at) {
  if (address_.empty()) return;
  if (layout.body_size > requests_.most_bytes()) {
    out.truncate(begins_at);
    return fail_later(ticket, too_large(layout.body_size, requests_.most_bytes()));
  }
  Suspects::Message message;
  message.ticket = ticket;
  message.body_size = layout.body_size;
  message.names_user = !packet.properties.empty() && packet.properties.find("userId");
  if (requests_.watches(message)) requests_.sent(std::move(message), out, begins_at);
}

void Sender::send_event(const Packet& packet, Ticket ticket) {
  Envelope envelope = envelope_of(packet);
  envelope.delivery_mode = options_.persistent_events ? 2 : 1;
  const std::uint32_t frame_max = link_->session().frame_max();
  if (options_.at_most_once) {
    envelope.channel = request_channel();
    Buffer& out = request_out();
    const std::size_t begins_at = out.size();
    const auto appended = append_message(out, envelope, packet, formats_.own(), frame_max);
    if (!appended) return fail_later(ticket, appended.error());
    request_written(ticket, packet, *appended, out, begins_at);
    if (ticket && !(ticket & k_failure_only)) written_.push_back({ticket, link_->produced_bytes()});
    return;
  }
  envelope.channel = k_events;
  envelope.mandatory = options_.mandatory;
  Buffer& kept = events_.buffer();
  const std::size_t begins_at = kept.size();
  const auto appended = append_message(kept, envelope, packet, formats_.own(), frame_max);
  if (!appended) return fail_later(ticket, appended.error());
  if (appended->body_size > most_event_bytes_) {
    kept.truncate(begins_at);
    return fail_later(ticket, too_large(appended->body_size, most_event_bytes_));
  }
  events_.added(ticket, begins_at, *appended);
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
  return std::max(link_ ? link_->unsent_bytes() : 0, events_.confirms().bytes());
}

asio::awaitable<void> Sender::flush(std::shared_ptr<Sender> self) {
  while (self->is_ready_ && self->link_ && (self->link_->unsent_bytes() || !self->events_.confirms().empty())) {
    self->progress_.expires_at(socket::TimePoint::max());
    co_await detail::wait_quietly(self->progress_);
  }
}

void Sender::lost(const Error& error) {
  const bool was_ready = std::exchange(is_ready_, false);
  drop_link(error);
  if (opening_) opening_->logged_in(error);
  if (was_ready && sink_) sink_->on_lost(Error(errc::connection_lost, std::string(error.message())));
}

void Sender::drop_link(const Error& error) {
  is_ready_ = is_learning_ = false;
  blocked_why_.clear();
  set_up_->stop(error);
  events_.stop();  // the host sends again what is not confirmed
  requests_.stop();
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
  drop_link(closed_error());
}

}  // namespace waybill::amqp
