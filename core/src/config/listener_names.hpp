// Listeners by their names: what refers to them, and that it can.
#pragma once

#include "config/config_options.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace waybill::detail {

/// Its place in config.listeners. Error: invalid_config, with the nearest name.
Result<std::size_t> find_listener(const Config& config, std::string_view name);

/// Appends what is wrong with names: two of one name, and clients `self:NAME` of which there is no listener.
void check_names(const Config& config, Mistakes& mistakes);

/// Its URL, where that is `self:NAME` replaced by that of the listener; a port that is 0 stays so. Error: invalid_config.
Result<ClientConfig> resolve_own(const Config& config, const ClientConfig& client);

}  // namespace waybill::detail
