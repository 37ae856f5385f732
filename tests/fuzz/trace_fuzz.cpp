// Traces from arbitrary bytes: no crash, nothing beyond its bounds, nothing passed on that a header may not hold, and
// what was read once reads as the same again.
#include "waybill/trace.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

using namespace waybill;

void require(bool holds) {
  if (!holds) std::abort();
}

bool is_header_text(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return (c >= ' ' && c <= '~') || c == '\t'; });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t first = std::min(text.find('\n'), size);
  const std::size_t second = std::min(text.find('\n', first + 1), size);
  const std::string_view parent = text.substr(0, first);
  const std::string_view state = first < size ? text.substr(first + 1, second - first - 1) : std::string_view();
  const std::string_view baggage = second < size ? text.substr(second + 1) : std::string_view();

  for (const TraceContext& read : {TraceContext::of(parent, state, baggage), TraceContext::of(text, text, text)}) {
    require(read.state.size() <= TraceContext::k_max_state && read.baggage.size() <= TraceContext::k_max_baggage);
    require(is_header_text(read.state) && is_header_text(read.baggage));
    require(read.parent || read.state.empty());
    Headers headers;
    read.write_to(headers);
    const TraceContext again = TraceContext::of(headers);
    require(again.parent == read.parent && again.state == read.state && again.baggage == read.baggage);
    if (read.parent) {
      require(read.parent->to_text().size() == 55);
      require(Traceparent::parse(read.parent->next().to_text())->trace_id == read.parent->trace_id);
    }
  }
  return 0;
}
