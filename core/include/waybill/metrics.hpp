// Figures of a transport, given to one function that the host brings. Handed down, never global.
#pragma once

#include <functional>
#include <string_view>

namespace waybill {

/// Takes one figure as it is now, by its name: ("consumer.messages", 1200). The page of each transport says what it
/// tells, and how often; most tell nothing. Called on the executor of the listener or client.
using MetricSink = std::function<void(std::string_view name, double value)>;

}  // namespace waybill
