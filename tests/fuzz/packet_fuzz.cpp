// Parses any bytes as a packet of each format, in both directions. Views must lie in readable memory, and in JSON the
// fast reader must see what the careful one sees.
#include "json_packet.hpp"
#include "waybill/format/utf8.hpp"
#include "waybill/serializers/json.hpp"
#include "waybill/serializers/msgpack.hpp"

#include <cstdint>
#include <cstdlib>
#include <string>

namespace {

std::size_t touch(std::string_view text) {
  std::size_t sum = 0;
  for (const char c : text) sum += static_cast<unsigned char>(c);
  return sum;
}

bool same(const waybill::Packet& a, const waybill::Packet& b) {
  return a.kind == b.kind && a.last == b.last && a.id.text == b.id.text && a.pattern.text == b.pattern.text &&
         a.payload.view() == b.payload.view() && a.metadata.view() == b.metadata.view();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto json = waybill::json::make_json_serializer();
  static const auto msgpack = waybill::msgpack::make_msgpack_serializer();
  const waybill::Slice bytes = waybill::Slice::copy({reinterpret_cast<const char*>(data), size});
  for (const auto direction : {waybill::Direction::to_service, waybill::Direction::to_client}) {
    for (const waybill::Serializer* serializer : {json.get(), msgpack.get()}) {
      waybill::Packet packet;
      if (!serializer->parse(bytes, direction, packet)) continue;
      static volatile std::size_t sum;
      sum = sum + touch(packet.payload.view()) + touch(packet.pattern.text) + touch(packet.id.text) +
            touch(packet.metadata.view());
      waybill::Buffer out;
      serializer->compose(packet, out);
    }
    waybill::Packet fast;
    waybill::Packet careful;
    careful.serializer = json.get();
    // The careful reader replaces what is not UTF-8 at once, the fast one leaves that to whoever decodes.
    if (waybill::format::is_utf8(bytes.view()) && waybill::json::parse_any_layout(bytes, direction, careful) &&
        waybill::json::parse_known_layout(bytes, direction, fast) && !same(fast, careful)) {
      std::abort();
    }
  }
  return 0;
}
