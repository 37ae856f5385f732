#include "waybill/config.hpp"

#include "config/config_tree.hpp"
#include "config/dotenv.hpp"
#include "config/listener_names.hpp"
#include "waybill/detail/nearest.hpp"
#include "waybill/error.hpp"

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <system_error>

namespace waybill {
namespace {

constexpr std::size_t k_longest_file = 1 << 20;  // bytes

[[noreturn]] void fail(std::string message) { throw Error(errc::invalid_config, std::move(message), End::rejected); }

std::string read_file(const std::string& file) {
  errno = 0;
  std::ifstream stream(file, std::ios::binary);
  std::string text(k_longest_file + 1, '\0');
  if (stream) stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!stream.is_open() || stream.bad()) fail(file + ": cannot be read: " + std::generic_category().message(errno));
  text.resize(static_cast<std::size_t>(stream.gcount()));
  if (text.size() > k_longest_file) fail(file + ": longer than 1 MiB");
  return text;
}

/// From all there is, in the order of its weight: the file, then the variables.
Config assemble(const std::string_view* yaml, std::string_view name, const std::vector<ConfigSection>& sections,
                const Registry* registry, Variables variables, detail::Mistakes mistakes) {
  Config config;
  config.variables = std::move(variables);
  ConfigNode tree;
  if (yaml) {
    if (auto read = detail::read_yaml(*yaml, name)) {
      tree = *std::move(read);
    } else {
      detail::append_mistakes(read.error(), {}, mistakes);
    }
    detail::fill_tree(tree, name, config.variables, mistakes);
    detail::read_tree(tree, name, sections, config, mistakes);
  }
  detail::read_variables(config, mistakes);
  detail::check_names(config, mistakes);
  if (registry) detail::check_file(*registry, config, mistakes);
  detail::read_sections(tree, name, sections, config, mistakes);
  detail::throw_mistakes(mistakes);
  return config;
}

}  // namespace

Config Config::load(const std::string& file, const std::vector<ConfigSection>& sections, const Registry* registry) {
  const std::string text = read_file(file);
  const std::string_view yaml = text;
  detail::Mistakes mistakes;
  Variables variables = Variables::of_process();
  detail::add_dotenv_file(variables, (std::filesystem::path(file).parent_path() / ".env").string(), mistakes);
  return assemble(&yaml, file, sections, registry, std::move(variables), std::move(mistakes));
}

Config Config::from_env() {
  detail::Mistakes mistakes;
  Variables variables = Variables::of_process();
  detail::add_dotenv_file(variables, ".env", mistakes);
  return assemble(nullptr, {}, {}, nullptr, std::move(variables), std::move(mistakes));
}

Config Config::parse(std::string_view yaml, std::string_view file, const std::vector<ConfigSection>& sections,
                     const Registry* registry) {
  if (yaml.size() > k_longest_file) fail(std::string(file) + ": longer than 1 MiB");
  return assemble(&yaml, file, sections, registry, Variables::of_process(), {});
}

Config Config::listen(const std::vector<std::string>& urls) {
  Config config;
  detail::Mistakes mistakes;
  for (const std::string& text : urls) {
    try {
      config.listeners.push_back(ListenerConfig::from_url(text));
    } catch (const Error& error) {
      detail::append_mistakes(error, {}, mistakes);
    }
  }
  detail::check_names(config, mistakes);
  detail::throw_mistakes(mistakes);
  return config;
}

const ClientConfig& Config::client(std::string_view which) const {
  if (const auto found = clients.find(which); found != clients.end()) return found->second;
  std::vector<std::string> known;
  for (const auto& [known_name, ignored] : clients) known.push_back(known_name);
  fail("no client \"" + std::string(which) + "\" is configured" +
       (known.empty() ? "; there are none at all" : detail::suggestion(which, known)));
}

}  // namespace waybill
