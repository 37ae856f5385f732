// Payloads that are sent as they are.
#pragma once

#include "waybill/payload.hpp"

namespace waybill::detail {

/// The payload that `value` is, if its bytes are in this format already: it needs no encoding. Else null.
inline const Payload* finished(ValueRef value, const Serializer& serializer) noexcept {
  if (value.type->kind != Kind::raw) return nullptr;
  const auto* payload = static_cast<const Payload*>(value.address);
  return payload->serializer() == &serializer ? payload : nullptr;
}

}  // namespace waybill::detail
