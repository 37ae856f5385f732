#include "json_decode.hpp"

#include "json_reader.hpp"
#include "json_scan.hpp"

namespace waybill::json {
namespace {

/// Whether the payload is one value, and valid as it is. False: a Reader finds out what to make of it.
bool is_whole(const Slice& payload) noexcept {
  const char* const end = payload.data() + payload.size();
  const Scan scan = scan_value(payload.data(), end);
  return scan.outcome == Scan::Outcome::ok && scan.end == end && (payload.is_known_utf8() || is_utf8(payload.view()));
}

}  // namespace

Result<void> decode(const Slice& payload, const Serializer& serializer, ValueOut out) {
  if (out.type->kind == Kind::raw && is_whole(payload)) {
    static_cast<Payload*>(out.address)->assign(payload.own(), serializer);
    return {};
  }
  Reader reader(payload, serializer);
  const std::string_view text = payload.view();
  const auto fail = [&]() -> Result<void> { return reader.failure().reading_error(*out.type); };
  if (text.empty()) return format::decode_nothing(out, reader.failure()) ? Result<void>() : fail();
  if (text.front() == '\xEF' && text.starts_with("\xEF\xBB\xBF")) {
    return Error(errc::payload_malformed, "payload: not valid JSON: it starts with a byte order mark", End::rejected);
  }
  format::Decoder<Reader> decoder(reader, text.size());
  Cursor cursor = reader.start();
  if (!decoder.value(cursor, out.address, *out.type)) return fail();
  if (!reader.is_at_end(cursor)) {
    reader.failure().set(errc::payload_malformed, "not valid JSON: something follows the value");
    return fail();
  }
  return {};
}

Result<Payload> lend(const Slice& payload, const Serializer& serializer) {
  if (is_whole(payload)) return Payload(payload, serializer);
  Result<Payload> lent(std::in_place);
  if (payload.empty()) return lent;
  Reader reader(payload, serializer);
  Cursor cursor = reader.start();
  if (reader.lend(cursor, *lent) == Read::ok) {
    if (reader.is_at_end(cursor)) return lent;
    reader.failure().set(errc::payload_malformed, "not valid JSON: something follows the value");
  }
  return reader.failure().reading_error(type_of<Payload>());
}

}  // namespace waybill::json
