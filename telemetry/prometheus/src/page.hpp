// A page under way: metrics by name and labels; what comes twice is added up.
#pragma once

#include "cells.hpp"
#include "names.hpp"

#include <prometheus/metric_family.h>

#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace waybill::telemetry {

using Labels = std::vector<std::pair<std::string, std::string>>;

class Page {
 public:
  void add(const Metric& metric, Labels labels, double value);
  void add(const Metric& metric, Labels labels, const Durations& durations);
  std::vector<::prometheus::MetricFamily> families(const Bounds& bounds) const;

 private:
  struct Sample {
    double value = 0;                    // or the sum of a histogram
    std::vector<std::uint64_t> buckets;  // of a histogram
  };
  struct Family {
    const Metric* metric = nullptr;
    std::map<Labels, Sample> samples;
  };
  std::map<std::string_view, Family> families_;
};

/// In UTF-8 whatever comes, without control characters, of at most `most` bytes.
std::string label_text(std::string_view text, std::size_t most = 256);

inline constexpr std::array<Status, 6> k_statuses{Status::idle,    Status::connecting,  Status::ready,
                                                  Status::blocked, Status::interrupted, Status::closed};

inline constexpr std::string_view k_other = "(other)";
inline constexpr std::string_view k_none = "(none)";

}  // namespace waybill::telemetry
