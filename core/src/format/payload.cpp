#include "waybill/payload.hpp"

#include "waybill/fields.hpp"

namespace waybill {

Result<Payload> Serializer::lend(const Slice& payload) const {
  Result<Payload> lent(std::in_place);
  const Result<void> decoded = decode(payload, ValueOut::of(*lent));
  if (!decoded) lent = decoded.error();
  return lent;
}

Result<void> Payload::check() const {
  if (!bytes_.is_unseen()) return {};
  const Result<Payload> whole = serializer_->lend(bytes_.seen());
  if (!whole) return whole.error();
  const std::string_view all = bytes_.view();
  const std::string_view value = whole->bytes_.view();
  // What is left out may be white space around it; what was mended is not what came.
  if (all.find(value) != std::string_view::npos) return {};
  return Error(errc::payload_malformed, "payload: a text is not valid UTF-8", End::rejected);
}

}  // namespace waybill
