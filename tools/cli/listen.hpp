// The command that waits for messages: listen.
#pragma once

#include "arguments.hpp"
#include "outcome.hpp"
#include <waybill/log.hpp>

namespace waybill::cli {

/// Serves the patterns, and prints each message as a line of JSON until SIGINT, SIGTERM or --count. Blocks.
Outcome listen(const Arguments& arguments, const Log& log);

}  // namespace waybill::cli
