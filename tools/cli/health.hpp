// waybill health: what a program says of itself over HTTP, as an exit code.
#pragma once

#include "arguments.hpp"
#include "outcome.hpp"

namespace waybill::cli {

/// Blocks, for `--timeout` at most.
Outcome health(const Arguments& arguments);

}  // namespace waybill::cli
