#include "json_decode.hpp"
#include "json_packet.hpp"
#include "json_writer.hpp"
#include "waybill/format/encoder.hpp"
#include "waybill/serializers/json.hpp"

namespace waybill::json {
namespace {

class JsonSerializer final : public Serializer {
 public:
  std::string_view name() const noexcept override { return "json"; }
  std::string_view content_type() const noexcept override { return "application/json"; }
  bool is_json() const noexcept override { return true; }

  Result<void> encode(ValueRef value, Buffer& out) const override {
    const std::size_t start = out.size();
    Writer writer(out, *this);
    format::Encoder<Writer> encoder(writer);
    if (encoder.value(value.address, *value.type)) [[likely]]
      return {};
    out.truncate(start);
    return writer.failure().error(*value.type);
  }

  Result<void> decode(const Slice& payload, ValueOut out) const override {
    if (out.type->kind == Kind::raw && payload.is_unseen()) {
      static_cast<Payload*>(out.address)->assign(payload.own(), *this);
      return {};
    }
    return json::decode(payload, *this, out);
  }

  Result<Payload> lend(const Slice& payload) const override {
    if (payload.is_unseen()) return Payload(payload, *this);
    return json::lend(payload, *this);
  }

  void compose(const Packet& packet, Buffer& out) const override { json::compose(packet, out); }

  Result<void> parse(const Slice& bytes, Direction direction, Packet& packet) const override {
    packet.serializer = this;
    if (parse_known_layout(bytes, direction, packet)) [[likely]]
      return {};
    packet = Packet();
    packet.serializer = this;
    return parse_any_layout(bytes, direction, packet);
  }
};

}  // namespace

std::unique_ptr<Serializer> make_json_serializer() { return std::make_unique<JsonSerializer>(); }

}  // namespace waybill::json
