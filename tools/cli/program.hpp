// Programs that are a configuration file: served, or checked.
#pragma once

#include "arguments.hpp"
#include "outcome.hpp"

namespace waybill::cli {

/// Until a signal ends it.
Outcome gateway(const Arguments& arguments);
Outcome check(const Arguments& arguments);
/// Prints a document of it.
Outcome describe(const Arguments& arguments);

}  // namespace waybill::cli
