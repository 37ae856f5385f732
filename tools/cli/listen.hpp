// The command that waits for messages: listen.
#pragma once

#include <waybill/log.hpp>

#include "arguments.hpp"
#include "outcome.hpp"

namespace waybill::cli {

/// Serves the patterns, and prints each message as a line of JSON until SIGINT, SIGTERM or --count. Blocks.
Outcome listen(const Arguments& arguments, const Log& log);

}  // namespace waybill::cli
