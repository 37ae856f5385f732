#include "waybill/format/coding.hpp"

#include "waybill/payload.hpp"

#include <cctype>
#include <charconv>

namespace waybill::format {

void Failure::at_field(std::string_view name) {
  std::string step = ".";
  step += name;
  path_.insert(0, step);
}

void Failure::at_index(std::size_t index) {
  std::string step = "[";
  step += std::to_string(index);
  step += ']';
  path_.insert(0, step);
}

Error Failure::error(const TypeInfo& type) const {
  std::string text;
  if (type.kind == Kind::object) {
    for (const char c : type.name) text += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  } else {
    text = "payload";
  }
  text += path_;
  text += ": ";
  text += problem.empty() ? "the value does not fit" : problem;
  return Error(code, std::move(text), End::rejected);
}

Error Failure::reading_error(const TypeInfo& type) const {
  Failure mismatch = *this;
  if (code == errc::too_large) mismatch.code = errc::payload_mismatch;
  return mismatch.error(type);
}

std::string expected_but_found(std::string_view what, std::string_view found) {
  std::string text = "expected ";
  text += what;
  text += ", found ";
  text += found;
  return text;
}

std::string quote_for_error(std::string_view text) {
  constexpr std::size_t k_most = 40;
  std::string quoted = "\"";
  std::size_t size = text.size();
  if (size > k_most) {
    size = k_most;
    while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xC0) == 0x80) --size;  // a whole character
  }
  for (const char c : text.substr(0, size)) quoted += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  quoted += size < text.size() ? "...\"" : "\"";
  return quoted;
}

std::string describe_expected(const TypeInfo& type) {
  switch (type.kind) {
    case Kind::null: return "null";
    case Kind::boolean: return "true or false";
    case Kind::int8:
    case Kind::int16:
    case Kind::int32:
    case Kind::int64: return "an integer";
    case Kind::uint8:
    case Kind::uint16:
    case Kind::uint32:
    case Kind::uint64: return "an integer that is not negative";
    case Kind::float32:
    case Kind::float64: return "a number";
    case Kind::text:
    case Kind::text_view:
    case Kind::text_pointer:
    case Kind::text_array: return "a text";
    case Kind::bytes: return "bytes";
    case Kind::enumeration: return enum_choices(static_cast<const EnumType&>(type));
    case Kind::optional: return describe_expected(static_cast<const OptionalType&>(type).value_type()) + " or null";
    case Kind::list: return "a list";
    case Kind::map: return "an object";
    case Kind::tuple: return "a list of " + std::to_string(static_cast<const TupleType&>(type).items.size()) + " items";
    case Kind::object: return "an object (" + std::string(type.name) + ")";
    case Kind::variant: return "one of several types";
    case Kind::time: return "a time as ISO 8601 text";
    case Kind::dynamic: return "a value for " + std::string(type.name);
    case Kind::raw: return "a value";
  }
  return "a value";
}

std::string time_range_text(const TimeType& type) {
  char text[32];
  std::string range = "a time from ";
  range.append(text, format_iso_time(type.least, text));
  range += " to ";
  range.append(text, format_iso_time(type.most, text));
  return range;
}

std::string count_text(std::size_t count) {
  return "a list of " + std::to_string(count) + (count == 1 ? " item" : " items");
}

std::string number_text(double number) {
  char text[32];
  return {text, std::to_chars(text, text + sizeof text, number).ptr};
}

const EnumType::Entry* find_enum(const EnumType& type, std::int64_t value) noexcept {
  for (const EnumType::Entry& entry : type.entries) {
    if (entry.value == value) return &entry;
  }
  return nullptr;
}

const EnumType::Entry* find_enum(const EnumType& type, std::string_view name) noexcept {
  for (const EnumType::Entry& entry : type.entries) {
    if (entry.name == name) return &entry;
  }
  return nullptr;
}

std::string_view enum_name(const EnumType& type, std::int64_t value) noexcept {
  const EnumType::Entry* entry = find_enum(type, value);
  return entry ? entry->name : std::string_view();
}

std::string enum_choices(const EnumType& type) {
  constexpr std::size_t k_most = 12;
  std::string text;
  const std::size_t count = type.entries.size();
  for (std::size_t i = 0; i < count && i < k_most; ++i) {
    if (i) text += i + 1 == count ? " or " : ", ";
    text += type.entries[i].name;
  }
  if (count > k_most) text += ", ...";
  return text.empty() ? "a name of " + std::string(type.name) : text;
}

bool decode_nothing(ValueOut out, Failure& failure) {
  switch (out.type->kind) {
    case Kind::null: return true;
    case Kind::optional: static_cast<const OptionalType*>(out.type)->reset(out.address); return true;
    case Kind::raw: *static_cast<Payload*>(out.address) = Payload(); return true;
    default: break;
  }
  return failure.set(errc::payload_mismatch, expected_but_found(describe_expected(*out.type), "no payload"));
}

bool exact_integer(std::string_view number, bool& negative, std::uint64_t& magnitude) noexcept {
  negative = !number.empty() && number.front() == '-';
  if (negative) number.remove_prefix(1);
  const std::size_t e = number.find_first_of("eE");
  std::int64_t exponent = 0;
  if (e != std::string_view::npos) {
    std::string_view text = number.substr(e + 1);
    if (!text.empty() && text.front() == '+') text.remove_prefix(1);
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), exponent);
    if (error != std::errc() || end != text.data() + text.size() || exponent > 100'000 || exponent < -100'000) {
      return false;
    }
    number = number.substr(0, e);
  }
  const std::size_t point = number.find('.');
  const std::size_t whole = point == std::string_view::npos ? number.size() : point;
  // Digit number i stands at 10^(whole - 1 - i + exponent), where the point counts as no digit.
  magnitude = 0;
  std::int64_t power = static_cast<std::int64_t>(whole) + exponent;
  for (const char c : number) {
    if (c == '.') continue;
    if (c < '0' || c > '9') return false;
    --power;
    const auto digit = static_cast<std::uint64_t>(c - '0');
    if (power < 0) {
      if (digit) return false;  // a fraction
      continue;
    }
    if (magnitude > (UINT64_MAX - digit) / 10) return false;
    magnitude = magnitude * 10 + digit;
  }
  for (; power > 0 && magnitude; --power) {
    if (magnitude > UINT64_MAX / 10) return false;
    magnitude *= 10;
  }
  return true;
}

}  // namespace waybill::format
