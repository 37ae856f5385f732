#include "connection_link.hpp"

#include "protocol/command.hpp"

#include <asio/post.hpp>

namespace waybill::redis {
namespace {

std::size_t weight(const Packet& packet) noexcept { return sizeof(Packet) + packet.payload.size(); }

}  // namespace

ConnectionLink::ConnectionLink(const Environment& environment, const Options& options,
                               std::shared_ptr<LinkMemory> memory)
    : environment_(environment),
      options_(options),
      memory_(std::move(memory)),
      writer_(options.max_message),
      replies_(options.prefix, options.max_reply_channels),
      mark_(random_mark()),
      answered_(std::make_shared<asio::steady_timer>(environment.executor)) {}

ConnectionLink::~ConnectionLink() {
  if (pair_) pair_->close();
}

asio::awaitable<Result<void>> ConnectionLink::open(ConnectionSink& sink) {
  const socket::Ref<ConnectionLink> self(this);
  // The pair is closed before the link goes.
  SessionPair::OnLost on_lost = [this](const Error& error) { lost(error); };
  const auto pair = pair_ = std::make_shared<SessionPair>(environment_, options_, memory_, *this, std::move(on_lost));
  sink_ = &sink;
  // The host bounds what it sends.
  Result<void> opened = co_await pair->open(std::chrono::steady_clock::now() + options_.start_timeout, SIZE_MAX);
  if (opened) opened = pair->watch();
  if (opened && is_closed_) opened = Error(errc::closed, "the connection was closed", End::rejected);
  co_return opened;
}

void ConnectionLink::send(const Packet& packet, Ticket ticket) {
  if (is_closed_ || !pair_->is_open()) return;
  if (packet.kind != PacketKind::request) {
    if (waiting_.empty()) return publish_event(packet, ticket);
    waiting_bytes_ += weight(packet);
    waiting_.push_back({packet.own(), ticket, 0});
    return;
  }
  const ReplyChannels::Found found = replies_.find_or_add(packet.route);
  if (found.is_new) subscribe(found);
  const std::uint64_t call = CallTable::key_of(packet.id);
  replies_.call_begins(call, *found.channel);
  if (waiting_.empty() && found.channel->state == ReplyChannel::State::subscribed)
    return publish_request(packet, ticket, *found.channel, call);
  waiting_bytes_ += weight(packet);
  waiting_.push_back({packet.own(), ticket, call});
}

void ConnectionLink::subscribe(const ReplyChannels::Found& found) {
  Session& subscriber = pair_->subscriber();
  if (!found.unsubscribe.empty())
    subscriber.ask({"UNSUBSCRIBE", found.unsubscribe}, {Question::Kind::unsubscribe, 0, 0, nullptr});
  subscriber.ask({"SUBSCRIBE", found.channel->replies}, {Question::Kind::subscribe, 0, 0, found.channel});
}

void ConnectionLink::publish_request(const Packet& packet, Ticket ticket, ReplyChannel& channel, std::uint64_t call) {
  Session& publisher = pair_->publisher();
  Result<void> written;
  if (packet.id.is_json) {
    has_unmarked_ids_ = true;
    written = writer_.write(channel.head, packet, format_of(packet), publisher.out());
  } else {
    id_.assign(packet.id.text);
    id_ += mark_;
    written = writer_.write(channel.head, with_id(packet, id_), format_of(packet), publisher.out());
  }
  if (!written) {
    end_call(call);
    return fail_later(ticket, written.error());
  }
  publisher.asked({Question::Kind::publish, ticket, call, nullptr});
}

void ConnectionLink::publish_event(const Packet& packet, Ticket ticket) {
  if (event_head_.empty() || event_route_ != packet.route) {
    event_route_ = packet.route;
    event_head_ = publish_head(options_.prefix + event_route_);
  }
  Session& publisher = pair_->publisher();
  const Result<void> written = writer_.write(event_head_, packet, format_of(packet), publisher.out());
  if (!written) return fail_later(ticket, written.error());
  publisher.asked({Question::Kind::publish, ticket, 0, nullptr});
}

void ConnectionLink::on_subscribed(const Question& question, std::string_view reason) noexcept {
  ReplyChannel& channel = *static_cast<ReplyChannel*>(question.about);
  if (reason.empty()) {
    channel.state = ReplyChannel::State::subscribed;
    return send_waiting();
  }
  const bool is_denied = reason.starts_with("NOPERM");
  const Error error(is_denied ? errc::unauthorized : errc::refused,
                    "redis refused the subscription to " + channel.replies + ": " + printable(reason), End::rejected);
  for (const Waiting& waiting : waiting_) {
    if (!waiting.call || replies_.channel_of_call(waiting.call) != &channel) continue;
    end_call(waiting.call);
    fail_later(waiting.ticket, error);
  }
  replies_.remove(channel);
  send_waiting();
}

/// A channel that stays subscribed costs its messages, which nobody waits for.
void ConnectionLink::on_unsubscribed(const Question&, std::string_view reason) noexcept {
  if (!reason.empty()) environment_.log.debug("redis: a reply channel stays subscribed: " + printable(reason));
}

/// In order: what its subscription holds back holds back all behind it.
void ConnectionLink::send_waiting() {
  while (!waiting_.empty() && !is_closed_) {
    const std::uint64_t call = waiting_.front().call;
    ReplyChannel* const channel = call ? replies_.channel_of_call(call) : nullptr;
    if (channel && channel->state != ReplyChannel::State::subscribed) return;
    const Waiting next = std::move(waiting_.front());
    waiting_.pop_front();
    waiting_bytes_ -= weight(next.packet);
    if (!call)
      publish_event(next.packet, next.ticket);
    else if (channel)  // else its caller has gone
      publish_request(next.packet, next.ticket, *channel, call);
  }
  wake_flush();
}

void ConnectionLink::forget(Term id) {
  const std::uint64_t call = CallTable::key_of(id);
  const Refusals::Count count = refusals_.count(call);
  ReplyChannel* const channel = count.refused ? replies_.channel_of_call(call) : nullptr;
  if (channel && !std::exchange(channel->warned_of_silence, true)) {
    environment_.log.warning("redis: a request on " + channel->channel + " was refused by " +
                             std::to_string(count.refused) + " of " + std::to_string(count.receivers) +
                             " subscribers, and its caller waited for the others in vain: is one of them no service?");
  }
  end_call(call);
}

void ConnectionLink::hold(bool on) {
  if (!pair_ || !pair_->is_open()) return;
  if (on)
    pair_->subscriber().pause();
  else
    pair_->subscriber().resume();
}

/// A reply to us has our mark in it, most likely near its end.
bool ConnectionLink::may_be_ours(std::string_view body) const noexcept {
  constexpr std::size_t k_end = 64;
  if (has_unmarked_ids_) return true;
  if (body.size() > k_end && body.substr(body.size() - k_end).find(mark_) != std::string_view::npos) return true;
  return body.find(mark_) != std::string_view::npos;
}

void ConnectionLink::on_message(std::string_view, std::string_view name, const Slice& body) noexcept {
  if (!sink_ || !may_be_ours(body.view())) return;
  ReplyChannel* const channel = replies_.by_replies(name);
  if (channel) take_reply(*channel, body);
}

void ConnectionLink::take_reply(ReplyChannel& channel, const Slice& body) {
  Packet packet;
  const Result<void> parsed = environment_.serializer->parse(body, Direction::to_client, packet);
  if (!parsed) {
    return environment_.log.debug("redis: dropped a message on " + channel.replies + ": " +
                                  std::string(parsed.error().message()));
  }
  if (!packet.id.is_json) {
    if (!packet.id.text.ends_with(mark_)) return;
    packet.id.text.remove_suffix(mark_.size());
  }
  const std::uint64_t call = CallTable::key_of(packet.id);
  if (replies_.channel_of_call(call) != &channel) return;  // forgotten, or not from where it was expected
  packet.serializer = environment_.serializer;
  if (is_refusal(packet) && counts_receivers() &&
      !refusals_.take(call, packet, !pair_->publisher().is_publishing(call)))
    return;
  if (packet.kind != PacketKind::value || packet.last) end_call(call);
  sink_->on_reply(packet);
}

/// Its sender takes no answer from this service; another one may have the request in hand.
bool ConnectionLink::is_refusal(const Packet& packet) const {
  constexpr std::size_t k_most = 256;
  if (packet.kind == PacketKind::no_handler) return true;
  return packet.kind == PacketKind::error && packet.payload.size() < k_most &&
         packet.payload.view().find("The service is ") != std::string_view::npos &&
         Error::from_peer(packet.payload, *environment_.serializer).end() == End::rejected;
}

void ConnectionLink::on_published(const Question& question, std::int64_t receivers) noexcept {
  const auto count = static_cast<std::size_t>(receivers);
  if (!question.call) {
    Accepted accepted;
    if (counts_receivers()) accepted = {Accepted::By::taken, count};
    if (!(question.ticket & k_failure_only)) tell(question.ticket, accepted);
  } else if ((count != 1 || refusals_.knows(question.call)) && counts_receivers()) {
    ReplyChannel* const channel = replies_.channel_of_call(question.call);
    if (channel) note_receivers(*channel, question, count);
  }
  wake_flush();
}

/// Of a request whose caller waits.
void ConnectionLink::note_receivers(ReplyChannel& channel, const Question& question, std::size_t receivers) {
  if (receivers == 0) {
    end_call(question.call);
    std::string text = "nobody is subscribed to " + channel.channel + ": its service does not run";
    const bool is_sure = pair_->publisher().view().zero() == ServerView::Zero::nobody;
    if (!is_sure) text += ", or is on a replica, whose subscribers are not counted";
    return tell(question.ticket, Error(errc::no_receiver, text, is_sure ? End::rejected : End::unknown));
  }
  if (receivers > 1 && !std::exchange(channel.warned, true)) {
    environment_.log.warning("redis: " + std::to_string(receivers) + " subscribers got a request on " +
                             channel.channel + ": if they are services, each handles it and the first answer counts");
  }
  const std::optional<Packet> refusal = refusals_.counted(question.call, receivers);
  if (!refusal) return;
  end_call(question.call);
  if (sink_) sink_->on_reply(*refusal);
}

void ConnectionLink::on_publish_refused(const Question& question, std::string_view reason) noexcept {
  if (question.call) end_call(question.call);
  const bool is_denied = reason.starts_with("NOPERM");
  tell(question.ticket, Error(is_denied ? errc::unauthorized : errc::refused,
                              "redis did not take the message: " + printable(reason), End::rejected));
  wake_flush();
}

void ConnectionLink::fail_later(Ticket ticket, const Error& error) {
  asio::post(environment_.executor,
             [self = socket::Ref<ConnectionLink>(this), ticket, error] { self->tell(ticket, error); });
}

void ConnectionLink::tell(Ticket ticket, Result<Accepted> outcome) {
  if (!sink_) return;
  if (ticket || !outcome) sink_->on_sent(ticket, std::move(outcome));
}

void ConnectionLink::lost(const Error& error) {
  ConnectionSink* const sink = std::exchange(sink_, nullptr);
  close();
  if (sink) sink->on_lost(error);
}

void ConnectionLink::wake_flush() {
  if (waiting_.empty() && !pair_->publisher().has_questions()) answered_->cancel();
}

asio::awaitable<void> ConnectionLink::flush() {
  const socket::Ref<ConnectionLink> self(this);
  const auto answered = answered_;
  while (!is_closed_ && pair_ && pair_->is_open() && (!waiting_.empty() || pair_->publisher().has_questions())) {
    answered->expires_at(socket::TimePoint::max());
    co_await waybill::detail::wait_quietly(*answered);
  }
}

void ConnectionLink::close() {
  if (std::exchange(is_closed_, true)) return;
  sink_ = nullptr;
  waiting_.clear();
  waiting_bytes_ = 0;
  answered_->cancel();
  if (pair_) pair_->close();
}

}  // namespace waybill::redis
