#include "peer.hpp"

#include "flow/limits.hpp"
#include "listener_link.hpp"
#include "waybill/transport/held_bytes.hpp"

#include <asio/post.hpp>

#include <string>
#include <utility>

namespace waybill::tcp {
namespace {

socket::StreamLimits limits_of_peer(const Options& options) {
  socket::StreamLimits limits = limits_of(options);
  limits.max_unsent = options.max_unsent;
  limits.pause_reading_at = std::min<std::size_t>(1u << 20, options.max_unsent);
  limits.unsent_timeout = options.unsent_timeout;
  return limits;
}

std::size_t size_of(const Packet& packet) noexcept {
  return sizeof(Packet) + packet.payload.size() + packet.metadata.size() + packet.pattern.text.size();
}

}  // namespace

Peer::Peer(ListenerLink& link, asio::ip::tcp::socket socket, socket::TlsLayerPtr tls,
           const asio::ip::address& its_address)
    : Stream(std::move(socket), limits_of_peer(link.options()), std::move(tls)),
      address(its_address),
      link_(&link),
      codec_(link.rules()),
      clock_(link.options()),
      left_(std::min<std::size_t>(2 * link.environment().max_in_flight + 1024, 65'536)),
      max_in_flight_(std::max<std::size_t>(link.environment().max_in_flight, 1)),
      max_in_hand_(std::max(link.options().max_in_hand, k_little)) {}

Peer::~Peer() { account_for_later(-static_cast<std::ptrdiff_t>(bytes_for_later_)); }

void Peer::on_ready() {
  if (const auto shown = identity()) {
    identity_.set("certificate_subject", shown->subject);
    if (!shown->names.empty()) identity_.set("certificate_names", shown->names);
  }
  start();
  expect_first_message();
}

void Peer::expect_first_message() {
  const auto limit = link_ ? link_->options().first_message_timeout : std::chrono::milliseconds(0);
  if (limit.count()) set_deadline(std::chrono::steady_clock::now() + limit);
}

std::size_t Peer::on_bytes(const char* data, std::size_t size) {
  if (!codec_.admit(data, size)) {
    break_off();
    return size;
  }
  std::size_t at = 0;
  {
    std::optional<Delivery> delivery;
    while (at < size && wants_bytes()) {
      if (!take_packet(delivery, data, size, at)) break;
    }
  }
  // Whole frames may be left when reading was held back: only the peer's own delay counts.
  const bool unfinished = (at < size || codec_.is_inside_frame()) && wants_bytes();
  if (is_open()) set_deadline(clock_.after_read(unfinished, at > 0));
  return at;
}

bool Peer::take_packet(std::optional<Delivery>& delivery, const char* data, std::size_t size, std::size_t& at) {
  ++last_token_;
  // Messages that were handled at once leave their delivery to the next one.
  const bool is_left = delivery && codec_.framing() == Framing::binary && delivery->begin_again(*this, last_token_);
  if (!is_left) delivery.emplace(*this, last_token_);
  switch (codec_.next(data, size, at, delivery->packet)) {
    case PacketCodec::Outcome::packet:
      if (link_) take(std::move(*delivery));
      if (!full_ && is_full()) {
        full_ = true;
        update_pause();
        delivery.reset();  // there may be room again
      }
      return true;
    case PacketCodec::Outcome::ignored:
      if (link_) link_->complain(peer() + " sent a message without a pattern; it was dropped");
      return true;
    case PacketCodec::Outcome::sign: append_sign(out(), Sign::here); return true;
    case PacketCodec::Outcome::preface: out().append(k_preface); return true;
    case PacketCodec::Outcome::more: return false;
    case PacketCodec::Outcome::broken: break_off(); return false;
  }
  return false;
}

void Peer::take(Delivery&& delivery) {
  if (is_silent) link_->has_spoken(*this);
  if (is_cancel(delivery.packet)) return left_.add(delivery.packet.id);
  left_.remove(delivery.packet.id);  // an id that is used again
  if (refusing_) return refuse(delivery.packet);
  if (full_ || !kept_for_later_.empty()) return keep_for_later(delivery.packet);
  hand_up(std::move(delivery));
}

void Peer::hand_up(Delivery&& delivery) {
  if (!identity_.empty()) delivery.packet.properties = identity_;
  if (link_->sink()) link_->sink()->on_delivery(std::move(delivery));
}

void Peer::refuse(const Packet& packet) {
  if (packet.kind != PacketKind::request) return link_->complain("an event came too late; it was dropped");
  answer(packet.id, packet.serializer, Error::shutting_down());
}

void Peer::keep_for_later(const Packet& packet) {
  kept_for_later_.push_back(packet.own());
  account_for_later(static_cast<std::ptrdiff_t>(size_of(packet)));
  if (bytes_for_later_ >= k_most_for_later) update_pause();
}

void Peer::account_for_later(std::ptrdiff_t by) noexcept {
  bytes_for_later_ += static_cast<std::size_t>(by);
  transport::hold_bytes(by);
}

Packet Peer::next_kept() {
  Packet packet = std::move(kept_for_later_.front());
  kept_for_later_.pop_front();
  account_for_later(-static_cast<std::ptrdiff_t>(size_of(packet)));
  return packet;
}

void Peer::hand_up_later() {
  if (std::exchange(hands_up_later_, true)) return;
  asio::post(socket().get_executor(), [peer = socket::Ref<Peer>(this)] {
    peer->hands_up_later_ = false;
    peer->hand_up_kept();
  });
}

void Peer::hand_up_kept() {
  while (!kept_for_later_.empty() && !full_ && !refusing_ && link_) {
    Packet packet = next_kept();
    if (left_.remove(packet.id)) continue;  // nobody waits for it any more
    Delivery delivery(*this, ++last_token_);
    delivery.packet = std::move(packet);
    hand_up(std::move(delivery));
    if (is_full()) full_ = true;
  }
  if (kept_for_later_.empty() && has_ended_) return finish();
  update_pause();
}

bool Peer::is_full() const noexcept {
  if (in_flight_ >= max_in_flight_) return true;
  return kept_bytes() > k_little && (kept_bytes() >= max_in_hand_ || is_process_short());
}

void Peer::break_off() {
  if (link_) link_->complain(peer() + " broke the protocol: " + codec_.problem() + "; the connection was ended");
  discard_output();
  // Without an id: NestJS's clients do not look at it, waybill's tell why the connection has ended.
  if (codec_.is_too_large()) {
    const std::string bound = std::to_string(link_ ? link_->options().max_frame : 0);
    answer({}, nullptr, Error("too_large", codec_.problem() + " (" + bound + " bytes)"));
  }
  finish();
}

void Peer::reply(const Delivery&, const Packet& packet) {
  if (!is_open() || left_.contains(packet.id)) return;
  const Result<void> written = codec_.write(packet, out());
  if (written) return;
  if (link_) link_->complain("a reply to " + peer() + " cannot be sent: " + std::string(written.error().message()));
  const bool is_too_large = written.error().code() == errc::too_large;
  answer(packet.id, packet.serializer,
         is_too_large ? Error("too_large", "The reply is too large") : Error("Internal server error"));
}

void Peer::answer(Term id, const Serializer* serializer, const Error& error) {
  Packet packet;
  packet.kind = PacketKind::error;
  packet.last = true;
  packet.has_payload = true;
  packet.id = id;
  packet.serializer = codec_.framing() == Framing::nest ? codec_.json() : serializer ? serializer : codec_.own();
  if (!packet.serializer) return;
  Buffer text;
  error.encode(*packet.serializer, text);
  packet.payload = text.borrow();
  const Result<void> written = codec_.write(packet, out());
  if (!written) fail(written.error());
}

void Peer::drop_delivery() noexcept {
  if (--in_flight_ == 0 && !left_.is_empty() && kept_for_later_.empty()) left_.clear();
  if (full_ && !is_full()) {
    full_ = false;
    if (kept_for_later_.empty())
      update_pause();
    else
      hand_up_later();
  }
  release();
}

void Peer::hold(bool on) {
  held_ = on;
  update_pause();
}

void Peer::refuse_from_now_on() {
  refusing_ = true;
  held_ = false;
  while (!kept_for_later_.empty()) refuse(next_kept());
  if (has_ended_) return finish();
  update_pause();
}

void Peer::update_pause() {
  const bool reads_on = refusing_ || (bytes_for_later_ < k_most_for_later && (!full_ || !is_process_short()));
  const bool pauses = !reads_on || held_;
  if (std::exchange(is_paused_, pauses) == pauses) return;
  tell_pause(pauses);
  if (pauses) {
    pause();
    if (is_open()) set_deadline(detail::TimePoint::max());  // what is late now is not the peer's fault
  } else {
    resume();
    if (is_open()) set_deadline(clock_.after_pause());
  }
}

/// A client would take the silence of who does not read its questions for the end.
void Peer::tell_pause(bool pauses) {
  if (is_open() && codec_.framing() == Framing::binary) append_sign(out(), pauses ? Sign::pausing : Sign::here);
}

void Peer::on_eof() {
  has_ended_ = true;
  if (kept_for_later_.empty()) finish();  // what it sent before its end is handled
}

void Peer::on_written() {
  if (link_) link_->wrote();
}

void Peer::on_closed(const Error& error) {
  while (!kept_for_later_.empty()) next_kept();
  if (link_) link_->forget(*this, error);
}

void Peer::watch_deadline() {
  if (link_) link_->watch();
}

}  // namespace waybill::tcp
