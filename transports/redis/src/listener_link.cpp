#include "listener_link.hpp"

#include "command.hpp"

#include <asio/post.hpp>

#include <algorithm>

namespace waybill::redis {
namespace {

constexpr std::size_t k_idle_channels = 1'024;    // of globs, whose channels have no end
constexpr std::size_t k_congested = 256u << 10;   // bytes of unsent replies
constexpr std::size_t k_weight_of_message = 128;  // of a queued one, beside its bytes
constexpr std::size_t k_asked_at_once = 256;      // channels of one PUBSUB NUMSUB
constexpr std::chrono::seconds k_caller_check{1};

}  // namespace

Channel::Channel(ListenerLink& owner, Subscriptions::Target target, std::string_view full_name, bool came_by_glob)
    : link(owner),
      name(target.name),
      route(target.route),
      replies(std::string(full_name) + ".reply"),
      head(publish_head(replies)),
      is_wanted(target.is_wanted),
      is_glob(came_by_glob) {}

void Channel::reply(const Delivery& delivery, const Packet& packet) { link.reply(*this, delivery.reply_to, packet); }
void Channel::add_delivery() noexcept {
  ++uses;
  ++requests;
  is_heard = true;  // its caller has subscribed before it called
  link.add_delivery();
  link.watch_callers();
}
void Channel::drop_delivery() noexcept {
  --uses;
  --requests;
  link.drop_delivery();
}
bool Channel::is_congested() const noexcept { return link.is_congested(); }
bool Channel::is_connected() const noexcept { return is_heard && link.is_connected(); }

ListenerLink::ListenerLink(const Environment& environment, const Options& options, bool was_met)
    : environment_(environment),
      complaints_(environment.log, "redis"),
      options_(options),
      max_in_flight_(std::max<std::size_t>(environment.max_in_flight, 1)),
      writer_(options.max_message),
      answered_(std::make_shared<asio::steady_timer>(environment.executor)),
      callers_(environment.executor),
      was_met_(was_met) {}

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
  const auto deadline = std::chrono::steady_clock::now() + options_.start_timeout;
  // The pair is closed before the link goes.
  SessionPair::OnLost on_lost = [this](const Error& error) { trouble(error); };
  const auto pair = pair_ =
      std::make_shared<SessionPair>(environment_.executor, options_, was_met_, *this, std::move(on_lost));
  sink_ = &sink;
  Result<void> opened = co_await pair->open(deadline, options_.max_unsent);
  if (opened && is_closed_) opened = Error(errc::closed, "the listener was closed", End::rejected);
  if (!opened) co_return opened;
  was_met_ = true;
  is_open_ = true;  // messages may come before the last acknowledgement
  opened = co_await subscribe(deadline);
  if (opened)
    pair->watch();
  else
    close();
  co_return opened;
}

asio::awaitable<Result<void>> ListenerLink::subscribe(socket::TimePoint deadline) {
  unacknowledged_ = subscriptions_->size();
  if (unacknowledged_ == 0) co_return Result<void>();
  const auto step = step_ = std::make_shared<Step>(environment_.executor);
  // One command each: an answer then says what it is about.
  for (const std::string& channel : subscriptions_->channels())
    append_command(pair_->subscriber().out(), {"SUBSCRIBE", channel});
  for (const std::string& glob : subscriptions_->globs())
    append_command(pair_->subscriber().out(), {"PSUBSCRIBE", glob});
  asio::steady_timer timer(environment_.executor, deadline);
  const std::string server = address_of(options_);
  timer.async_wait([step, server](const asio::error_code& ec) {
    if (!ec) step->set(Error(errc::refused, server + " did not acknowledge the subscriptions in time", End::rejected));
  });
  std::optional<Result<void>> outcome = co_await Step::wait(step);
  step_.reset();
  if (!outcome) co_return Error(errc::cancelled, "opening was cancelled", End::rejected);
  co_return *std::move(outcome);
}

void ListenerLink::on_subscription(RespSink::Change change, std::string_view) noexcept {
  if (change == RespSink::Change::subscribed && unacknowledged_ > 0 && --unacknowledged_ == 0 && step_) step_->set({});
}

void ListenerLink::on_subscription_refused(std::string_view reason) noexcept {
  if (!step_) return complain("a subscription was refused: " + printable(reason));
  const std::size_t acknowledged = subscriptions_->size() - unacknowledged_;
  const auto& channels = subscriptions_->channels();
  const std::string& name =
      acknowledged < channels.size() ? channels[acknowledged] : subscriptions_->globs()[acknowledged - channels.size()];
  step_->set(
      Error(errc::unauthorized, "redis refused the subscription to " + name + ": " + printable(reason), End::rejected));
}

Channel& ListenerLink::channel_of(std::string_view pattern, std::string_view channel) {
  if (last_ && last_channel_ == channel && last_pattern_ == pattern) return *last_;
  key_.assign(pattern);
  key_ += '\0';
  key_ += channel;
  auto found = channels_.find(key_);
  if (found == channels_.end()) {
    if (!pattern.empty() && channels_.size() >= k_idle_channels + subscriptions_->channels().size())
      forget_idle_channels();
    auto made =
        std::make_unique<Channel>(*this, subscriptions_->target_of(pattern, channel), channel, !pattern.empty());
    found = channels_.emplace(key_, std::move(made)).first;
  }
  last_ = found->second.get();
  last_channel_ = channel;
  last_pattern_ = pattern;
  return *last_;
}

void ListenerLink::forget_idle_channels() {
  last_ = nullptr;
  std::erase_if(channels_, [](const auto& entry) { return entry.second->is_glob && entry.second->uses == 0; });
}

void ListenerLink::on_message(std::string_view pattern, std::string_view name, const Slice& body) noexcept {
  if (is_stopped_ || !sink_) return;
  Channel& channel = channel_of(pattern, name);
  if (!channel.is_wanted) return;
  if (must_wait())
    enqueue(channel, body);
  else
    hand_over(channel, body);
}

void ListenerLink::hand_over(Channel& channel, const Slice& body) {
  const Serializer& serializer = *environment_.serializer;
  if (channel.is_glob && channel.name.ends_with(".reply") && is_reply(body, serializer)) return;
  Packet packet;
  const Result<void> parsed = parse_incoming(body, serializer, storage_, packet);
  if (!parsed) {
    return complain("dropped a message on " + printable(channel.name) + ": " + std::string(parsed.error().message()));
  }
  const bool is_request = packet.kind == PacketKind::request;
  Delivery delivery(is_request ? static_cast<DeliverySource&>(channel) : *this, 0);
  delivery.packet = std::move(packet);
  delivery.packet.route = channel.route;
  if (channel.is_glob) {
    delivery.packet.has_pattern = true;
    delivery.packet.pattern = {channel.name, false};  // which one of those that its glob brings
  }
  if (is_request) {
    delivery.reply_to = mark_of(delivery.packet.id);  // goes back behind the id of each reply
    delivery.packet.id.text.remove_suffix(delivery.reply_to.size());
  }
  sink_->on_delivery(std::move(delivery));
}

void ListenerLink::enqueue(Channel& channel, const Slice& body) {
  const std::size_t weight = body.size() + k_weight_of_message;
  if (queued_bytes_ + weight > options_.max_queue) return drop(channel, body);
  queued_bytes_ += weight;
  ++channel.uses;
  queue_.push_back({&channel, Slice::copy(body.view())});
}

void ListenerLink::drop(Channel& channel, const Slice& body) {
  ++dropped_;
  refuse(channel, body, "The service is overloaded");
  complain("dropped " + std::to_string(dropped_) + " messages so far: more than max_queue (" +
           std::to_string(options_.max_queue) + " bytes) wait for handlers, and pub/sub cannot be held back");
}

/// Its caller hears of it at once instead of waiting.
void ListenerLink::refuse(Channel& channel, const Slice& body, std::string_view why) {
  Packet packet;
  if (!parse_incoming(body, *environment_.serializer, storage_, packet) || packet.kind != PacketKind::request) return;
  publish_error(channel, packet.id, Error("overloaded", std::string(why)));
}

void ListenerLink::post_pump() {
  if (is_pump_posted_ || queue_.empty() || is_held_ || in_flight_ >= max_in_flight_ || !is_open_) return;
  is_pump_posted_ = true;
  asio::post(environment_.executor, [self = socket::Ref<ListenerLink>(this)] { self->pump(); });
}

void ListenerLink::pump() {
  is_pump_posted_ = false;
  // A turn of bounded length: the sessions' own work goes on in between.
  for (int left = 256; left > 0 && !queue_.empty() && !is_held_ && in_flight_ < max_in_flight_ && sink_; --left) {
    const Queued next = std::move(queue_.front());
    queue_.pop_front();
    queued_bytes_ -= next.body.size() + k_weight_of_message;
    hand_over(*next.channel, next.body);
    --next.channel->uses;
  }
  post_pump();
}

void ListenerLink::hold(bool on) {
  is_held_ = on;
  post_pump();
}

void ListenerLink::add_delivery() noexcept {
  if (in_flight_++ == 0) retain();
}

void ListenerLink::drop_delivery() noexcept {
  --in_flight_;
  if (!queue_.empty()) post_pump();
  if (in_flight_ == 0) release();  // perhaps the last of the link
}

bool ListenerLink::is_congested() const noexcept { return is_open_ && pair_->publisher().unsent_bytes() > k_congested; }

void ListenerLink::reply(Channel& channel, std::string_view mark, const Packet& packet) {
  if (!is_open_) return;
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
  if (!written) {
    complain("a reply on " + channel.replies + " cannot be sent: " + std::string(written.error().message()));
    return publish_error(channel, id, Error("too_large", "The reply is too large"));
  }
  ++channel.uses;
  publisher.asked({Question::Kind::publish, 0, 0, &channel});
}

void ListenerLink::publish_error(Channel& channel, Term id, const Error& error) {
  if (!is_open_) return;
  Packet packet;
  packet.kind = PacketKind::error;
  packet.last = packet.has_payload = true;
  packet.id = id;
  packet.serializer = environment_.serializer;
  Buffer text;
  error.encode(*packet.serializer, text);
  packet.payload = text.borrow();
  Session& publisher = pair_->publisher();
  if (!writer_.write(channel.head, packet, *packet.serializer, publisher.out())) return;
  ++channel.uses;
  publisher.asked({Question::Kind::publish, 0, 0, &channel});
}

void ListenerLink::on_published(const Question& question, std::int64_t receivers) noexcept {
  auto& channel = *static_cast<Channel*>(question.about);
  --channel.uses;
  if (receivers == 0 && options_.receivers) channel.is_heard = false;
  if (!pair_->publisher().has_questions()) answered_->cancel();
}

void ListenerLink::on_publish_refused(const Question& question, std::string_view reason) noexcept {
  auto& channel = *static_cast<Channel*>(question.about);
  --channel.uses;
  complain("redis did not take a reply on " + channel.replies + ": " + printable(reason));
  if (!pair_->publisher().has_questions()) answered_->cancel();
}

void ListenerLink::watch_callers() {
  if (is_watching_callers_ || !options_.receivers || !is_open_) return;
  is_watching_callers_ = true;
  callers_.expires_after(k_caller_check);
  callers_.async_wait([self = socket::Ref<ListenerLink>(this)](const asio::error_code& ec) {
    self->is_watching_callers_ = false;
    if (!ec && self->is_open_) self->ask_for_callers();
  });
}

/// While handlers run, their callers may leave: nobody then listens where replies go.
void ListenerLink::ask_for_callers() {
  std::vector<const Channel*> asked;
  for (const auto& [key, channel] : channels_) {
    if (channel->requests > 0 && channel->is_heard && asked.size() < k_asked_at_once) asked.push_back(channel.get());
  }
  if (asked.empty()) return;
  Session& publisher = pair_->publisher();
  Buffer& out = publisher.out();
  append_count(out, '*', 2 + asked.size());
  append_bulk(out, "PUBSUB");
  append_bulk(out, "NUMSUB");
  for (const Channel* channel : asked) append_bulk(out, channel->replies);
  publisher.asked({Question::Kind::counts, 0, 0, nullptr});
  watch_callers();
}

void ListenerLink::on_count(std::string_view replies, std::int64_t count) noexcept {
  if (count > 0) return;
  for (const auto& [key, channel] : channels_)
    if (channel->replies == replies) channel->is_heard = false;
}

void ListenerLink::stop_intake() {
  if (std::exchange(is_stopped_, true) || !is_open_) return;
  // Senders see at once that nobody receives any more.
  append_command(pair_->subscriber().out(), {"UNSUBSCRIBE"});
  append_command(pair_->subscriber().out(), {"PUNSUBSCRIBE"});
  for (const Queued& queued : queue_) {
    refuse(*queued.channel, queued.body, "The service is shutting down");
    --queued.channel->uses;
  }
  queue_.clear();
  queued_bytes_ = 0;
}

asio::awaitable<void> ListenerLink::flush() {
  const socket::Ref<ListenerLink> self(this);
  const auto answered = answered_;
  while (is_open_ && pair_->publisher().has_questions()) {
    answered->expires_at(socket::TimePoint::max());
    co_await waybill::detail::wait_quietly(*answered);
  }
}

void ListenerLink::trouble(const Error& error) {
  if (step_) return step_->set(Error(errc::refused, std::string(error.message()), End::rejected));
  ListenerSink* const sink = std::exchange(sink_, nullptr);
  close();
  if (sink) sink->on_lost(error);
}

void ListenerLink::close() {
  if (std::exchange(is_closed_, true)) return;
  is_open_ = false;
  sink_ = nullptr;
  queue_.clear();
  queued_bytes_ = 0;
  callers_.cancel();
  answered_->cancel();
  if (step_) step_->set(Error(errc::closed, "the listener was closed", End::rejected));
  if (pair_) pair_->close();
}

}  // namespace waybill::redis
