// What is wrong with an application's configuration although each part of it is well formed.
#pragma once

#include "waybill/application_config.hpp"
#include "waybill/detail/mistakes.hpp"
#include "waybill/registry.hpp"

namespace waybill {

/// Appends what an Application refuses: parts that are missing, and paths and addresses that two parts want. With where it was written.
void check_parts(const ApplicationConfig& config, const Registry& registry, detail::Mistakes& mistakes);

}  // namespace waybill
