// ConnectionLink: opening, replies, the end. What it sends is in connection_link_send.cpp.
#include "connection_link.hpp"

#include "protocol/error.hpp"
#include "protocol/topology.hpp"

#include <asio/co_spawn.hpp>

#include <algorithm>

namespace waybill::amqp {
namespace {

bool has_routes_as_keys(const Options& options) noexcept { return options.wildcards || options.is_fanout(); }

std::string exchange_of(const Options& options) {
  return has_routes_as_keys(options) || options.queue.empty() ? options.exchange_name() : std::string();
}

std::string key_of(const Options& options) {
  if (has_routes_as_keys(options)) return {};
  return options.queue.empty() ? options.routing_key : options.queue;
}

/// By a policy of the broker it may do so, too, but nobody tells us.
bool refuses_when_full(const Options& options) {
  return std::any_of(options.arguments.begin(), options.arguments.end(), [](const auto& argument) {
    return argument.first == "x-overflow" && argument.second.starts_with("reject-publish");
  });
}

Error closed_error() { return Error(errc::closed, "the connection was closed", End::rejected); }

}  // namespace

ConnectionLink::ConnectionLink(const Environment& environment, const Options& options, const Registry& registry)
    : environment_(environment),
      options_(options),
      formats_(*environment_.serializer, registry),
      exchange_(exchange_of(options)),
      key_(key_of(options)),
      events_(
          environment_.executor, k_events, options_,
          [this](Ticket ticket, const Result<Accepted>& outcome, const Confirms::Shown&) {
            if (outcome) queue_was_there_ = true;
            tell(ticket, outcome);
          },
          [this](const Error& error) { events_closed(error); }),
      requests_(environment_.executor, k_requests,
                [this](const Suspects::Message* message, const Error& error) { request_refused(message, error); }),
      set_up_(std::make_shared<SetUp>(environment_.executor, k_set_up, options_, environment_.log)),
      address_(k_replies, options_),
      progress_(environment_.executor) {
  events_.nack_means(exchange_.empty() && refuses_when_full(options_) ? End::rejected : End::unknown);
  if (options_.has_exchange()) events_.declares([](Declaration& declaration) { declaration.exchange(); });
}

ConnectionLink::~ConnectionLink() { drop_link(closed_error()); }

asio::awaitable<Result<void>> ConnectionLink::open(std::shared_ptr<ConnectionLink> self, ConnectionSink& sink,
                                                   bool is_first) {
  self->sink_ = &sink;
  const auto opening = std::make_shared<Opening>(self->environment_.executor, self->options_, is_first);
  self->opening_ = opening;
  const std::string role = "client";
  Result<void> outcome = co_await Opening::run(opening, *self, role);
  self->opening_.reset();
  if (outcome && self->address_.is_learning() && self->sink_)
    self->sink_->on_blocked(self->blocked_why_.empty() ? "it was until just now" : self->blocked_why_);
  co_return outcome;
}

void ConnectionLink::on_session_open() {
  if (opening_) opening_->logged_in({});
}

asio::awaitable<Result<void>> ConnectionLink::set_up() {
  const auto self = shared_from_this();
  if (link_) set_up_->use(*link_);
  SetUp::Ask consume = address_.consume();
  // In one write; the channels do not wait for each other.
  auto consuming = SetUp::ended(set_up_->begin(k_replies, consume));
  auto declaring = SetUp::client(set_up_);
  const SetUp::Name declared = co_await std::move(declaring);
  if (!declared) co_return declared.error();
  queue_was_there_ = !options_.no_assert;
  SetUp::Name consumed = co_await std::move(consuming);
  if (!consumed) co_return consumed.error();
  // Last, as it publishes: a broker that is short of memory reads nothing after it.
  if (!link_) co_return closed_error();
  SetUp::Ask learn = address_.learn(*link_, formats_.own(), [this] { address_learned(); });
  learning_ = set_up_->begin(k_replies, learn);
  auto learning = SetUp::ended(learning_);
  const SetUp::Name learned = co_await std::move(learning);
  learning_.reset();
  if (!learned && !address_.is_learning()) {
    if (exchange_.empty() && learned.error().code() == errc::unauthorized) co_return learned.error();
    // Who may not write to the default exchange learns nothing, and the channel is closed: requests go on it, then.
    auto again = SetUp::asked(set_up_, k_replies, std::move(consume));
    consumed = co_await std::move(again);
    if (!consumed) co_return consumed.error();
  }
  if (!link_) co_return closed_error();
  if (!address_.is_learning() && address_.is_known()) requests_.start(*link_);
  if (!options_.at_most_once) events_.start(*link_);
  is_ready_ = true;
  co_return Result<void>();
}

void ConnectionLink::address_learned() {
  if (!is_ready_ || !link_) return;
  if (address_.is_known()) requests_.start(*link_);
  if (sink_ && blocked_why_.empty()) sink_->on_blocked({});
}

void ConnectionLink::on_message(ChannelId channel, const Method& method, const Incoming& message) {
  if (method.id == AMQP_BASIC_DELIVER_METHOD) return on_reply(message.properties, message.body);
  if (method.id != AMQP_BASIC_RETURN_METHOD) return;
  if (address_.is_told(channel, message.properties) || !is_ready_) return;
  on_return(channel, method.as<amqp_basic_return_t>(), message.properties, message.body);
}

void ConnectionLink::on_reply(const Properties& properties, const Slice& body) {
  queue_was_there_ = true;
  if (!sink_) return;
  Packet packet;
  if (const auto parsed = parse_reply(properties, body, formats_, scratch_, packet); !parsed) {
    return environment_.log.warning("amqp: dropped a reply: " + std::string(parsed.error().message()));
  }
  sink_->on_reply(packet);
}

void ConnectionLink::on_return(ChannelId channel, const amqp_basic_return_t& given_back, const Properties& properties,
                               const Slice& body) {
  const std::string reason = std::to_string(given_back.reply_code) + ' ' + std::string(to_view(given_back.reply_text)) +
                             ", routing key " + std::string(to_view(given_back.routing_key)) +
                             "; does its service run, with the same queue in its URL?";
  doubt_what_is_under_way();
  declare_again();
  if (channel == k_events) {
    return events_.on_return(given_back, body.view(), reason);
  }
  if (!properties.correlation_id) return;
  const auto [ticket, is_doubted] = recent_.take(*properties.correlation_id);
  if (ticket) tell(ticket, no_route(reason, is_doubted ? End::unknown : End::rejected));
}

/// A queue that was there and is not any more: RabbitMQ 3 gives back, as if there had been none, also messages that it had
/// taken and perhaps delivered. An exchange without a queue is something else: nobody wants its messages.
void ConnectionLink::doubt_what_is_under_way() {
  if (!std::exchange(queue_was_there_, false) || !exchange_.empty()) return;
  events_.doubt();
  recent_.doubt();
}

/// Somebody deleted the queue: what comes next shall find one again.
void ConnectionLink::declare_again() {
  if (has_routes_as_keys(options_) || options_.queue.empty() || options_.no_assert || is_declaring_) return;
  environment_.log.warning("amqp: the queue " + options_.queue + " is gone; it is declared again");
  begin_declaring();
}

void ConnectionLink::begin_declaring() {
  is_declaring_ = true;
  asio::co_spawn(environment_.executor, declared_again(shared_from_this()), [](std::exception_ptr) {});
}

asio::awaitable<void> ConnectionLink::declared_again(std::shared_ptr<ConnectionLink> self) {
  auto declaring = SetUp::client(self->set_up_);
  const SetUp::Name outcome = co_await std::move(declaring);
  self->is_declaring_ = false;
  self->queue_was_there_ |= outcome.has_value();
  if (!outcome) self->environment_.log.warning("amqp: declaring fails: " + std::string(outcome.error().message()));
}

void ConnectionLink::on_method(ChannelId channel, const Method& method) {
  const auto self = shared_from_this();  // who is told may let go of the connection
  if (method.id == AMQP_BASIC_CANCEL_METHOD)
    return lost(Error(errc::connection_lost, "the broker ended the consumer of replies"));
  if (channel != k_events) return;
  events_.on_method(method);
  if (events_.confirms().empty()) progress_.cancel();
}

void ConnectionLink::on_channel_closed(ChannelId channel, const Error& error) {
  if (!is_ready_ || !link_) return;  // who asked has been told
  const auto self = shared_from_this();
  switch (channel) {
    case k_replies:
      if (!address_.is_known() && !address_.is_learning() && error.code() == errc::unauthorized)
        return request_forbidden(error);
      return lost(error);
    case k_events: return events_.on_closed(error);
    case k_requests: return requests_.on_closed(error);
    default: break;
  }
}

/// On the channel that consumes the replies, as they are sent there: those that were on their way to us are lost as well.
void ConnectionLink::request_forbidden(const Error& error) {
  const auto consuming = set_up_->begin(k_replies, address_.consume());
  (void)consuming;  // what closes the channel again is told again
  request_refused(nullptr, error);
}

/// Until it is ready, and until it knows where replies come to, the link does not say that it could be used.
void ConnectionLink::on_blocked(std::string_view reason) {
  blocked_why_ = reason;
  if (!reason.empty() && learning_) learning_->set(Error(errc::overloaded, blocked_why_, End::rejected));
  if (is_ready_ && sink_ && (!reason.empty() || !address_.is_learning())) sink_->on_blocked(reason);
}

void ConnectionLink::tell(Ticket ticket, const Result<Accepted>& outcome) {
  if (sink_) sink_->on_sent(ticket, outcome);
}

void ConnectionLink::on_written() {
  const auto self = shared_from_this();
  std::size_t told = 0;
  while (told < written_.size() && link_ && written_[told].end <= link_->written_bytes()) {
    tell(written_[told++].ticket, Accepted{});
  }
  written_.erase(written_.begin(), written_.begin() + static_cast<std::ptrdiff_t>(std::min(told, written_.size())));
  progress_.cancel();
}

void ConnectionLink::hold(bool on) {
  if (link_) link_->hold(on);
}

std::size_t ConnectionLink::unsent_bytes() const noexcept {
  return std::max(link_ ? link_->unsent_bytes() : 0, events_.confirms().bytes());
}

asio::awaitable<void> ConnectionLink::flush(std::shared_ptr<ConnectionLink> self) {
  while (self->is_ready_ && self->link_ && (self->link_->unsent_bytes() || !self->events_.confirms().empty())) {
    self->progress_.expires_at(socket::TimePoint::max());
    co_await detail::wait_quietly(self->progress_);
  }
}

void ConnectionLink::lost(const Error& error) {
  const auto self = shared_from_this();  // who is told may let go of the connection
  const bool was_ready = std::exchange(is_ready_, false);
  drop_link(error);
  if (opening_) opening_->logged_in(error);
  if (was_ready && sink_) sink_->on_lost(Error(errc::connection_lost, std::string(error.message())));
}

void ConnectionLink::drop_link(const Error& error) {
  is_ready_ = false;
  address_.forget();
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

void ConnectionLink::close() {
  sink_ = nullptr;
  if (opening_) opening_->cancel();
  drop_link(closed_error());
}

}  // namespace waybill::amqp
