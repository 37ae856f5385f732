// A configuration file as a tree with line numbers: what is between the YAML library and the meaning of its content.
#pragma once

#include "config/config_options.hpp"
#include "waybill/config.hpp"
#include "waybill/config_section.hpp"
#include "waybill/result.hpp"

#include <span>
#include <string>
#include <string_view>

namespace waybill::detail {

/// Reads YAML into a tree of at most 16 levels and 10,000 nodes, whose variables are not filled in yet.
/// Errors: invalid_config with "name:line: ..."; if YAML was not built in, the CMake option that enables it.
Result<ConfigNode> read_yaml(std::string_view yaml, std::string_view name);

/// Fills variables in, but for what is below keys that begin with `x-`: a place for anchors.
void fill_tree(ConfigNode& tree, std::string_view name, const Variables& variables, Mistakes& mistakes);

/// What a file says, added to `config`. `name` is the file's, for mistakes. The keys of `sections` are left alone.
void read_tree(const ConfigNode& tree, std::string_view name, std::span<const ConfigSection> sections, Config& config,
               Mistakes& mistakes);

/// Has the sections read that the file has. REQUIRES: all else is read.
void read_sections(const ConfigNode& tree, std::string_view name, std::span<const ConfigSection> sections,
                   const Config& config, Mistakes& mistakes);

/// What the WAYBILL_ variables of `config` say, written over the rest of it.
void read_variables(Config& config, Mistakes& mistakes);

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
