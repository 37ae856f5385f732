// A serializer that has a name and nothing else, for tests of what picks serializers.
#pragma once

#include "waybill/format/serializer.hpp"

#include <string>
#include <string_view>

namespace waybill::test {

class NamedSerializer final : public Serializer {
 public:
  explicit NamedSerializer(std::string_view name) : name_(name) {}
  std::string_view name() const noexcept override { return name_; }
  std::string_view content_type() const noexcept override { return "application/x-test"; }
  Result<void> encode(ValueRef, Buffer&) const override { return {}; }
  Result<void> decode(const Slice&, ValueOut) const override { return {}; }
  void compose(const Packet&, Buffer&) const override {}
  Result<void> parse(const Slice&, Direction, Packet&) const override { return {}; }

 private:
  std::string name_;
};

}  // namespace waybill::test
