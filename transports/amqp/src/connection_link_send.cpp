// ConnectionLink: requests and events on their way out, and what the broker refuses of them.
#include "connection_link.hpp"
#include "protocol/error.hpp"

#include <asio/post.hpp>

namespace waybill::amqp {
namespace {

Error too_large(std::uint64_t size, std::uint64_t most) {
  return Error(
      errc::too_large,
      "the message has " + std::to_string(size) + " bytes, and the broker takes at most " + std::to_string(most),
      End::rejected);
}

}  // namespace

Envelope ConnectionLink::envelope_of(const Packet& packet) const noexcept {
  Envelope envelope;
  envelope.exchange = exchange_;
  envelope.routing_key = key_.empty() ? packet.route : std::string_view(key_);
  return envelope;
}

void ConnectionLink::send(const Packet& packet, Ticket ticket) {
  if (!is_ready_) return;
  if (packet.kind == PacketKind::request) return send_request(packet, ticket);
  send_event(packet, ticket);
}

void ConnectionLink::send_request(const Packet& packet, Ticket ticket) {
  Envelope envelope = envelope_of(packet);
  envelope.channel = request_channel();
  envelope.mandatory = options_.mandatory;
  envelope.delivery_mode = options_.persistent_requests ? 2 : 1;
  envelope.correlation_id = packet.id.text;
  envelope.reply_to = address_.text();
  Buffer& out = request_out();
  const std::size_t begins_at = out.size();
  const auto appended = append_message(out, envelope, packet, formats_.own(), link_->session().frame_max());
  if (!appended) return fail_later(ticket, appended.error());
  request_written(ticket, packet, *appended, out, begins_at);
  if (options_.mandatory || !address_.is_known()) recent_.note(packet.id.text, ticket);
}

void ConnectionLink::request_written(Ticket ticket, const Packet& packet, const Layout& layout, Buffer& out,
                                     std::size_t begins_at) {
  if (!address_.is_known()) return;
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

void ConnectionLink::send_event(const Packet& packet, Ticket ticket) {
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

void ConnectionLink::fail_later(Ticket ticket, const Error& error) {
  asio::post(environment_.executor, [weak = weak_from_this(), ticket, error] {
    if (const auto self = weak.lock()) self->tell(ticket, error);
  });
}

void ConnectionLink::events_closed(const Error& error) {
  if (const auto most = refusal_of(error).most) most_event_bytes_ = most;
  environment_.log.warning("amqp: the broker closed the channel of events, which is opened again: " +
                           std::string(error.message()));
}

void ConnectionLink::request_refused(const Suspects::Message* message, const Error& error) {
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

}  // namespace waybill::amqp
