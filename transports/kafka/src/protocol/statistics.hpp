// librdkafka's statistics, a JSON text, as single figures. Pure.
#pragma once

#include "waybill/metrics.hpp"

#include <string>
#include <string_view>

namespace waybill::kafka {

/// Tells every number in `json` by its place: the names on the way to it, joined by dots, after `prefix`.
/// What is no JSON ends it early.
void tell_statistics(std::string_view json, std::string_view prefix, const MetricSink& sink);

}  // namespace waybill::kafka
