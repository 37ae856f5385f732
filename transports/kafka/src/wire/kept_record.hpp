// A record with its bytes.
#pragma once

#include "wire/wire.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace waybill::kafka {

/// A record that outlives where it came from.
struct KeptRecord {
  std::int64_t offset = 0;
  std::optional<std::string> key;
  std::optional<std::string> value;
  std::vector<std::pair<std::string, std::optional<std::string>>> headers;

  explicit KeptRecord(const IncomingRecord& record);
  explicit KeptRecord(const OutgoingRecord& record);
  /// Borrowed from this one.
  IncomingRecord view(std::string_view topic) const;
};

}  // namespace waybill::kafka
