#include "wire/lenient_json.hpp"

#include "waybill/fields.hpp"

#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace waybill::kafka {
namespace {

class LenientJson final : public Serializer {
 public:
  explicit LenientJson(const Serializer& json) noexcept : json_(json) {}

  std::string_view name() const noexcept override { return json_.name(); }
  std::string_view content_type() const noexcept override { return json_.content_type(); }
  bool is_json() const noexcept override { return true; }
  Result<void> encode(ValueRef value, Buffer& out) const override { return json_.encode(value, out); }
  void compose(const Packet& packet, Buffer& out) const override { json_.compose(packet, out); }
  Result<void> parse(const Slice& bytes, Direction direction, Packet& packet) const override {
    return json_.parse(bytes, direction, packet);
  }

  Result<void> decode(const Slice& payload, ValueOut out) const override {
    const std::string_view text = payload.view();
    const bool is_text = text.size() >= 2 && text.front() == '"' && text.back() == '"';
    const Kind kind = out.type->kind;
    const bool is_scalar = kind >= Kind::boolean && kind <= Kind::float64;
    if (is_text && is_scalar) {
      const std::string_view inner = text.substr(1, text.size() - 2);
      if (inner.find_first_of("\\\"") == std::string_view::npos && json_.decode(payload.part(inner), out)) return {};
      return json_.decode(payload, out);  // says what was expected
    }
    Result<void> strict = json_.decode(payload, out);
    if (strict || strict.error().code() != errc::payload_mismatch) return strict;
    return decode_otherwise(payload, is_text, out) ? Result<void>() : strict;
  }

 private:
  bool decode_otherwise(const Slice& payload, bool is_text, ValueOut out) const {
    std::string text;
    if (is_text && !json_.decode(payload, ValueOut::of(text))) return false;
    if (out.type->kind == Kind::bytes) {
      static_cast<const BytesType*>(out.type)->assign(out.address, is_text ? std::string_view(text) : payload.view());
      return true;
    }
    if (!is_text) {
      const bool is_compound = payload.view().starts_with('{') || payload.view().starts_with('[');
      if (out.type->kind != Kind::text || !is_compound) return false;
      static_cast<std::string*>(out.address)->assign(payload.view());
      return true;
    }
    return !text.empty() && json_.decode(Slice::copy(text), out).has_value();
  }

  const Serializer& json_;
};

}  // namespace

const Serializer& lenient(const Serializer& json) {
  static std::mutex mutex;
  // Never destroyed: a handful, and packets of other statics may still refer to one.
  static auto& all = *new std::map<const Serializer*, std::unique_ptr<LenientJson>>();
  const std::lock_guard lock(mutex);
  auto& one = all[&json];
  if (!one) one = std::make_unique<LenientJson>(json);
  return *one;
}

}  // namespace waybill::kafka
