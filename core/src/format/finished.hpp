// Payloads that are sent as they are.
#pragma once

#include "waybill/payload.hpp"

namespace waybill::detail {

/// The payload that `value` is, if its bytes are in this format already: it needs no encoding. Else null, and of one that
/// nobody has looked at: encoding does.
inline const Payload* finished(ValueRef value, const Serializer& serializer) noexcept {
  if (value.type->kind != Kind::raw) return nullptr;
  const auto* payload = static_cast<const Payload*>(value.address);
  const bool is_ready = payload->serializer() == &serializer && !payload->bytes_as_they_came().is_unseen();
  return is_ready ? payload : nullptr;
}

}  // namespace waybill::detail
