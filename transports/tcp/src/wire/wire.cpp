#include "wire/wire.hpp"

#include <algorithm>
#include <exception>

namespace waybill::tcp {

CodecRules::CodecRules(Direction read, const Environment& environment, const Options& options, const Registry& known)
    : direction(read), registry(&known), max_frame(options.max_frame), max_buffer(options.max_buffer) {
  own = environment.serializer ? environment.serializer : &known.default_serializer();
  json = own->is_json() ? own : known.find_serializer("json");
  if (json && !json->is_json()) json = nullptr;
}

PacketCodec::PacketCodec(const CodecRules& rules)
    : rules_(rules), framing_(rules.framing), nest_reader_(rules.max_buffer, rules.max_frame) {}

bool PacketCodec::admit(const char* data, std::size_t size) {
  if (framing_ == Framing::binary || nest_reader_.admit(data, size)) return true;
  problem_ = "more than max_buffer waits unread";
  return false;
}

PacketCodec::Outcome PacketCodec::next(const char* data, std::size_t size, std::size_t& at, Packet& packet) {
  if (framing_ == Framing::nest) return next_nest(data, size, at, packet);
  if (framing_ == Framing::binary && preface_read_) {
    if (binary_reader_ && binary_reader_->next_usual(data, size, at, packet)) {
      return fits_direction(packet.kind) ? Outcome::packet : wrong_direction();
    }
    return next_binary(data, size, at, packet);
  }
  const Outcome outcome = recognize(data, size, at);
  return framing_ == Framing::nest ? next_nest(data, size, at, packet) : outcome;
}

PacketCodec::Outcome PacketCodec::recognize(const char* data, std::size_t size, std::size_t& at) {
  if (at == size) return Outcome::more;
  const std::string_view start(data + at, std::min(size - at, k_preface.size()));
  if (k_preface.starts_with(start)) {
    if (start.size() < k_preface.size()) return Outcome::more;
    at += k_preface.size();
    framing_ = Framing::binary;
    preface_read_ = true;
    return Outcome::preface;
  }
  if (framing_ == Framing::binary)
    return broken("the other side does not speak waybill's binary framing; use framing=nest");
  if (start[0] == '\0') return broken("the connection opens with an unknown version of waybill's binary framing");
  if (!rules_.json) return broken("NestJS framing needs a JSON serializer, and none is registered here");
  framing_ = Framing::nest;
  return Outcome::more;
}

PacketCodec::Outcome PacketCodec::next_nest(const char* data, std::size_t size, std::size_t& at, Packet& packet) {
  Slice text;
  switch (nest_reader_.next(data, size, at, text)) {
    case NestFrameReader::Outcome::more: return Outcome::more;
    case NestFrameReader::Outcome::broken: return broken(nest_reader_.problem());
    case NestFrameReader::Outcome::frame: break;
  }
  const Result<void> parsed = rules_.json->parse(text, rules_.direction, packet);
  if (!parsed) return broken(std::string(parsed.error().message()));
  const bool foreign =
      rules_.direction == Direction::to_service && packet.kind == PacketKind::event && !packet.has_pattern;
  return foreign || !fits_direction(packet.kind) ? Outcome::ignored : Outcome::packet;
}

PacketCodec::Outcome PacketCodec::next_binary(const char* data, std::size_t size, std::size_t& at, Packet& packet) {
  if (!binary_reader_) {
    const Registry* registry = rules_.registry;
    const Serializer* json = rules_.json;
    binary_reader_.emplace(rules_.max_frame, [registry, json](std::string_view name) -> const Serializer* {
      const Serializer* found = registry ? registry->find_serializer(name) : nullptr;
      return found || !json || json->name() != name ? found : json;
    });
  }
  switch (binary_reader_->next(data, size, at, packet)) {
    case BinaryFrameReader::Outcome::more: return Outcome::more;
    case BinaryFrameReader::Outcome::broken: return broken(binary_reader_->problem());
    case BinaryFrameReader::Outcome::sign: {
      const bool is_question = binary_reader_->sign() == Sign::ask;
      return is_question == (rules_.direction == Direction::to_service) ? Outcome::sign : wrong_direction();
    }
    case BinaryFrameReader::Outcome::packet: break;
  }
  if (!packet.serializer) packet.serializer = rules_.own;
  return fits_direction(packet.kind) ? Outcome::packet : wrong_direction();
}

PacketCodec::Outcome PacketCodec::wrong_direction() { return broken("a frame travels in the wrong direction"); }

bool PacketCodec::fits_direction(PacketKind kind) const noexcept {
  const bool to_service = kind == PacketKind::request || kind == PacketKind::event;
  return to_service == (rules_.direction == Direction::to_service);
}

Result<void> PacketCodec::write(const Packet& packet, Buffer& out) {
  const std::size_t start = out.size();
  try {
    if (framing_ != Framing::binary) return write_nest(packet, out);
    if (binary_writer_.write_usual(packet, rules_.max_frame, out)) [[likely]]
      return {};
    std::string problem = binary_writer_.write(packet, rules_.max_frame, out);
    if (problem.empty()) return {};
    return Error(errc::too_large, std::move(problem), End::rejected);
  } catch (const std::exception& thrown) {  // a serializer's, or no memory: half a frame would end the connection
    out.truncate(start);
    return Error(errc::internal, std::string("composing the message threw: ") + thrown.what(), End::rejected);
  }
}

Result<void> PacketCodec::write_nest(const Packet& packet, Buffer& out) {
  const Serializer* serializer = packet.serializer ? packet.serializer : rules_.json;
  if (!serializer || !serializer->is_json())
    return Error(errc::unsupported,
                 "NestJS framing carries JSON only; use framing=binary for \"" +
                     std::string(serializer ? serializer->name() : "nothing") + "\"",
                 End::rejected);
  const std::size_t start = nest_writer_.begin(out);
  if (packet.kind == PacketKind::event && (packet.pattern.is_json || packet.pattern.text != packet.route) &&
      !packet.route.empty()) {
    Packet event = packet;  // NestJS sends events under their route
    event.pattern = {packet.route, false};
    serializer->compose(event, out);
  } else {
    serializer->compose(packet, out);
  }
  nest_writer_.end(out, start);
  if (out.size() - start <= rules_.max_frame) return {};
  const std::size_t size = out.size() - start;
  out.truncate(start);
  return Error(errc::too_large,
               "the message has " + std::to_string(size) + " bytes, more than max_frame (" +
                   std::to_string(rules_.max_frame) + ")",
               End::rejected);
}

}  // namespace waybill::tcp
