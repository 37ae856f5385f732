#include "statistics.hpp"

#include <charconv>
#include <vector>

namespace waybill::kafka {

void tell_statistics(std::string_view json, std::string_view prefix, const MetricSink& sink) {
  std::string name(prefix);
  std::vector<std::size_t> outer;  // how long the name is outside of each object that is open
  while (!json.empty()) {
    const char first = json.front();
    if (first == '-' || (first >= '0' && first <= '9')) {
      double value = 0;
      const auto [end, mistake] = std::from_chars(json.data(), json.data() + json.size(), value);
      if (mistake != std::errc() || outer.empty()) return;
      sink(name, value);
      json.remove_prefix(static_cast<std::size_t>(end - json.data()));
      continue;
    }
    json.remove_prefix(1);
    if (first == '{') {
      outer.push_back(name.size());
    } else if (first == '}') {
      if (outer.empty()) return;
      name.resize(outer.back());
      outer.pop_back();
    } else if (first == '"') {
      const std::size_t end = json.find('"');  // names of brokers, topics and figures hold nothing that is escaped
      if (end == std::string_view::npos) return;
      const std::string_view text = json.substr(0, end);
      json.remove_prefix(end + 1);
      const std::size_t next = json.find_first_not_of(" \n");
      if (outer.empty() || next == std::string_view::npos || json[next] != ':') continue;  // a text for a value
      name.resize(outer.back());
      name += '.';
      name += text;
    }
  }
}

}  // namespace waybill::kafka
