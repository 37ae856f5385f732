// Shows what running services tell of themselves.
#pragma once

#include "arguments.hpp"
#include "outcome.hpp"
#include <waybill/log.hpp>

namespace waybill::cli {

/// Once, a line for each service.
Outcome ps(const Arguments& arguments, const Log& log);
/// Until Ctrl-C, a line for each of their handlers, with what happened since the last look.
Outcome top(const Arguments& arguments, const Log& log);

/// A document of its handlers.
Outcome describe_service(const Arguments& arguments, const Log& log);

}  // namespace waybill::cli
