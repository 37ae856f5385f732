// The command that shows what is built in: transports.
#pragma once

#include "outcome.hpp"

namespace waybill::cli {

/// Prints a Markdown table of every transport's capabilities, as the code declares them.
Outcome transports();

}  // namespace waybill::cli
