// A page of Prometheus, taken apart.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <string_view>

namespace waybill::test {

/// Values by what stands in front of them: `up{job="a"}`.
class MetricsPage {
 public:
  explicit MetricsPage(std::string_view text) {
    while (!text.empty()) {
      const std::string_view line = text.substr(0, text.find('\n'));
      text.remove_prefix(std::min(line.size() + 1, text.size()));
      const std::size_t gap = line.rfind(' ');
      if (line.starts_with('#') || gap == std::string_view::npos) continue;
      values_[std::string(line.substr(0, gap))] = std::stod(std::string(line.substr(gap + 1)));
    }
  }
  const std::map<std::string, double>& values() const noexcept { return values_; }
  double at(const std::string& sample) const {
    const auto found = values_.find(sample);
    return found == values_.end() ? -1 : found->second;
  }
  /// Of all samples of that name with that in their labels.
  double sum(const std::string& name, const std::string& label = {}) const {
    double sum = 0;
    for (const auto& [sample, value] : values_) {
      const bool is_it = sample == name || sample.starts_with(name + '{');
      if (is_it && sample.find(label) != std::string::npos) sum += value;
    }
    return sum;
  }

 private:
  std::map<std::string, double> values_;
};

}  // namespace waybill::test
