// What a file's tree needs around core's own reading: variables filled in before, sections of others read after.
#include "config/config_tree.hpp"
#include "config/dotenv.hpp"
#include "waybill/error.hpp"

#include <algorithm>
#include <exception>

namespace waybill::detail {
namespace {

void fill(ConfigNode& node, const ConfigMistakes& mistake, const Variables& variables, Mistakes& mistakes) {
  if (node.is_text()) {
    const std::size_t before = mistakes.size();
    node.text = expand(variables, node.written, mistake.where(node), mistakes);
    node.is_filled = mistakes.size() == before;
  }
  for (ConfigNode& item : node.items) fill(item, mistake, variables, mistakes);
  for (auto& [key, value] : node.members) {
    fill(key, mistake, variables, mistakes);
    fill(value, mistake, variables, mistakes);
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
  for (ConfigNode& item : tree.items) fill(item, mistake, variables, mistakes);
  for (auto& [key, value] : tree.members) {
    if (key.written.starts_with("x-")) continue;
    fill(key, mistake, variables, mistakes);
    fill(value, mistake, variables, mistakes);
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
