#include "service/exchange.hpp"

#include "format/finished.hpp"
#include "service/listener_host.hpp"
#include "service/packet_trace.hpp"
#include "service/stream_run.hpp"
#include "waybill/detail/clock.hpp"

#include <asio/post.hpp>

#include <charconv>
#include <map>

namespace waybill::detail {

namespace {
constexpr int k_most_on_the_way = 256;            // replies from a handler's thread to its listener's loop
constexpr std::size_t k_max_headers = 64u << 10;  // bytes of metadata that are looked at as headers

/// A payload that nobody has looked at goes back the way that such come: with its length beside it. Else null.
const Payload* goes_back_unseen(ValueRef value, const Packet& request) noexcept {
  if (value.type->kind != Kind::raw || !request.payload.is_unseen()) return nullptr;
  const auto* payload = static_cast<const Payload*>(value.address);
  return payload->serializer() == request.serializer ? payload : nullptr;
}
}  // namespace

void encode_result(const Serializer& serializer, ValueRef value, Buffer& out) {
  const bool is_payload = value.type->kind == Kind::raw;
  if (is_payload && static_cast<const Payload*>(value.address)->empty()) return;
  serializer.encode(value, out).value();
}

void Exchange::decode(ValueOut out) const {
  const Packet& packet = delivery_.packet;
  if (packet.has_payload) return packet.serializer->decode(packet.payload, out).value();
  // A message without payload fits what may be null.
  const Serializer& serializer = *packet.serializer;
  Buffer null;
  const std::nullptr_t nothing = nullptr;
  serializer.encode(ValueRef::of(nothing), null).value();
  serializer.decode(null.borrow(), out).value();
}

Payload Exchange::argument(Keep keep) const {
  const Packet& packet = delivery_.packet;
  if (!packet.has_payload) return Payload();
  if (packet.payload.is_unseen()) {
    return {keep == Keep::owned ? packet.payload.own() : packet.payload, *packet.serializer};
  }
  Result<Payload> lent = packet.serializer->lend(packet.payload);
  if (!lent) throw lent.error();
  if (keep == Keep::owned) return lent->own();
  return *std::move(lent);
}

void Exchange::reply(ValueRef value) {
  const Serializer& serializer = *delivery_.packet.serializer;
  if (collected_) return encode_result(serializer, value, *collected_);
  if (!wants_reply()) return;
  if (const Payload* done = finished(value, serializer)) return reply_encoded(done->bytes(), true);
  if (const Payload* unseen = goes_back_unseen(value, delivery_.packet)) {
    return reply_encoded(unseen->bytes_as_they_came(), true);
  }
  if (far_side_) {
    Buffer own;
    encode_result(serializer, value, own);
    return reply_encoded(own.take(), true);
  }
  Buffer& scratch = host_.scratch();
  scratch.clear();
  encode_result(serializer, value, scratch);
  reply_encoded(scratch.borrow(), true);
}

asio::awaitable<void> Exchange::reply_all(StreamRoutine stream) {
  return StreamRun::run(std::make_shared<StreamRun>(*this, std::move(stream)));
}

void Exchange::reply_encoded(const Slice& value, bool last) {
  if (!wants_reply() || (is_left_ && value.empty())) return;
  Packet packet;
  packet.kind = PacketKind::value;
  packet.last = last;
  packet.has_payload = !value.empty();
  packet.payload = value;
  send(packet);
}

void Exchange::reply_end() {
  if (collected_ || is_left_ || !wants_reply()) return;
  Packet packet;
  packet.kind = PacketKind::end;
  packet.last = true;
  send(packet);
}

void Exchange::reply_error(const Error& error) {
  if (!wants_reply()) return;
  Buffer body;
  error.encode(*delivery_.packet.serializer, body);
  Packet packet;
  packet.kind = PacketKind::error;
  packet.last = true;
  packet.has_payload = true;
  packet.payload = body.borrow();
  send(packet);
}

void Exchange::send(Packet& packet) {
  packet.id = delivery_.packet.id;
  packet.serializer = delivery_.packet.serializer;
  if (extras_ && extras_->of_reply) packet.headers = *extras_->of_reply;
  has_answered_ = true;
  if (!far_side_) return delivery_.reply(packet);
  ++far_side_->on_the_way;
  on_loop([owned = packet.own()](Exchange& self) {
    self.delivery_.reply(owned);
    self.look_at_link();
    --self.far_side_->on_the_way;
  });
}

void Exchange::travel_as(std::weak_ptr<Exchange> self) {
  self_ = std::move(self);
  far_side_ = std::make_unique<FarSide>();
}

void Exchange::look_at_link() {
  far_side_->is_congested = delivery_.source().is_congested();
  far_side_->is_connected = delivery_.is_awaited();
}

void Exchange::ask_far_side() const {
  if (far_side_->is_asked.exchange(true)) return;
  asio::post(host_.executor(), [self = self_.lock()] {
    self->far_side_->is_asked = false;
    self->look_at_link();
  });
}

void Exchange::settle(Settlement settlement) {
  if (is_rejected_) return;                           // the first settlement counts
  if (settlement == Settlement::ack && !far_side_) {  // the usual one
    is_acked_ = true;
    return delivery_.settle(settlement);
  }
  if (settlement == Settlement::reject) {
    is_rejected_ = true;
    return;
  }
  is_acked_ = is_acked_ || settlement == Settlement::ack;
  wants_retry_ = wants_retry_ || (settlement == Settlement::retry && !is_acked_);
  on_loop([settlement](Exchange& self) { self.delivery_.settle(settlement); });
}

bool Exchange::is_caller_connected() const {
  if (!far_side_) return delivery_.is_awaited();
  if (far_side_->on_the_way == 0) ask_far_side();
  return far_side_->is_connected;
}

bool Exchange::is_congested() const {
  if (!far_side_) return delivery_.source().is_congested();
  if (far_side_->on_the_way >= k_most_on_the_way) return true;
  if (!far_side_->is_congested) return false;
  ask_far_side();
  return true;
}

const Headers& Exchange::headers() const {
  const Packet& packet = delivery_.packet;
  if (host_.has_headers() || !packet.headers.empty() || packet.metadata.empty()) return packet.headers;
  return headers_from_metadata();
}

const Headers& Exchange::headers_from_metadata() const {
  const Packet& packet = delivery_.packet;
  std::optional<Headers>& made = extras().from_metadata;
  if (made) return *made;
  // The members come from outside: they are put together at once, and only as many as headers may be.
  std::vector<Headers::Entry> entries;
  std::map<std::string, Payload> members;
  if (packet.metadata.size() <= k_max_headers && packet.serializer->decode(packet.metadata, ValueOut::of(members))) {
    entries.reserve(members.size());
    for (const auto& [name, value] : members) {
      std::string text;
      const bool is_text = packet.serializer->decode(value.bytes(), ValueOut::of(text)).has_value();
      entries.emplace_back(name, is_text ? std::string_view(text) : value.bytes().view());
    }
  }
  return made.emplace(std::move(entries));
}

void Exchange::set_header(std::string_view name, std::string_view value) {
  std::optional<Headers>& headers = extras().of_reply;
  if (!headers) headers.emplace();
  headers->set(name, value);
}

TraceContext Exchange::trace() const {
  if (extras_ && extras_->trace) return *extras_->trace;
  const TraceContext* step = delivery_.observed() ? delivery_.observed()->step() : nullptr;
  return step ? *step : trace_of(delivery_.packet);
}

std::optional<std::chrono::steady_clock::time_point> Exchange::deadline() const {
  if (deadline_) return deadline_;
  std::int64_t milliseconds = delivery_.packet.deadline.count();
  if (milliseconds == 0) {
    const std::string* left = headers().find(header::k_deadline);
    if (!left) return std::nullopt;
    const auto [end, ec] = std::from_chars(left->data(), left->data() + left->size(), milliseconds);
    if (ec != std::errc() || end != left->data() + left->size() || milliseconds < 0) return std::nullopt;
  }
  constexpr std::int64_t k_day = 86'400'000;
  deadline_ = host_.coarse_now() + std::chrono::milliseconds(std::min(milliseconds, k_day));
  return deadline_;
}

const Log& Exchange::log() const noexcept {
  if (!host_.log().wants_records()) return host_.log();
  try {
    std::optional<Log>& made = extras().log;
    if (!made) {
      const Packet& packet = delivery_.packet;
      std::string id(packet.id.text);
      for (const std::string_view name : {header::k_message_id, std::string_view("x-request-id")}) {
        if (const std::string* value = headers().find(name)) id = *value;
      }
      const auto traced = trace().parent;
      made = host_.log().about(std::string(name_of(packet)), std::move(id),
                               traced ? traced->trace_id_text() : std::string());
    }
    return *made;
  } catch (...) {  // no memory: the line is worth more than what it is about
    return host_.log();
  }
}

}  // namespace waybill::detail
