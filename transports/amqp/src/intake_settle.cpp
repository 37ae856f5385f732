// Intake: what goes back to the broker: replies, acknowledgements, retries, dead letters.
#include "intake.hpp"

#include <asio/post.hpp>

namespace waybill::amqp {
namespace {

constexpr std::size_t k_congested = 256u << 10;  // bytes

}  // namespace

bool Intake::is_congested() const noexcept { return is_blocked_ || (link_ && link_->unsent_bytes() > k_congested); }

void Intake::reply(const Delivery& delivery, const Packet& packet) {
  if (!is_ready_ || !link_) return;
  Envelope envelope;
  envelope.channel = k_work;
  std::string_view reply_to;
  if (!split_return_address(delivery.reply_to, envelope.correlation_id, reply_to)) return;
  envelope.routing_key = reply_to;
  const std::uint32_t frame_max = link_->session().frame_max();
  const auto appended = append_message(link_->out(), envelope, packet, formats_.own(), frame_max);
  if (appended) return;
  environment_.log.warning("amqp: a reply cannot be sent: " + std::string(appended.error().message()));
  Packet substitute;
  substitute.kind = PacketKind::error;
  substitute.last = substitute.has_payload = true;
  substitute.serializer = packet.serializer;
  Buffer text;
  Error("unsendable", "The reply cannot be sent").encode(packet.serializer ? *packet.serializer : formats_.own(), text);
  substitute.payload = text.borrow();
  const auto told = append_message(link_->out(), envelope, substitute, formats_.own(), frame_max);
  if (!told) environment_.log.warning("amqp: nor can that be told: " + std::string(told.error().message()));
}

void Intake::settle(const Delivery& delivery, Settlement settlement) {
  if (!is_ready_ || !link_ || options_.at_most_once) return;
  switch (settlement) {
    case Settlement::ack: return acknowledge(delivery.token);
    case Settlement::retry: return is_stopped_ ? give_back(delivery.token, true) : send_again(delivery);
    case Settlement::reject: return give_back(delivery.token, false);
  }
}

void Intake::acknowledge(std::uint64_t tag) {
  if (window_.ack(tag)) flush_soon();
}

void Intake::give_back(std::uint64_t tag, bool requeue) {
  if (options_.at_most_once || !window_.forget(tag)) return;
  append_nack(link_->out(), k_work, tag, requeue);
}

void Intake::send_again(const Delivery& delivery) {
  Headers headers = delivery.packet.headers;
  headers.set(header::k_attempt, std::to_string(delivery.attempt + 1));
  headers.erase(header::k_resent);
  publish_again(delivery, queue_, std::move(headers));
}

void Intake::park(const Delivery& delivery, ParkDone done) {
  if (!is_ready_ || !link_) return;  // it comes again
  parking_.insert_or_assign(delivery.token, std::move(done));
  Headers headers = delivery.packet.headers;
  const std::string why = delivery.failure ? std::string(delivery.failure->what()) : "its handler rejected it";
  add_death_headers(headers, queue_, why, delivery.attempt);
  publish_again(delivery, environment_.dead_letter, std::move(headers));
}

void Intake::publish_again(const Delivery& delivery, const std::string& to, Headers headers) {
  Packet packet = delivery.packet;
  packet.headers = std::move(headers);
  const bool is_parked = to != queue_;
  if (is_parked) packet.deadline = std::chrono::milliseconds(0);  // dead letters do not expire
  Envelope envelope;
  envelope.channel = k_again;
  envelope.routing_key = to;
  envelope.mandatory = true;
  envelope.delivery_mode = is_parked ? 2 : 1;  // what it came with goes before
  std::string_view reply_to;
  if (split_return_address(delivery.reply_to, envelope.correlation_id, reply_to)) envelope.reply_to = reply_to;
  Buffer& kept = again_.buffer();
  const std::size_t begins_at = kept.size();
  const auto appended = append_message(kept, envelope, packet, formats_.own(), link_->session().frame_max());
  if (!appended) return published_again(delivery.token, appended.error());
  again_.added(delivery.token, begins_at, *appended);
  again_.send(link_->out());
}

void Intake::published_again(Ticket ticket, const Result<Accepted>& outcome) {
  if (!is_ready_ || !link_) return;
  if (auto parked = parking_.extract(ticket)) {
    return parked.mapped()(outcome ? Result<void>() : Result<void>(outcome.error()));
  }
  if (outcome) return acknowledge(ticket);
  environment_.log.warning("amqp: a message could not be sent again, so the broker gets it back: " +
                           std::string(outcome.error().message()));
  give_back(ticket, true);
}

void Intake::flush_soon() {
  if (is_in_batch_ || flush_is_posted_) return;
  flush_is_posted_ = true;
  asio::post(environment_.executor, [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self) return;
    self->flush_is_posted_ = false;
    self->flush_acks();
  });
}

void Intake::flush_acks() {
  if (link_ && is_ready_ && window_.has_acks()) window_.flush(link_->out(), k_work);
}

}  // namespace waybill::amqp
