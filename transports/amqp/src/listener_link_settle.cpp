// ListenerLink: what goes back to the broker: replies, acknowledgements, retries, dead letters.
#include "listener_link.hpp"

#include <asio/co_spawn.hpp>
#include <asio/post.hpp>

namespace waybill::amqp {

void ListenerLink::reply(const Delivery& delivery, const Packet& packet) {
  if (!is_ready_ || !link_) return;
  SendChannel& replies = outlet_->replies();
  outlet_->want();
  Envelope envelope;
  envelope.channel = replies.id();
  std::string_view reply_to;
  if (!split_return_address(delivery.reply_to, envelope.correlation_id, reply_to)) return;
  envelope.routing_key = reply_to;
  const Serializer& format = packet.serializer ? *packet.serializer : formats_.own();
  Buffer& out = replies.out();
  const std::size_t begins_at = out.size();
  const auto appended = append_message(out, envelope, packet, formats_.own(), link_->session().frame_max());
  if (!appended) return tell_unsendable(delivery.reply_to, format, appended.error());
  if (appended->body_size > replies.most_bytes()) {
    out.truncate(begins_at);
    return tell_unsendable(
        delivery.reply_to, format,
        Error(errc::too_large, "it has " + std::to_string(appended->body_size) +
                                   " bytes, and the broker takes at most " + std::to_string(replies.most_bytes())));
  }
  Suspects::Message message;
  message.body_size = appended->body_size;
  if (!replies.watches(message)) return;
  message.note.assign(delivery.reply_to);
  replies.sent(std::move(message), out, begins_at);
}

void ListenerLink::tell_unsendable(std::string_view return_address, const Serializer& format, const Error& error) {
  if (reply_said_.now())
    environment_.log.warning("amqp: a reply cannot be sent, and its caller is told so: " +
                             std::string(error.message()));
  if (!link_) return;
  SendChannel& replies = outlet_->replies();
  Envelope envelope;
  envelope.channel = replies.id();
  std::string_view reply_to;
  if (!split_return_address(return_address, envelope.correlation_id, reply_to)) return;
  envelope.routing_key = reply_to;
  Packet substitute;
  substitute.kind = PacketKind::error;
  substitute.last = substitute.has_payload = true;
  substitute.serializer = &format;
  Buffer text;
  const bool is_large = error.code() == errc::too_large;
  Error(is_large ? "too_large" : "unsendable", is_large ? "The reply is too large" : "The reply cannot be sent")
      .encode(format, text);
  substitute.payload = text.borrow();
  Buffer& out = replies.out();
  const std::size_t begins_at = out.size();
  const auto told = append_message(out, envelope, substitute, formats_.own(), link_->session().frame_max());
  if (!told) return environment_.log.warning("amqp: nor can that be told: " + std::string(told.error().message()));
  const Suspects::Message small;
  if (replies.watches(small)) replies.sent(small, out, begins_at);
}

void ListenerLink::on_reply_refused(const Suspects::Message* message, const Error& error) {
  if (message) return tell_unsendable(message->note, formats_.own(), error);
  if (!reply_said_.now()) return;
  environment_.log.warning(
      "amqp: the broker closed the channel of replies; some callers may wait until their deadlines: " +
      std::string(error.message()));
}

void ListenerLink::settle(const Delivery& delivery, Settlement settlement) {
  if (overdue_ && delivery.token == overdue_) tell_overdue(delivery);
  if (!is_ready_ || !link_ || options_.at_most_once) return;
  switch (settlement) {
    case Settlement::ack:
      if (!delivery.reply_to.empty() && outlet_->is_stuck()) return acks_behind_replies_.push_back(delivery.token);
      return acknowledge(delivery.token);
    case Settlement::retry: return is_stopped_ ? give_back(delivery.token, true) : send_again(delivery);
    case Settlement::reject: return give_back(delivery.token, false);
  }
}

/// Only now it is known which one it was.
void ListenerLink::tell_overdue(const Delivery& delivery) {
  overdue_ = 0;
  const Packet& packet = delivery.packet;
  environment_.log.error(
      "amqp: the handler of " + std::string(packet.route.empty() ? packet.pattern.text : packet.route) +
      " has ended, but took longer than the broker's consumer_timeout, so that its message came again "
      "meanwhile. Raise consumer_timeout, or let the handler end earlier");
}

void ListenerLink::acknowledge(std::uint64_t token) {
  const std::uint64_t tag = end(token, Settlement::ack);
  if (tag && window_.ack(tag)) flush_soon();
}

/// The copy is there, so the original may go.
void ListenerLink::on_placed(std::uint64_t tag) {
  acknowledge(tag);
  fetch_soon();
}

void ListenerLink::on_outlet_progress() {
  progress_.cancel();
  if (acks_behind_replies_.empty() || outlet_->is_stuck()) return;
  for (const std::uint64_t tag : std::exchange(acks_behind_replies_, {})) acknowledge(tag);
}

void ListenerLink::give_back(std::uint64_t token, bool requeue) {
  if (options_.at_most_once) return;
  const std::uint64_t tag = end(token, requeue ? Settlement::retry : Settlement::reject);
  if (!tag || !window_.forget(tag)) return;
  append_nack(link_->out(), k_work, tag, requeue);
}

void ListenerLink::send_again(const Delivery& delivery) {
  const std::uint64_t tag = tag_of(delivery.token);
  if (!tag) end(delivery.token, Settlement::retry);
  if (!tag || !window_.is_outstanding(tag)) return;
  const Marks marks = marks_of(delivery.packet, delivery.attempt + 1);
  outlet_->want();
  outlet_->copies().send({delivery.token, queue_, marks}, delivery.message.view(), link_->session().frame_max());
}

Marks ListenerLink::marks_of(const Packet& packet, int attempt) {
  Marks marks;
  marks.attempt = attempt;
  if (!packet.has_pattern && !packet.route.empty() && !packet.headers.find(k_route_header)) marks.route = packet.route;
  return marks;
}

void ListenerLink::park(const Delivery& delivery, ParkDone done) {
  if (!is_ready_ || !link_) return;  // it comes again
  const std::uint64_t tag = tag_of(delivery.token);
  if (tag && !window_.is_outstanding(tag)) return;
  Marks marks = marks_of(delivery.packet, delivery.attempt);
  const std::string why = delivery.failure ? std::string(delivery.failure->what()) : "its handler rejected it";
  marks.error = why;
  marks.origin = queue_;
  outlet_->want();
  outlet_->copies().send({delivery.token, environment_.dead_letter, marks}, delivery.message.view(),
                         link_->session().frame_max(), std::move(done));
}

/// Somebody deleted their queue, or it has expired.
void ListenerLink::on_dead_letters_missing() {
  if (is_declaring_ || !is_ready_) return;
  is_declaring_ = true;
  asio::co_spawn(environment_.executor, declared_again(shared_from_this()), [](std::exception_ptr) {});
}

asio::awaitable<void> ListenerLink::declared_again(std::shared_ptr<ListenerLink> self) {
  auto declaring = SetUp::dead_letters(self->set_up_, self->environment_.dead_letter);
  const SetUp::Name outcome = co_await std::move(declaring);
  self->is_declaring_ = false;
  std::string line = "amqp: the queue for dead letters " + self->environment_.dead_letter;
  line += outcome ? " was gone; it is there again"
                  : " is gone and cannot be declared again: " + std::string(outcome.error().message());
  self->environment_.log.warning(line);
}

void ListenerLink::flush_soon() {
  if (is_in_batch_ || flush_is_posted_) return;
  flush_is_posted_ = true;
  asio::post(environment_.executor, [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self) return;
    self->flush_is_posted_ = false;
    self->flush_acks();
  });
}

void ListenerLink::flush_acks() {
  if (link_ && is_ready_ && window_.has_acks() && may_flush()) window_.flush(link_->out(), k_work);
}

}  // namespace waybill::amqp
