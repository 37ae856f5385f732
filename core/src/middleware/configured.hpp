// The middleware of a configuration: from names and options, as they are written, to what makes it.
#pragma once

#include "waybill/config.hpp"
#include "waybill/middleware.hpp"

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace waybill::detail {

/// One option of a middleware.
struct WrittenOption {
  std::string name;   ///< Empty: the value stands beside the middleware's name, as in "timeout: 5s".
  std::string value;  ///< With variables filled in.
  std::string shown;  ///< For mistakes: as the file has it.
  std::size_t line = 0;
};

struct WrittenMiddleware {
  std::string name;
  std::size_t line = 0;
  std::vector<WrittenOption> options;
};

using MistakeAt = std::function<void(std::size_t line, std::string what)>;

/// What makes it; nothing if something is wrong, and then every mistake was told. `origin` is left empty.
std::optional<MiddlewareConfig> read_middleware(const WrittenMiddleware& written, Context::Side side,
                                                const MistakeAt& mistake);

/// Each middleware that configuration knows, and its options; docs/configuration.md describes them, and a test compares.
std::vector<std::pair<std::string, std::vector<std::string>>> known_middleware();

/// New ones, in order. Throws Error(invalid_config) with every mistake.
std::vector<Middleware> make_middleware(const std::vector<MiddlewareConfig>& list, Context::Side side);

/// Throws Error(invalid_config) if it makes no sense on that side.
void require_side(const Middleware& middleware, Context::Side side);

/// ", through a, b": for descriptions. Empty without any.
std::string describe_chain(const std::vector<Middleware>& chain);

}  // namespace waybill::detail
