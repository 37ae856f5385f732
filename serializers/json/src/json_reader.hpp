// The Reader of JSON (waybill/detail/walk_decode.hpp), over simdjson's on-demand front end.
#pragma once

#include "json_number.hpp"
#include "json_parsers.hpp"
#include "json_scan.hpp"
#include "json_text.hpp"
#include "waybill/detail/walk_decode.hpp"

#include <simdjson.h>

#include <string>
#include <string_view>
#include <utility>

namespace waybill::json {

using detail::Found;
using detail::Read;
namespace ondemand = simdjson::ondemand;

/// Value is an ondemand::value, or an ondemand::document at the top.
class Reader {
 public:
  Reader(const Slice& payload, const Serializer& serializer)
      : payload_(payload),
        end_(payload.data() + payload.size()),
        serializer_(serializer),
        document_text_(payload.view()) {}

  /// The name of a member, before its value is read.
  class Key {
   public:
    Key(const char* raw, Reader& reader) : raw_(raw), reader_(reader) {}
    bool is(const Field& field) const noexcept {
      // The field's `,"name":` without comma, quote and colon: a name and its closing quote.
      const std::size_t size = field.json_key.size() - 3;
      return detail::equal_short(raw_, field.json_key.data() + 2, size);
    }
    bool is_exact() const noexcept { return *find_quote_or_backslash(raw_, reader_.end_) == '"'; }
    std::string_view text() {
      std::string_view text;
      reader_.unquote(raw_, text, reader_.key_);
      return text;
    }

   private:
    const char* raw_;
    Reader& reader_;
  };

  template <class Value>
  Found found(Value& from) {
    const std::string_view token = token_of(from);
    if (token.empty()) return Found::unknown;
    switch (token.front()) {
      case '"': return Found::text;
      case '{': return Found::map;
      case '[': return Found::list;
      case 't':
      case 'f': return Found::boolean;
      case 'n': return token == "null" ? Found::null : Found::unknown;
      default: return Found::number;
    }
  }

  template <class Value>
  Read boolean(Value& from, bool& to) {
    return read_of(from.get_bool().get(to));
  }

  template <class Value>
  Read integer(Value& from, std::int64_t& to) {
    if (!from.get_int64().get(to)) [[likely]]
      return Read::ok;
    bool negative = false;
    std::uint64_t magnitude = 0;
    if (const Read read = other_integer(from, negative, magnitude); read != Read::ok) return read;
    if (magnitude > std::uint64_t{INT64_MAX} + negative) return Read::range;
    to = negative ? static_cast<std::int64_t>(0 - magnitude) : static_cast<std::int64_t>(magnitude);
    return Read::ok;
  }

  template <class Value>
  Read natural(Value& from, std::uint64_t& to) {
    if (!from.get_uint64().get(to)) [[likely]]
      return Read::ok;
    bool negative = false;
    if (const Read read = other_integer(from, negative, to); read != Read::ok) return read;
    return negative && to ? Read::range : Read::ok;
  }

  template <class Value>
  Read number(Value& from, double& to) {
    if (!from.get_double().get(to)) [[likely]]
      return Read::ok;
    if (found(from) != Found::number) return Read::mismatch;
    const std::string_view token = token_of(from);
    if (!read_number(token, to)) return malformed_token(token);
    return Read::ok;
  }

  template <class Value>
  int any_number(Value& from, std::int64_t& integer, std::uint64_t& natural, double& number) {
    if (!from.get_int64().get(integer)) return 0;
    if (!from.get_uint64().get(natural)) return 1;
    return this->number(from, number) == Read::ok ? 2 : -1;
  }

  template <class Value>
  Read text(Value& from, std::string_view& to) {
    ondemand::raw_json_string raw;
    if (const auto error = from.get_raw_json_string().get(raw)) return read_of(error);
    if (unquote(raw.raw(), to, text_)) [[likely]]
      return Read::ok;
    failure_.set(errc::payload_malformed, "not valid JSON: a text has a wrong escape");
    return Read::malformed;
  }

  template <class Value>
  Read bytes(Value& from, std::string_view& to);

  template <class Value>
  Read raw(Value& from, Payload& to) {
    std::string_view text;
    if (const Read read = source_of(from, text); read != Read::ok) return read;
    to = Payload(payload_.part(text).own(), serializer_);
    return Read::ok;
  }

  template <class Value>
  bool skip(Value&) {
    return true;  // simdjson moves on by itself; at the top decode() looks at what follows a scalar
  }

  template <class Value, class Visit>
  Read list(Value& from, Visit visit) {
    ondemand::array array;
    if (const auto error = from.get_array().get(array)) return read_of(error);
    for (auto item : array) {
      if (item.error()) return read_of(item.error());
      ondemand::value&& value = std::move(item).value_unsafe();  // in place: copies of it stall
      if (!visit(value)) return Read::stopped;
    }
    return Read::ok;
  }

  template <class Value, class Visit>
  Read map(Value& from, Visit visit) {
    ondemand::object object;
    if (const auto error = from.get_object().get(object)) return read_of(error);
    for (auto member : object) {
      if (member.error()) return read_of(member.error());
      ondemand::field&& field = std::move(member).value_unsafe();
      Key key(field.key().raw(), *this);
      if (!visit(key, field.value())) return Read::stopped;
    }
    return Read::ok;
  }

  template <class Value, class Use>
  Read replay(Value& from, Use use) {
    std::string_view text;
    if (const Read read = source_of(from, text); read != Read::ok) return read;
    use([this, text](auto read) {
      Parser parser;
      ondemand::document document;
      if (const auto error = parser.iterate(text).get(document)) return read_of(error) == Read::ok;
      const std::string_view outer = std::exchange(document_text_, text);
      const bool fits = static_cast<bool>(read(document));
      document_text_ = outer;
      return fits;
    });
    return Read::ok;
  }

  template <class Value>
  std::string describe(Value& from) {
    const std::string_view token = token_of(from);
    switch (token.empty() ? '?' : token.front()) {
      case '"': {
        std::string_view text;
        return unquote(token.data() + 1, text, text_) ? detail::quote_for_error(text) : "a broken text";
      }
      case '{': return "an object";
      case '[': return "a list";
      default: return std::string(token.substr(0, 40));
    }
  }

  detail::Failure& failure() { return failure_; }

  /// Whether the top value was checked as a whole, with nothing behind it, and simdjson stands before it still.
  bool has_checked_document() const noexcept { return has_checked_document_; }

  /// Turns what simdjson says into a failure.
  Read read_of(simdjson::error_code error);

 private:
  /// The scalar, or the first character of what is there.
  static std::string_view trim(std::string_view token) noexcept {
    const std::size_t last = token.find_last_not_of(" \n\r\t");
    return token.substr(0, last == std::string_view::npos ? 0 : last + 1);
  }
  static std::string_view token_of(ondemand::value& from) { return trim(from.raw_json_token()); }
  static std::string_view token_of(ondemand::document& from) {
    std::string_view token;
    return from.raw_json_token().get(token) ? std::string_view() : trim(token);
  }

  /// The text of the value, checked, without white space around it.
  Read source_of(ondemand::value& from, std::string_view& text);
  Read source_of(ondemand::document& from, std::string_view& text);
  Read scan_source(const char* start, std::string_view& text);

  template <class Value>
  Read other_integer(Value& from, bool& negative, std::uint64_t& magnitude) {
    if (found(from) != Found::number) return Read::mismatch;
    const std::string_view token = token_of(from);
    if (!is_number(token)) return malformed_token(token);
    if (!detail::exact_integer(token, negative, magnitude)) {
      return token.find_first_of(".eE") == std::string_view::npos ? Read::range : Read::mismatch;
    }
    return Read::ok;
  }

  /// `raw` points behind the opening quote.
  bool unquote(const char* raw, std::string_view& text, std::string& storage);
  Read malformed_token(std::string_view token);

  const Slice& payload_;
  const char* end_;
  const Serializer& serializer_;
  std::string_view document_text_;  // of the document that is read now: the payload, or a value that is replayed
  bool has_checked_document_ = false;
  detail::Failure failure_;
  std::string text_;  // what `text` unescaped last
  std::string key_;   // what Key::text unescaped last
};

}  // namespace waybill::json
