// What is wrong with an application's configuration although each part of it is well formed.
#pragma once

#include "waybill/application_config.hpp"
#include "waybill/detail/mistakes.hpp"

namespace waybill {

/// Appends what an Application refuses: parts that are missing, and paths that two parts want. With where it was written.
void check_parts(const ApplicationConfig& config, detail::Mistakes& mistakes);

}  // namespace waybill
