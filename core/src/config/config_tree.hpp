// A configuration file as a tree with line numbers: what is between the YAML library and the meaning of its content.
#pragma once

#include "config/config_options.hpp"
#include "config/dotenv.hpp"
#include "waybill/config.hpp"
#include "waybill/result.hpp"

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace waybill::detail {

struct ConfigMember;

struct ConfigNode {
  enum class Kind { nothing, text, list, map };
  Kind kind = Kind::nothing;
  std::size_t line = 0;  ///< From 1.
  std::string text;
  std::vector<ConfigNode> items;
  std::vector<ConfigMember> members;  ///< In the file's order; keys may be repeated.
};

struct ConfigMember {
  ConfigNode key;  ///< A text.
  ConfigNode value;
};

/// Reads YAML into a tree of at most 16 levels and 10,000 nodes.
/// Errors: invalid_config with "name:line: ..."; if YAML was not built in, the CMake option that enables it.
Result<ConfigNode> read_yaml(std::string_view yaml, std::string_view name);

/// What a file says, added to `config`. `name` is the file's, for mistakes.
void read_tree(const ConfigNode& tree, std::string_view name, const Variables& variables, Config& config,
               Mistakes& mistakes);

/// What the WAYBILL_ variables say, written over `config`.
void read_variables(const Variables& variables, Config& config, Mistakes& mistakes);

/// A setting of the whole service: its key in a file, and its variable.
struct Setting {
  std::string_view key;
  std::string_view variable;
  /// Sets it; returns what was expected if `text` is not that, and null if all is well.
  const char* (*set)(Config& config, std::string_view text);
};

/// All of them; docs/configuration.md describes each in one sentence, and a test compares the two.
std::span<const Setting> settings() noexcept;

}  // namespace waybill::detail
