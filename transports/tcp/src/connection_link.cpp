#include "connection_link.hpp"

#include "connection.hpp"
#include "flow/left_callers.hpp"
#include "flow/limits.hpp"

#include <asio/post.hpp>

namespace waybill::tcp {
namespace {

socket::StreamLimits limits_of_link(const Options& options) {
  socket::StreamLimits limits = limits_of(options);
  limits.max_unsent = SIZE_MAX;  // the host bounds what it sends
  return limits;
}

}  // namespace

ConnectionLink::ConnectionLink(Sender& owner, asio::ip::tcp::socket socket, socket::TlsLayerPtr tls,
                               const CodecRules& rules, const Options& options)
    : Stream(std::move(socket), limits_of_link(options), std::move(tls)),
      owner_(&owner),
      codec_(rules),
      clock_(options) {}

void ConnectionLink::on_ready() {
  start();
  if (codec_.framing() == Framing::binary) {
    out().append(k_preface);  // ready once the listener has answered it
  } else if (owner_) {
    owner_->link_ready();
  }
}

void ConnectionLink::send(const Packet& packet, Ticket ticket) {
  Buffer& buffer = out();
  const Result<void> written = codec_.write(packet, buffer);
  if (!written) {
    refuse(ticket, written.error());
  } else if (ticket && !(ticket & k_failure_only)) {
    sent_.push_back({ticket, produced_bytes()});
  }
}

void ConnectionLink::forget(Term id) {
  if (!is_open()) return;
  Packet packet;
  packet.kind = PacketKind::request;
  packet.pattern = {k_cancel_pattern, false};
  packet.has_pattern = true;
  packet.id = id;
  const Result<void> written = codec_.write(packet, out());
  (void)written;  // if it cannot be told, it is not
}

void ConnectionLink::refuse(Ticket ticket, Error error) {
  asio::post(socket().get_executor(), [link = socket::Ref<ConnectionLink>(this), ticket, error = std::move(error)] {
    if (link->owner_ && link->owner_->sink()) link->owner_->sink()->on_sent(ticket, error);
  });
}

void ConnectionLink::on_written() {
  const std::uint64_t written = written_bytes();
  while (first_ < sent_.size() && sent_[first_].end <= written) {
    const Ticket ticket = sent_[first_++].ticket;
    if (!owner_ || !owner_->sink()) return;
    owner_->sink()->on_sent(ticket, Accepted{});
  }
  if (first_ == sent_.size()) {
    sent_.clear();
    first_ = 0;
  } else if (first_ > sent_.size() / 2) {
    sent_.erase(sent_.begin(), sent_.begin() + static_cast<std::ptrdiff_t>(first_));
    first_ = 0;
  }
  if (owner_) owner_->wrote();
}

void ConnectionLink::ask() {
  append_sign(out(), Sign::ask);
  if (std::exchange(is_asking_, true)) return;
  question_ = produced_bytes();
  acknowledged_ = acknowledged_bytes();
}

bool ConnectionLink::was_heard() noexcept {
  if (std::exchange(heard_, false)) {
    is_asking_ = false;
    return true;
  }
  if (is_pausing_there_ || !wants_bytes()) return true;
  if (!is_asking_) return false;
  // Behind much that was sent it may be long on its way.
  const std::uint64_t before = std::exchange(acknowledged_, acknowledged_bytes());
  return acknowledged_ < question_ && acknowledged_ > before;
}

std::size_t ConnectionLink::on_bytes(const char* data, std::size_t size) {
  has_heard_ = heard_ = true;
  std::size_t at = 0;
  if (codec_.admit(data, size)) {
    std::optional<Packet> packet;
    while (at < size && wants_bytes()) {
      if (!packet || !codec_.may_fill_again(*packet)) packet.emplace();
      if (!take_packet(*packet, data, size, at)) break;
    }
  } else {
    fail(Error(errc::connection_lost, peer() + " broke the protocol: " + codec_.problem()));
  }
  // Whole frames may be left when reading was held back: only the peer's own delay counts.
  const bool unfinished = (at < size || codec_.is_inside_frame()) && wants_bytes();
  const bool progress = at > 0;
  if (is_open()) set_deadline(clock_.after_read(unfinished, progress));
  return at;
}

bool ConnectionLink::take_packet(Packet& packet, const char* data, std::size_t size, std::size_t& at) {
  switch (codec_.next(data, size, at, packet)) {
    case PacketCodec::Outcome::packet:
      if (packet.kind == PacketKind::error && packet.id.text.empty()) {
        last_words_ = std::string(Error::from_peer(packet.payload, *packet.serializer).message());
        return true;
      }
      if (owner_ && owner_->sink()) owner_->sink()->on_reply(packet);
      return true;
    case PacketCodec::Outcome::ignored: return true;
    case PacketCodec::Outcome::sign: is_pausing_there_ = codec_.sign() == Sign::pausing; return true;
    case PacketCodec::Outcome::preface:
      if (owner_) owner_->link_ready();
      return true;
    case PacketCodec::Outcome::more: return false;
    case PacketCodec::Outcome::broken:
      fail(Error(errc::connection_lost, peer() + " broke the protocol: " + codec_.problem()));
      return false;
  }
  return false;
}

void ConnectionLink::on_closed(const Error& error) {
  if (!owner_) return;
  if (last_words_.empty()) return owner_->link_gone(error);
  owner_->link_gone(Error(errc::connection_lost, peer() + " ended the connection: " + last_words_));
}

void ConnectionLink::watch_deadline() {
  if (owner_) owner_->watch();
}

}  // namespace waybill::tcp
