// The middleware of a configuration: from names and options, as they are written, to what makes it.
#pragma once

#include "waybill/config.hpp"
#include "waybill/middleware.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace waybill::detail {

/// What makes the middleware `name` with `options`, a mapping, a single value or nothing; nothing if something is wrong,
/// and then every mistake was told. `origin` is left empty.
std::optional<MiddlewareConfig> read_middleware(const std::string& name, const ConfigNode& options, Context::Side side,
                                                const ConfigMistakes& mistakes);

/// Each middleware that configuration knows, and its options; docs/configuration.md describes them, and a test compares.
std::vector<std::pair<std::string, std::vector<std::string>>> known_middleware();

/// New ones, in order. Throws Error(invalid_config) with every mistake.
std::vector<Middleware> make_middleware(const std::vector<MiddlewareConfig>& list, Context::Side side);

/// Throws Error(invalid_config) if it makes no sense on that side.
void require_side(const Middleware& middleware, Context::Side side);

/// ", through a, b": for descriptions. Empty without any.
std::string describe_chain(const std::vector<Middleware>& chain);

}  // namespace waybill::detail
