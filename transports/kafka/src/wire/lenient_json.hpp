// The json serializer as handlers on Kafka need it: scalars arrive as texts there.
#pragma once

#include "waybill/format/serializer.hpp"

namespace waybill::kafka {

/// Wraps `json`: the text "15" also fits a number and "true" a boolean, a JSON object or array also fits a std::string
/// (as its text), and texts fit bytes. In all else it is `json` itself.
/// One object for each serializer, alive until the program ends: packets refer to it.
const Serializer& lenient(const Serializer& json);

}  // namespace waybill::kafka
