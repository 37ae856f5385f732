#include "msgpack_packet.hpp"
#include "msgpack_reader.hpp"
#include "msgpack_writer.hpp"
#include "waybill/format/encoder.hpp"
#include "waybill/serializers/msgpack.hpp"

namespace waybill::msgpack {
namespace {

class MsgpackSerializer final : public Serializer {
 public:
  std::string_view name() const noexcept override { return "msgpack"; }
  std::string_view content_type() const noexcept override { return "application/msgpack"; }

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
    Reader reader(payload, *this);
    if (payload.empty()) {
      if (format::decode_nothing(out, reader.failure())) return {};
      return reader.failure().reading_error(*out.type);
    }
    Reader::Value start{payload.data()};
    format::Decoder<Reader> decoder(reader, payload.size());
    if (!decoder.value(start, out.address, *out.type)) return reader.failure().reading_error(*out.type);
    if (start.at == payload.data() + payload.size()) return {};
    reader.failure().set(errc::payload_malformed, "not valid MessagePack: something follows the value");
    return reader.failure().reading_error(*out.type);
  }

  Result<Payload> lend(const Slice& payload) const override {
    if (payload.empty()) return Payload();
    if (payload.is_unseen()) return Payload(payload, *this);
    Reader reader(payload, *this);
    Reader::Value end{payload.data()};
    if (reader.skip(end)) {
      if (end.at == payload.data() + payload.size()) return Payload(payload, *this);
      reader.failure().set(errc::payload_malformed, "not valid MessagePack: something follows the value");
    }
    return reader.failure().reading_error(type_of<Payload>());
  }

  void compose(const Packet& packet, Buffer& out) const override { msgpack::compose(packet, out); }

  Result<void> parse(const Slice& bytes, Direction direction, Packet& packet) const override {
    packet = Packet();
    packet.serializer = this;
    return msgpack::parse(bytes, direction, packet);
  }
};

}  // namespace

std::unique_ptr<Serializer> make_msgpack_serializer() { return std::make_unique<MsgpackSerializer>(); }

}  // namespace waybill::msgpack
