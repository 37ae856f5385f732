// The command that decides about messages that were given up: dlq ls, show, replay, drop.
#pragma once

#include "arguments.hpp"
#include "outcome.hpp"
#include <waybill/log.hpp>

namespace waybill::cli {

/// Prints or decides about the dead letters of a listener's URL, one line of JSON each. Blocks.
Outcome dlq(const Arguments& arguments, const Log& log);

}  // namespace waybill::cli
