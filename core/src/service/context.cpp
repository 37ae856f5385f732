#include "waybill/context.hpp"

#include "waybill/detail/exchange.hpp"

namespace waybill {

namespace {
Payload keep(const Slice& bytes, const Packet& packet) { return packet.serializer->lend(bytes).value().own(); }
}  // namespace

Context::Side Context::side() const noexcept { return source_->side(); }
bool Context::is_request() const noexcept { return source_->packet().kind == PacketKind::request; }
std::string_view Context::pattern() const noexcept {
  const Packet& packet = source_->packet();
  return packet.has_pattern ? packet.pattern.text : packet.route;
}
std::string_view Context::channel() const noexcept {
  const Packet& packet = source_->packet();
  return packet.route.empty() ? packet.pattern.text : packet.route;
}
bool Context::has_payload() const noexcept { return source_->packet().has_payload; }
Payload Context::payload() const {
  const Packet& packet = source_->packet();
  return packet.has_payload ? keep(packet.payload, packet) : Payload();
}
const Headers& Context::headers() const { return source_->headers(); }
Payload Context::metadata() const {
  const Packet& packet = source_->packet();
  return packet.metadata.empty() ? Payload() : keep(packet.metadata, packet);
}
const Headers& Context::properties() const { return source_->packet().properties; }
void Context::set_header(std::string_view name, std::string_view value) { source_->set_header(name, value); }
int Context::attempt() const noexcept { return source_->attempt(); }
bool Context::is_redelivered() const noexcept { return source_->is_redelivered(); }
std::optional<std::chrono::steady_clock::time_point> Context::deadline() const { return source_->deadline(); }
void Context::set_deadline(std::chrono::steady_clock::time_point deadline) { source_->set_deadline(deadline); }
bool Context::is_caller_connected() const { return source_->is_connected(); }
void Context::ack() { source_->settle(Settlement::ack); }
void Context::retry() { source_->settle(Settlement::retry); }
void Context::reject() { source_->settle(Settlement::reject); }
void Context::leave() { source_->leave(); }
bool Context::is_given_back() const noexcept { return source_->is_given_back(); }
const asio::any_io_executor& Context::executor() const noexcept { return source_->executor(); }
const Log& Context::log() const noexcept { return source_->log(); }

}  // namespace waybill
