// The commands that call: request, stream and emit.
#pragma once

#include "arguments.hpp"
#include "outcome.hpp"
#include <waybill/log.hpp>

namespace waybill::cli {

/// Connects, makes the call, prints the values that come to standard output as they come. Blocks until its end.
Outcome call(const Arguments& arguments, const Log& log);

}  // namespace waybill::cli
