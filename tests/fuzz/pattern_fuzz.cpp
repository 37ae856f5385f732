// Patterns from arbitrary bytes: no crash, no search that grows with the square of the input, and routes that hold
// still: what from_json sends is looked up as its own route.
#include "pattern/pattern_route.hpp"
#include "service/collation.hpp"
#include "waybill/error.hpp"
#include "waybill/format/json_text.hpp"
#include "waybill/format/utf8.hpp"
#include "waybill/pattern.hpp"

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

using namespace waybill;

void require(bool holds) {
  if (!holds) std::abort();
}

void check_from_json(std::string_view text) {
  try {
    const Pattern pattern = Pattern::from_json(text);
    std::string route;
    // A text is looked up as JSON if it can be: then its route is another one, as with NestJS.
    if (pattern.term().is_json && pattern.term().text != "null") {
      require(lookup_route(pattern.term(), route));
      require(route == pattern.route());
    }
    std::string compacted;
    std::size_t mistake_at = 0;
    if (pattern.term().is_json) {
      require(format::compact_json(pattern.term().text, 128, compacted, mistake_at));
      require(compacted == pattern.term().text);
    }
    require(format::is_utf8(pattern.route()));
  } catch (const Error& error) {
    require(error.code() == errc::invalid_config);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::string route;
  lookup_route({text, false}, route);
  lookup_route({text, true}, route);
  check_from_json(text);

  const std::string_view front = text.substr(0, size / 2);
  const std::string_view back = text.substr(size / 2);
  require(detail::collate(text, text) == 0);
  require((detail::collate(front, back) < 0) == (detail::collate(back, front) > 0));
  if (matches(front, back)) require(!front.empty() || back.empty());

  format::JsonReader reader(text);
  std::string json_route;
  const bool is_json = reader.skip_value() && reader.at_end();
  require(is_json == (detail::route_of_json(text, json_route) != detail::RouteKind::not_json));
  return 0;
}
