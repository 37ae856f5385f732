// The Writer of JSON (waybill/format/encoder.hpp): appends text to a Buffer.
#pragma once

#include "json_number.hpp"
#include "json_text.hpp"
#include "waybill/format/coding.hpp"
#include "waybill/payload.hpp"

#include <cstdint>
#include <cstring>
#include <string_view>

namespace waybill::json {

class Writer {
 public:
  static constexpr bool k_needs_size = false;

  Writer(Buffer& out, const Serializer& serializer) : out_(out), serializer_(serializer) {}

  void null() { out_.append("null", 4); }
  void boolean(bool value) { value ? out_.append("true", 4) : out_.append("false", 5); }
  void integer(std::int64_t value) { put(write_integer, value); }
  void natural(std::uint64_t value) { put(write_natural, value); }
  template <class Float>
  void number(Float value) {
    put([](Float number, char* to) { return write_number(number, to); }, value);
  }
  bool text(std::string_view value) {
    if (append_quoted(value, out_)) [[likely]]
      return true;
    return failure_.set(errc::payload_mismatch, "the text is not valid UTF-8: send bytes as std::vector<std::byte>");
  }
  bool bytes(std::string_view value);

  void begin_list(std::size_t) { out_.push_back('['); }
  void item(bool first) {
    if (!first) out_.push_back(',');
  }
  void end_list() { out_.push_back(']'); }

  void begin_object(std::size_t) { out_.push_back('{'); }
  void field(const Field& field, bool first) {
    out_.append(field.json_key.data() + first, field.json_key.size() - first);  // without its comma if first
  }
  bool key(std::string_view name, bool first) {
    item(first);
    if (!text(name)) return false;
    out_.push_back(':');
    return true;
  }
  void end_object() { out_.push_back('}'); }

  bool raw(const Payload& payload);
  format::Failure& failure() { return failure_; }

 private:
  template <class Write, class Number>
  void put(Write write, Number value) {
    char* at = out_.prepare(k_number_room);
    out_.commit(static_cast<std::size_t>(write(value, at) - at));
  }

  Buffer& out_;
  const Serializer& serializer_;
  format::Failure failure_;
};

}  // namespace waybill::json
