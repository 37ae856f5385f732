// URLs, .env texts and YAML files of arbitrary bytes: an answer or an Error that says where, never a crash, and what a
// URL shows of itself reads back as the same.
#include "config/config_tree.hpp"
#include "config/dotenv.hpp"
#include "waybill/config.hpp"
#include "waybill/error.hpp"
#include "waybill/url.hpp"

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace waybill;

void require(bool holds) {
  if (!holds) std::abort();
}

void check_url(std::string_view text) {
  const auto url = Url::parse(text);
  if (!url) {
    require(url.error().code() == errc::invalid_config);
    return;
  }
  const std::string shown = url->redacted();
  const auto again = Url::parse(shown);
  require(again && again->redacted() == shown);
  require(again->hosts.size() == url->hosts.size() && again->path == url->path);
  OptionReader reader(*url);
  reader.number("a|b", 1);
  reader.duration("c", std::chrono::seconds(1));
  reader.size("d", 1);
  reader.choice("e", "x|y", 0);
  require(reader.finish().has_value() || url->options.size() > 0);
  try {
    ListenerConfig::from_url(text);
  } catch (const Error&) {
  }
  try {
    ClientConfig::from_url(text);
  } catch (const Error&) {
  }
}

void check_file(std::string_view text) {
  detail::Mistakes mistakes;
  Config config;
  detail::add_dotenv(config.variables, text, ".env", mistakes);
  detail::expand(config.variables, text, "here", mistakes);
  if (auto tree = detail::read_yaml(text, "file")) {
    detail::fill_tree(*tree, "file", config.variables, mistakes);
    detail::read_tree(*tree, "file", {}, config, mistakes);
  }
  detail::read_variables(config, mistakes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 64 << 10) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_url(text);
  check_file(text);
  return 0;
}
