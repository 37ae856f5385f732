#include "waybill/payload.hpp"

#include "waybill/fields.hpp"

namespace waybill {

Result<Payload> Serializer::lend(const Slice& payload) const {
  Result<Payload> lent(std::in_place);
  const Result<void> decoded = decode(payload, ValueOut::of(*lent));
  if (!decoded) lent = decoded.error();
  return lent;
}

}  // namespace waybill
