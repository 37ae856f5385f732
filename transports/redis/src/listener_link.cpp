#include "listener_link.hpp"

#include "protocol/command.hpp"
#include "waybill/transport/refusal_texts.hpp"

#include <asio/post.hpp>

namespace waybill::redis {
namespace {

constexpr std::size_t k_congested = 256u << 10;  // bytes of unsent replies
constexpr std::chrono::seconds k_caller_check{1};

const Error& shutting_down() {
  static const Error error{"refused", std::string(waybill::transport::k_leaving_text)};
  return error;
}

}  // namespace

ListenerLink::ListenerLink(const Environment& environment, const Options& options, std::shared_ptr<LinkMemory> memory)
    : environment_(environment),
      complaints_(environment.log, "redis"),
      options_(options),
      memory_(std::move(memory)),
      intake_(environment.max_in_flight, options.max_queue, options.max_in_hand),
      writer_(options.max_message),
      answered_(std::make_shared<asio::steady_timer>(environment.executor)),
      callers_(environment.executor) {}

ListenerLink::~ListenerLink() {
  if (pair_) pair_->close();
}

Result<void> ListenerLink::check_environment() const {
  if (environment_.shares_address) {
    return Error(errc::unsupported,
                 "redis pub/sub gives every subscriber every message, so several threads would each handle all of "
                 "them: use threads: 1, and handler_threads for handlers that block",
                 End::rejected);
  }
  if (!environment_.group.empty()) {
    return Error(errc::unsupported,
                 "redis pub/sub has no groups: remove group=" + environment_.group + " from the listener",
                 End::rejected);
  }
  return {};
}

asio::awaitable<Result<void>> ListenerLink::open(const Routes& routes, ListenerSink& sink) {
  const socket::Ref<ListenerLink> self(this);
  const Result<void> fitting = check_environment();
  if (!fitting) co_return fitting.error();
  subscriptions_.emplace(routes, options_.prefix, options_.wildcards);
  ChannelOwner& owner = *this;
  channels_.emplace(owner, *subscriptions_, options_.prefix);
  caller_watch_.emplace(*channels_);
  const auto deadline = std::chrono::steady_clock::now() + options_.start_timeout;
  // The pair is closed before the link goes.
  SessionPair::OnLost on_lost = [this](const Error& error) { trouble(error); };
  const auto pair = pair_ = std::make_shared<SessionPair>(environment_, options_, memory_, *this, std::move(on_lost));
  sink_ = &sink;
  Result<void> opened = co_await pair->open(deadline, options_.max_unsent);
  if (opened && !is_closed_) {
    is_open_ = true;  // messages may come before the last acknowledgement
    opened = co_await subscribe(deadline);
  }
  if (opened) opened = pair->watch();
  if (opened && is_closed_) opened = Error(errc::closed, "the listener was closed", End::rejected);
  if (!opened) close();
  co_return opened;
}

const std::string& ListenerLink::subscription(std::size_t at) const noexcept {
  const auto& channels = subscriptions_->channels();
  return at < channels.size() ? channels[at] : subscriptions_->globs()[at - channels.size()];
}

asio::awaitable<Result<void>> ListenerLink::subscribe(socket::TimePoint deadline) {
  const std::size_t count = subscriptions_->size();
  const std::size_t names = subscriptions_->channels().size();
  // One command each: an answer then says what it is about.
  for (std::size_t i = 0; i < count; ++i)
    pair_->subscriber().ask({i < names ? "SUBSCRIBE" : "PSUBSCRIBE", subscription(i)},
                            {Question::Kind::subscribe, 0, i, nullptr});
  const Error late(errc::refused, address_of(options_) + " did not acknowledge the subscriptions in time",
                   End::rejected);
  Result<void> done = co_await pair_->wait_for(count, deadline, late);
  co_return done;
}

void ListenerLink::on_subscribed(const Question& question, std::string_view reason) noexcept {
  if (reason.empty()) return pair_->acknowledged();
  pair_->refuse(Error(errc::unauthorized,
                      "redis refused the subscription to " + subscription(question.call) + ": " + printable(reason),
                      End::rejected));
}

void ListenerLink::on_message(std::string_view pattern, std::string_view name, const Slice& body) noexcept {
  if (!sink_) return;
  Channel* const found = channels_->find_or_add(pattern, name);
  if (!found)
    return complain("dropped a message: the name of its channel has " + std::to_string(name.size()) + " bytes");
  Channel& channel = *found;
  if (channel.fit == Subscriptions::Fit::elsewhere) return;
  if (channel.fit == Subscriptions::Fit::overshot)
    return refuse(channel, body, PacketKind::no_handler, Error(std::string(k_no_handler_text)));
  if (is_stopped_) return refuse(channel, body, PacketKind::error, shutting_down());
  if (!intake_.must_wait())
    hand_over(channel, body);
  else if (!intake_.put(channel, body))
    drop(channel, body);
}

bool ListenerLink::is_own_reply(const Channel& channel, const Slice& body) const {
  return channel.is_glob && channel.name.ends_with(".reply") && is_reply(body, *environment_.serializer);
}

void ListenerLink::hand_over(Channel& channel, const Slice& body) {
  if (is_own_reply(channel, body)) return;
  Packet packet;
  const Result<void> parsed = parse_incoming(body, *environment_.serializer, storage_, packet);
  if (!parsed) {
    return complain("dropped a message on " + printable(channel.name) + ": " + std::string(parsed.error().message()));
  }
  const bool is_request = packet.kind == PacketKind::request;
  Delivery delivery(is_request ? static_cast<DeliverySource&>(channel) : *this, 0);
  delivery.packet = std::move(packet);
  delivery.packet.route = channel.route;
  if (channel.has_own_name) {
    delivery.packet.has_pattern = true;
    delivery.packet.pattern = {channel.name, false};  // which one of those that its glob brings
  }
  if (is_request) {
    delivery.reply_to = mark_of(delivery.packet.id);  // goes back behind the id of each reply
    delivery.packet.id.text.remove_suffix(delivery.reply_to.size());
  }
  sink_->on_delivery(std::move(delivery));
}

void ListenerLink::drop(Channel& channel, const Slice& body) {
  ++dropped_;
  refuse(channel, body, PacketKind::error, Error("overloaded", std::string(waybill::transport::k_overloaded_text)));
  complain("dropped " + std::to_string(dropped_) + " messages so far: more than max_queue (" +
           std::to_string(options_.max_queue) + " bytes) wait for handlers, and pub/sub cannot be held back");
}

/// Its caller, if it has one, hears of it at once instead of waiting.
void ListenerLink::refuse(Channel& channel, const Slice& body, PacketKind kind, const Error& error) {
  Packet packet;
  if (is_own_reply(channel, body) || !parse_incoming(body, *environment_.serializer, storage_, packet)) return;
  if (packet.kind == PacketKind::request) publish_error(channel, packet.id, kind, error);
}

void ListenerLink::post_pump() {
  if (is_pump_posted_ || !intake_.has_next() || !is_up()) return;
  is_pump_posted_ = true;
  asio::post(environment_.executor, [self = socket::Ref<ListenerLink>(this)] { self->pump(); });
}

void ListenerLink::pump() {
  is_pump_posted_ = false;
  // A turn of bounded length: the sessions' own work goes on in between.
  for (int left = 256; left > 0 && sink_ && intake_.has_next(); --left) {
    const Intake::Waiting next = intake_.take();
    hand_over(*next.channel, next.body);
    next.channel->unuse();
  }
  post_pump();
}

void ListenerLink::hold(bool on) {
  intake_.hold(on);
  post_pump();
}

void ListenerLink::add_delivery() noexcept {
  if (intake_.begin()) retain();
}

void ListenerLink::drop_delivery() noexcept {
  const bool was_last = intake_.end();
  if (!intake_.is_empty()) post_pump();
  if (was_last) release();  // perhaps the last of the link
}

void ListenerLink::bytes_held(std::ptrdiff_t by) noexcept {
  transport::hold_bytes(by);
  intake_.hold_bytes(by);
}

bool ListenerLink::is_congested() const noexcept { return is_up() && pair_->publisher().unsent_bytes() > k_congested; }

void ListenerLink::note_publish(Channel& channel) {
  channel.use();
  pair_->publisher().asked({Question::Kind::publish, 0, channels_->number(), &channel});
}

void ListenerLink::reply(Channel& channel, std::string_view mark, const Packet& packet) {
  if (!is_up()) return;
  Session& publisher = pair_->publisher();
  const Serializer& serializer = packet.serializer ? *packet.serializer : *environment_.serializer;
  Result<void> written;
  Term id = packet.id;
  if (mark.empty()) {
    written = writer_.write(channel.head, packet, serializer, publisher.out());
  } else {
    id_.assign(id.text);
    id_ += mark;
    id.text = id_;
    written = writer_.write(channel.head, with_id(packet, id_), serializer, publisher.out());
  }
  if (written) return note_publish(channel);
  complain("a reply on " + channel.replies + " cannot be sent: " + std::string(written.error().message()));
  publish_error(channel, id, PacketKind::error, Error("too_large", "The reply is too large"));
}

void ListenerLink::publish_error(Channel& channel, Term id, PacketKind kind, const Error& error) {
  if (!is_up()) return;
  Packet packet;
  packet.kind = kind;
  packet.last = packet.has_payload = true;
  packet.id = id;
  packet.serializer = environment_.serializer;
  Buffer text;
  if (kind == PacketKind::no_handler)
    (void)packet.serializer->encode(ValueRef::of(k_no_handler_text), text);
  else
    error.encode(*packet.serializer, text);
  packet.payload = text.borrow();
  Session& publisher = pair_->publisher();
  if (writer_.write(channel.head, packet, *packet.serializer, publisher.out())) note_publish(channel);
}

bool ListenerLink::believes_zeros() const noexcept {
  return options_.receivers && !pair_->publisher().view().counts_a_part();
}

void ListenerLink::on_published(const Question& question, std::int64_t receivers) noexcept {
  auto& channel = *static_cast<Channel*>(question.about);
  if (receivers == 0 && believes_zeros()) channel.heard_by_nobody(question.call);
  channel.unuse();
  wake_flush();
}

void ListenerLink::on_publish_refused(const Question& question, std::string_view reason) noexcept {
  auto& channel = *static_cast<Channel*>(question.about);
  complain("redis did not take a reply on " + channel.replies + ": " + printable(reason));
  channel.unuse();
  wake_flush();
}

void ListenerLink::request_begins() noexcept {
  add_delivery();
  watch_callers();
}

void ListenerLink::watch_callers() {
  if (is_watching_callers_ || !options_.receivers || !is_up()) return;
  is_watching_callers_ = true;
  callers_.expires_after(k_caller_check);
  callers_.async_wait([self = socket::Ref<ListenerLink>(this)](const asio::error_code& ec) {
    self->is_watching_callers_ = false;
    if (!ec && self->is_up()) self->ask_for_callers();
  });
}

/// While handlers run, their callers may leave: nobody then listens where replies go.
void ListenerLink::ask_for_callers() {
  if (!believes_zeros()) return;
  const std::vector<Channel*>& asked = caller_watch_->ask();
  if (asked.empty()) return;
  is_watching_callers_ = true;
  Session& publisher = pair_->publisher();
  Buffer& out = publisher.out();
  append_count(out, '*', 2 + asked.size());
  append_bulk(out, "PUBSUB");
  append_bulk(out, "NUMSUB");
  for (const Channel* channel : asked) append_bulk(out, channel->replies);
  publisher.asked({Question::Kind::counts, 0, 0, nullptr});
}

void ListenerLink::on_count(const Question&, std::size_t index, std::int64_t count) noexcept {
  if (believes_zeros()) caller_watch_->take_count(index, count);
}

void ListenerLink::on_answered(const Question& question) noexcept {
  if (question.kind == Question::Kind::counts) {
    caller_watch_->done();
    is_watching_callers_ = false;
    if (!intake_.is_idle()) watch_callers();
  }
  wake_flush();
}

void ListenerLink::stop_intake() {
  if (std::exchange(is_stopped_, true) || !is_up()) return;
  // Senders see at once that nobody receives any more; what they have sent until then is refused.
  unsubscribe();
  while (!intake_.is_empty()) {
    const Intake::Waiting next = intake_.take();
    refuse(*next.channel, next.body, PacketKind::error, shutting_down());
    next.channel->unuse();
  }
}

void ListenerLink::unsubscribe() {
  const std::size_t names = subscriptions_->channels().size();
  for (std::size_t i = 0; i < subscriptions_->size(); ++i)
    pair_->subscriber().ask({i < names ? "UNSUBSCRIBE" : "PUNSUBSCRIBE", subscription(i)},
                            {Question::Kind::unsubscribe, 0, i, nullptr});
}

void ListenerLink::on_unsubscribed(const Question& question, std::string_view reason) noexcept {
  if (!reason.empty())
    complain("redis refused to end the subscription to " + subscription(question.call) + ": " + printable(reason));
  wake_flush();
}

void ListenerLink::wake_flush() {
  if (!pair_->publisher().has_questions() && !pair_->subscriber().has_questions()) answered_->cancel();
}

asio::awaitable<void> ListenerLink::flush() {
  const socket::Ref<ListenerLink> self(this);
  const auto answered = answered_;
  // Refusals are published when the end of the subscriptions is acknowledged, so the subscriber comes first.
  while (is_up() && (pair_->subscriber().has_questions() || pair_->publisher().has_questions())) {
    answered->expires_at(socket::TimePoint::max());
    co_await waybill::detail::wait_quietly(*answered);
  }
}

void ListenerLink::trouble(const Error& error) {
  ListenerSink* const sink = std::exchange(sink_, nullptr);
  close();
  if (sink) sink->on_lost(error);
}

void ListenerLink::close() {
  if (std::exchange(is_closed_, true)) return;
  is_open_ = false;
  sink_ = nullptr;
  intake_.clear();
  callers_.cancel();
  answered_->cancel();
  if (pair_) pair_->close();
}

}  // namespace waybill::redis
