#include "peer.hpp"

#include "hub.hpp"

#include <string>

namespace waybill::tcp {
namespace {

socket::StreamLimits limits_of(const Options& options) {
  socket::StreamLimits limits;
  limits.max_unsent = options.max_unsent;
  limits.pause_reading_at = std::min<std::size_t>(1u << 20, options.max_unsent);
  limits.max_process = options.max_total_buffers;
  limits.write_timeout = options.write_timeout;
  return limits;
}

}  // namespace

Peer::Peer(Hub& hub, asio::ip::tcp::socket socket, socket::TlsLayerPtr tls)
    : Stream(std::move(socket), limits_of(hub.options()), std::move(tls)),
      hub_(&hub),
      codec_(hub.rules()),
      clock_(hub.options()),
      max_in_flight_(std::max<std::size_t>(hub.environment().max_in_flight, 1)) {}

void Peer::on_ready() { start(); }

std::size_t Peer::on_bytes(const char* data, std::size_t size) {
  if (!codec_.admit(data, size)) {
    break_off();
    return size;
  }
  std::size_t at = 0;
  while (at < size && wants_bytes()) {
    if (!take_packet(data, size, at)) break;
  }
  // Whole frames may be left when reading was held back: only the peer's own delay counts.
  const bool unfinished = (at < size || codec_.is_inside_frame()) && wants_bytes();
  if (is_open()) set_deadline(clock_.after_read(unfinished, at > 0));
  return at;
}

bool Peer::take_packet(const char* data, std::size_t size, std::size_t& at) {
  Delivery delivery(*this, ++last_token_);
  switch (codec_.next(data, size, at, delivery.packet)) {
    case PacketCodec::Outcome::packet:
      if (hub_ && hub_->sink()) hub_->sink()->on_delivery(std::move(delivery));
      if (in_flight_ >= max_in_flight_) {
        full_ = true;
        update_pause();
      }
      return true;
    case PacketCodec::Outcome::ignored:
      if (hub_) hub_->complain(peer() + " sent a message without a pattern; it was dropped");
      return true;
    case PacketCodec::Outcome::preface: out().append(k_preface); return true;
    case PacketCodec::Outcome::more: return false;
    case PacketCodec::Outcome::broken: break_off(); return false;
  }
  return false;
}

void Peer::break_off() {
  if (hub_) hub_->complain(peer() + " broke the protocol: " + codec_.problem() + "; the connection was ended");
  discard_output();
  finish();
}

void Peer::reply(const Delivery&, const Packet& packet) {
  if (!is_open()) return;
  const Result<void> written = codec_.write(packet, out());
  if (!written) reply_too_large(packet, written.error());
}

void Peer::reply_too_large(const Packet& packet, const Error& error) {
  if (hub_) hub_->complain("a reply to " + peer() + " cannot be sent: " + std::string(error.message()));
  Packet substitute;
  substitute.kind = PacketKind::error;
  substitute.last = true;
  substitute.has_payload = true;
  substitute.id = packet.id;
  substitute.serializer = codec_.framing() == Framing::nest ? codec_.json() : packet.serializer;
  if (!substitute.serializer) return;
  Buffer text;
  Error("too_large", "The reply is too large").encode(*substitute.serializer, text);
  substitute.payload = text.borrow();
  const Result<void> written = codec_.write(substitute, out());
  if (!written) fail(written.error());
}

void Peer::drop_delivery() noexcept {
  --in_flight_;
  if (full_ && in_flight_ <= max_in_flight_ - max_in_flight_ / 4 - 1) {
    full_ = false;
    update_pause();
  }
  release();
}

void Peer::hold(bool on) {
  held_ = on;
  update_pause();
}

void Peer::update_pause() {
  if (full_ || held_) {
    pause();
    if (is_open()) set_deadline(detail::TimePoint::max());  // what is late now is not the peer's fault
  } else {
    resume();
    if (is_open()) set_deadline(clock_.after_pause());
  }
}

void Peer::on_eof() { finish(); }

void Peer::on_written() {
  if (hub_) hub_->wrote();
}

void Peer::on_closed(const Error& error) {
  if (hub_) hub_->forget(*this, error);
}

void Peer::watch_deadline() {
  if (hub_) hub_->watch();
}

}  // namespace waybill::tcp
