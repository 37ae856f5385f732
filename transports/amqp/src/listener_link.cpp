// ListenerLink: opening, deliveries, the end. What goes back to the broker is in listener_link_settle.cpp.
#include "listener_link.hpp"

#include "protocol/error.hpp"
#include "protocol/topology.hpp"

#include <algorithm>

namespace waybill::amqp {
namespace {

constexpr transport::Backoff::Options k_fetch_pauses{std::chrono::milliseconds(50), std::chrono::milliseconds(1'000)};
constexpr std::chrono::seconds k_each_second{1};
constexpr std::chrono::seconds k_now_and_then{2};
constexpr std::size_t k_most_parked = 128u << 20;  // bytes: the most that brokers took for long

}  // namespace

ListenerLink::ListenerLink(const Environment& environment, const Options& options, const Registry& registry,
                           std::shared_ptr<Kept> kept)
    : environment_(environment),
      options_(options),
      formats_(*environment_.serializer, registry),
      callers_(*this, environment_.executor, options.caller_check),
      outlet_(std::make_shared<Outlet>(environment_, options_, *this)),
      set_up_(std::make_shared<SetUp>(environment_.executor, k_set_up, options_, environment_.log)),
      depth_(std::make_shared<QueueDepth>(environment_.executor, environment_.log, *this)),
      queue_(queue_name(options, environment.group)),
      prefetch_(prefetch_of(environment_, options_)),
      kept_(std::move(kept)),
      reopen_timer_(environment_.executor),
      fetch_timer_(environment_.executor),
      fetch_pause_(k_fetch_pauses),
      progress_(environment_.executor) {
  kept_->taken_back.forget_tokens();
}

ListenerLink::~ListenerLink() { drop_link(Error(errc::closed, "the listener was closed", End::rejected)); }

asio::awaitable<Result<void>> ListenerLink::open(std::shared_ptr<ListenerLink> self, Routes routes, ListenerSink& sink,
                                                 bool is_first) {
  for (const Route& route : routes) {
    if (self->options_.wildcards && binding_key(route.pattern).size() > 255) {
      co_return Error(errc::unsupported,
                      "amqp cannot bind the pattern " + route.pattern.route() + ": it is longer than 255 bytes",
                      End::rejected);
    }
  }
  self->sink_ = &sink;
  self->matcher_ = self->options_.wildcards ? Matcher(routes) : Matcher();
  self->routes_ = std::move(routes);
  Options options = self->options_;
  // What is too large for a handler can still be passed on.
  if (!self->environment_.dead_letter.empty()) options.max_message = std::max(options.max_message, k_most_parked);
  const auto opening = std::make_shared<Opening>(self->environment_.executor, options, is_first);
  self->opening_ = opening;
  const std::string role = "service";
  Result<void> outcome = co_await Opening::run(opening, *self, role);
  self->opening_.reset();
  co_return outcome;
}

std::uint16_t ListenerLink::prefetch_of(const Environment& environment, const Options& options) noexcept {
  const std::size_t most = std::min<std::size_t>(environment.max_in_flight, 65'535);
  return static_cast<std::uint16_t>(options.prefetch ? std::min<std::size_t>(options.prefetch, most) : most);
}

void ListenerLink::on_session_open() {
  if (opening_) opening_->logged_in({});
}

asio::awaitable<Result<void>> ListenerLink::set_up() {
  if (link_) set_up_->use(*link_);
  auto declaring = SetUp::listener(set_up_, queue_, routes_, environment_.dead_letter);
  const SetUp::Name declared = co_await std::move(declaring);
  if (!declared) co_return declared.error();
  queue_ = *declared;
  if (!link_) co_return Error(errc::connection_lost, "the link is lost", End::rejected);
  outlet_->use(*link_);
  const bool has_requests =
      std::any_of(routes_.begin(), routes_.end(), [](const Route& r) { return r.handles_requests; });
  if (has_requests || options_.at_most_once) {
    auto opening_outlet = Outlet::open(outlet_);
    const Result<void> may_publish = co_await std::move(opening_outlet);
    if (!may_publish) co_return may_publish.error();
  }
  // Only now: what is delivered can be answered, sent again, parked and acknowledged.
  auto asking = SetUp::asked(set_up_, k_work, consume());
  SetUp::Name consumed = co_await std::move(asking);
  if (!consumed && consumed.error().message().find(k_tell_of_end) != std::string_view::npos) {
    kept_->tells_of_end = false;
    auto asking_again = SetUp::asked(set_up_, k_work, consume());
    consumed = co_await std::move(asking_again);
  }
  if (!consumed) co_return consumed.error();
  co_return Result<void>();
}

SetUp::Ask ListenerLink::consume() {
  return [self = shared_from_this()](Session& session, const Declaration::Failed& failed, const Session::Done& done) {
    Declaration declaration(session, k_work, self->options_, failed);
    if (!self->options_.at_most_once) declaration.prefetch(self->prefetch_);
    declaration.consume(self->queue_, self->options_.at_most_once, self->is_told_of_end(),
                        [self, done](const Result<Method>& answer) {
                          if (!self->is_ready_) self->consuming(*answer);  // deliveries may follow in the same bytes
                          done(answer);
                        });
  };
}

void ListenerLink::consuming(const Method& answer) {
  consumer_ = to_view(answer.as<amqp_basic_consume_ok_t>().consumer_tag);
  is_ready_ = true;
  callers_.use(link_->session(), k_callers);
  if (environment_.metrics || !is_told_of_end())
    depth_->start(link_->session(), k_depth, queue_, environment_.metrics ? k_each_second : k_now_and_then);
  update_hold();
}

void ListenerLink::on_depth(std::uint64_t messages) {
  if (environment_.metrics) environment_.metrics("lag", static_cast<double>(messages));
  const std::size_t in_hand =
      options_.at_most_once ? deliveries_ : window_.outstanding() - window_.outstanding_fetched();
  const bool has_room = in_hand < prefetch_ && !is_held_ && !is_full_ && !is_reopening_ && !is_stopped_ &&
                        !link_->session().is_receiving(k_work);
  if (is_told_of_end() || !kept_->deafness.is_suspected(messages, has_room, std::chrono::steady_clock::now())) return;
  lost(
      Error(errc::connection_lost, "the queue " + queue_ + " holds " + std::to_string(messages) +
                                       " messages, and its consumer gets none: it was perhaps deleted and made again"));
}

void ListenerLink::on_message(ChannelId channel, const Method& method, const Incoming& message) {
  is_in_batch_ = true;
  if (method.id == AMQP_BASIC_DELIVER_METHOD) {
    const auto& deliver = method.as<amqp_basic_deliver_t>();
    return take({deliver.delivery_tag, deliver.redelivered != 0, false, to_view(deliver.routing_key)}, message);
  }
  if (method.id == AMQP_BASIC_GET_OK_METHOD) {
    const auto& got = method.as<amqp_basic_get_ok_t>();
    return take({got.delivery_tag, got.redelivered != 0, true, to_view(got.routing_key)}, message);
  }
  if (outlet_->is_shared()) outlet_->on_message(channel, method, message);
}

void ListenerLink::on_unreadable(ChannelId channel, const Method& method, const Error& why) {
  const bool was_fetched = method.id == AMQP_BASIC_GET_OK_METHOD;
  if (channel != k_work || (method.id != AMQP_BASIC_DELIVER_METHOD && !was_fetched)) return;
  is_in_batch_ = true;
  if (!was_fetched) kept_->deafness.message_came();
  environment_.log.error("amqp: a message of the queue " + queue_ +
                         " cannot be taken and is refused: " + std::string(why.message()));
  if (options_.at_most_once) return;
  const std::uint64_t tag =
      was_fetched ? method.as<amqp_basic_get_ok_t>().delivery_tag : method.as<amqp_basic_deliver_t>().delivery_tag;
  window_.delivered(tag);
  last_token_ = base_ + tag;
  give_back(last_token_, false);
}

void ListenerLink::take(const Taken& taken, const Incoming& message) {
  if (!sink_) return;
  if (!taken.was_fetched) kept_->deafness.message_came();
  const std::uint64_t token = last_token_ = base_ + taken.tag;
  const Properties& properties = message.properties;
  const Print print = options_.at_most_once ? 0 : print_of(properties, taken.routing_key, message.body.view());
  if (taken.was_fetched) {
    window_.fetched(taken.tag, print);
  } else if (!options_.at_most_once) {
    window_.delivered(taken.tag, print);
  }
  TakenBack& taken_back = kept_->taken_back;
  const bool may_be_known = taken.is_redelivered && !taken_back.empty();
  if (may_be_known && is_settled_already(token, print)) return;
  if (is_stopped_) return give_back(token, true);
  const bool has_address = properties.reply_to && is_reply_address(*properties.reply_to);
  Delivery delivery(callers_.of(has_address ? *properties.reply_to : std::string_view()), token);
  Packet& packet = delivery.packet;
  const auto parsed = parse_delivery(properties, message.body, formats_, packet);
  if (!options_.at_most_once) delivery.message = message.whole;
  if (has_address) delivery.reply_to = properties.return_address;
  delivery.attempt = packet.headers.empty() ? 1 : attempt_of(packet.headers);
  if (may_be_known && !packet.headers.find(k_delivery_count)) delivery.attempt += taken_back.times(print);
  delivery.redelivered =
      taken.is_redelivered || delivery.attempt > 1 || packet.headers.find(header::k_resent) != nullptr;
  if (options_.wildcards) find_route(packet, taken.routing_key);
  if (message.body.size() > options_.max_message) {
    packet.kind = PacketKind::event;
    delivery.failure.emplace(errc::too_large,
                             "it has " + std::to_string(message.body.size()) + " bytes, and max_message allows " +
                                 std::to_string(options_.max_message),
                             End::rejected);
  } else if (!parsed || (!packet.has_pattern && packet.route.empty()))
    tell_of_no_packet(parsed ? nullptr : &parsed.error());
  if (options_.at_most_once && deliveries_ >= environment_.max_in_flight) {
    is_full_ = true;
    update_hold();
  }
  sink_->on_delivery(std::move(delivery));  // may let go of the listener
}

/// What others send has no pattern: it goes by its routing key, as everything in topic mode does.
void ListenerLink::find_route(Packet& packet, std::string_view routing_key) {
  if (packet.has_pattern) {
    packet.route = matcher_.route_for(packet.pattern);
    return;
  }
  if (const std::string* const route = packet.headers.find(k_route_header)) {
    packet.route = *route;  // sent again
    return;
  }
  packet.route = matcher_.route_for({routing_key, false});
  if (packet.route.empty()) packet.route = routing_key;
}

void ListenerLink::tell_of_no_packet(const Error* error) {
  if (!no_packet_said_.now()) return;
  std::string line = "amqp: a message of the queue " + queue_ + " has no pattern to find a handler by";
  if (error) line += " (it is no packet: " + std::string(error->message()) + ")";
  line += environment_.dead_letter.empty() ? ": it is dropped, if no handler takes it"
                                           : ": it goes to " + environment_.dead_letter + ", if no handler takes it";
  environment_.log.warning(line + "; said once a minute");
}

void ListenerLink::on_method(ChannelId channel, const Method& method) {
  is_in_batch_ = true;
  const auto self = shared_from_this();
  if (method.id == AMQP_BASIC_CANCEL_METHOD)
    return lost(Error(errc::connection_lost, "the queue " + queue_ + " was deleted, or moved to another node"));
  if (outlet_->is_shared()) outlet_->on_method(channel, method);
  progress_.cancel();
}

void ListenerLink::on_channel_closed(ChannelId channel, const Error& error) {
  const auto self = shared_from_this();
  if (channel == k_work && is_ready_) {
    return is_overdue(error) && !is_reopening_ ? consume_again(error) : lost(error);
  }
  if (outlet_->is_shared()) outlet_->on_channel_closed(channel, error);  // of others those who asked have been told
}

void ListenerLink::on_blocked(std::string_view reason) {
  if (outlet_->is_shared()) outlet_->on_blocked(reason);
}

void ListenerLink::on_batch_end() {
  is_in_batch_ = false;
  flush_acks();
}

void ListenerLink::delivery_added() noexcept {
  if (deliveries_++ == 0) held_by_deliveries_ = weak_from_this().lock();
}

void ListenerLink::delivery_dropped() noexcept {
  --deliveries_;
  if (is_full_ && deliveries_ < environment_.max_in_flight) {
    is_full_ = false;
    update_hold();
  }
  if (waiting_ || window_.outstanding_fetched()) fetch_soon();
  if (deliveries_ == 0) {
    const auto last = std::move(held_by_deliveries_);  // we may go with it
    progress_.cancel();
  }
}

void ListenerLink::hold(bool on) {
  is_held_ = on;
  update_hold();
}

void ListenerLink::update_hold() {
  if (link_ && is_ready_) link_->hold((is_held_ || is_full_) && !is_stopped_);
}

void ListenerLink::stop() {
  if (std::exchange(is_stopped_, true) || !is_ready_ || !link_) return;
  update_hold();
  outlet_->copies().give_up([this](std::uint64_t tag) { give_back(tag, true); });
  if (!is_reopening_) cancel_consumer();
}

void ListenerLink::cancel_consumer() {
  amqp_basic_cancel_t cancel{};
  cancel.consumer_tag = to_bytes(consumer_);
  is_cancelling_ = true;
  link_->session().call(k_work, AMQP_BASIC_CANCEL_METHOD, &cancel, {AMQP_BASIC_CANCEL_OK_METHOD, 0},
                        "ending the consumer", [this](const Result<Method>&) {
                          is_cancelling_ = false;
                          progress_.cancel();
                        });
}

asio::awaitable<void> ListenerLink::flush(std::shared_ptr<ListenerLink> self) {
  while (self->is_ready_ && self->link_) {
    self->flush_acks();
    const bool has_acks = self->window_.has_acks() || !self->acks_behind_replies_.empty();
    if (!self->link_->unsent_bytes() && self->outlet_->is_idle() && !has_acks && !self->is_cancelling_ &&
        !self->is_reopening_)
      break;
    self->progress_.expires_at(socket::TimePoint::max());
    co_await detail::wait_quietly(self->progress_);
  }
  if (!self->is_stopped_ || !self->link_) co_return;
  // Only when the broker has answered the goodbyes, it has taken the last replies and acknowledgements.
  auto publishing_ends = Outlet::say_goodbye(self->outlet_);
  co_await std::move(publishing_ends);
  if (!self->link_) co_return;
  self->leave_channels(Error(errc::closed, "the listener was closed", End::rejected));
  auto goodbye = Link::say_goodbye(std::exchange(self->link_, {}));
  co_await std::move(goodbye);
}

void ListenerLink::lost(const Error& error) {
  const bool was_ready = is_ready_;
  drop_link(error);
  if (opening_) opening_->logged_in(error);
  ListenerSink* const sink = std::exchange(sink_, nullptr);
  if (was_ready && sink) sink->on_lost(Error(errc::connection_lost, std::string(error.message())));
}

void ListenerLink::leave_channels(const Error& error) {
  is_ready_ = is_cancelling_ = is_reopening_ = false;
  fetch_timer_.cancel();
  reopen_timer_.cancel();
  acks_behind_replies_.clear();
  set_up_->stop(error);
  callers_.stop();
  depth_->stop();
  outlet_->stop();
  progress_.cancel();
}

void ListenerLink::drop_link(const Error& error) {
  leave_channels(error);
  if (!link_) return;
  const socket::Ref<Link> link = std::exchange(link_, {});
  link->finish_quietly();
}

void ListenerLink::close() {
  if (std::exchange(is_closed_, true)) return;
  if (link_ && is_ready_) flush_acks();
  sink_ = nullptr;
  if (opening_) opening_->cancel();
  drop_link(Error(errc::closed, "the listener was closed", End::rejected));
}

}  // namespace waybill::amqp
