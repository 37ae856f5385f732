// What a file's tree needs around core's own reading: variables filled in before, sections of others read after.
#include "config/config_tree.hpp"
#include "config/dotenv.hpp"
#include "config/url_text.hpp"
#include "waybill/error.hpp"

#include <algorithm>
#include <exception>

namespace waybill::detail {
namespace {

constexpr std::size_t k_most_shown = 100;  // bytes of what a variable holds

/// Whether a variable's value may be shown: it is called a port, and stands where no user and no options of a URL are.
/// Any other may hold a secret.
bool is_port(std::string_view variable, std::string_view key, std::string_view written, std::string_view value) {
  constexpr std::string_view k_not_plain = "@?";
  return (variable == "PORT" || variable.ends_with("_PORT")) && !is_secret_name(key) && !is_secret_name(variable) &&
         written.find_first_of(k_not_plain) == std::string_view::npos &&
         value.find_first_of(k_not_plain) == std::string_view::npos && value.size() <= k_most_shown;
}

/// ` (PORT is "abc")`, for mistakes: those that are set, ports with their values.
std::string variables_in(std::string_view key, const std::string& written, const Variables& variables) {
  std::string told;
  for (std::size_t at = 0; (at = written.find("${", at)) != std::string::npos; at += 2) {
    if (at > 0 && written[at - 1] == '$') continue;  // a plain one
    const std::string name = written.substr(at + 2, written.find_first_of(":}", at) - at - 2);
    const std::string* value = variables.find(name);
    if (!value || value->empty()) continue;
    const bool is_shown = is_port(name, key, written, *value);
    told += (told.empty() ? " (" : ", ") + name + (is_shown ? " is \"" + *value + '"' : " is set");
  }
  return told.empty() ? told : told + ')';
}

/// `key`: of the member that the node is; may be empty.
void fill(ConfigNode& node, std::string_view key, const ConfigMistakes& mistake, const Variables& variables,
          Mistakes& mistakes) {
  if (node.is_text()) {
    const std::size_t before = mistakes.size();
    node.text = expand(variables, node.written, mistake.where(node), mistakes);
    node.is_filled = mistakes.size() == before;
    node.variables = variables_in(key, node.written, variables);
  }
  for (ConfigNode& item : node.items) fill(item, key, mistake, variables, mistakes);
  for (auto& [name, value] : node.members) {
    fill(name, {}, mistake, variables, mistakes);
    fill(value, name.text, mistake, variables, mistakes);
  }
}

void require_own_keys(std::span<const ConfigSection> sections) {
  std::vector<std::string_view> taken{"listeners", "clients", "middleware"};
  for (const Setting& setting : settings()) taken.push_back(setting.key);
  for (const ConfigSection& section : sections) {
    if (std::find(taken.begin(), taken.end(), section.key) != taken.end()) {
      throw Error(errc::invalid_config, "the section \"" + section.key + "\" has a reader already", End::rejected);
    }
    taken.push_back(section.key);
  }
}

}  // namespace

void fill_tree(ConfigNode& tree, std::string_view name, const Variables& variables, Mistakes& mistakes) {
  const ConfigMistakes mistake(name, mistakes);
  for (ConfigNode& item : tree.items) fill(item, {}, mistake, variables, mistakes);
  for (auto& [key, value] : tree.members) {
    if (key.written.starts_with("x-")) continue;
    fill(key, {}, mistake, variables, mistakes);
    fill(value, key.text, mistake, variables, mistakes);
  }
}

void read_sections(const ConfigNode& tree, std::string_view name, std::span<const ConfigSection> sections,
                   const Config& config, Mistakes& mistakes) {
  require_own_keys(sections);
  const ConfigMistakes mistake(name, mistakes);
  for (const auto& [key, value] : tree.members) {
    const auto section = std::find_if(sections.begin(), sections.end(),
                                      [&name = key.text](const ConfigSection& one) { return one.key == name; });
    if (section == sections.end()) continue;
    try {
      section->read(value, config, mistake);
    } catch (const Error& error) {
      append_mistakes(error, mistake.where(value) + ": ", mistakes);
    }
  }
}

}  // namespace waybill::detail
