// RecordedValue: a value of any shape on its way from one format to another.
#pragma once

#include "waybill/fields.hpp"

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace waybill::format {

/// Remembers a value as the calls that describe it, so that order, 64-bit integers and bytes survive.
/// Decode one format into it, encode it with another serializer.
class RecordedValue {
 public:
  struct Null {};
  struct Bytes {
    std::string content;
  };
  struct Key {
    std::string name;
  };
  struct Begin {
    bool is_map;
    std::size_t size;
  };
  struct End {
    bool is_map;
  };
  using Step = std::variant<Null, bool, std::int64_t, std::uint64_t, double, std::string, Bytes, Key, Begin, End>;

  const std::vector<Step>& steps() const noexcept { return steps_; }
  std::vector<Step>& steps() noexcept { return steps_; }

 private:
  std::vector<Step> steps_;
};

}  // namespace waybill::format

template <>
struct waybill::Describe<waybill::format::RecordedValue> {
  static constexpr Kind k_kind = Kind::dynamic;
  static const TypeInfo& info();
};
