// What is wrong with an application's configuration although each part of it is well formed.
#pragma once

#include "waybill/application_config.hpp"

#include <string>
#include <vector>

namespace waybill {

/// Appends what an Application refuses: parts that are missing, and paths that two parts want. With where it was written.
void check_parts(const ApplicationConfig& config, std::vector<std::string>& mistakes);
/// As one Error(invalid_config), a line each, if there are any.
void throw_all(const std::vector<std::string>& mistakes);

}  // namespace waybill
