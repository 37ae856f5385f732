#include "waybill/format/json_text.hpp"

#include "waybill/format/utf8.hpp"

#include <charconv>
#include <cmath>
#include <limits>
#include <system_error>

namespace waybill::format {
namespace {

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

/// What a number is that from_chars found out of range: far above or far below one.
/// REQUIRES: `digits` is a valid JSON number.
double out_of_range(std::string_view digits) noexcept {
  const bool negative = digits.front() == '-';
  if (negative) digits.remove_prefix(1);
  const std::size_t exponent_at = digits.find_first_of("eE");
  const std::string_view mantissa = digits.substr(0, exponent_at);
  const std::size_t first = mantissa.find_first_not_of("0.");
  if (first == std::string_view::npos) return 0;
  std::size_t point = mantissa.find('.');
  if (point == std::string_view::npos) point = mantissa.size();
  long long exponent = 0;
  if (exponent_at != std::string_view::npos) {
    std::string_view text = digits.substr(exponent_at + 1);
    const bool down = text.front() == '-';
    if (down || text.front() == '+') text.remove_prefix(1);
    for (const char c : text) exponent = exponent > 100'000'000 ? exponent : exponent * 10 + (c - '0');
    if (down) exponent = -exponent;
  }
  const long long magnitude = exponent + static_cast<long long>(point) - static_cast<long long>(first);
  const double value = magnitude > 0 ? std::numeric_limits<double>::infinity() : 0.0;
  return negative ? -value : value;
}

}  // namespace

char JsonReader::peek() noexcept {
  while (offset_ < text_.size()) {
    const char c = text_[offset_];
    if (c != ' ' && c != '\t' && c != '\n' && c != '\r') return c;
    ++offset_;
  }
  return '\0';
}

bool JsonReader::take(char c) noexcept {
  if (peek() != c || offset_ == text_.size()) return false;
  ++offset_;
  return true;
}

bool JsonReader::read_hex(unsigned& unit) noexcept {
  if (text_.size() - offset_ < 4) return false;
  unit = 0;
  const char* const begin = text_.data() + offset_;
  const auto [end, error] = std::from_chars(begin, begin + 4, unit, 16);
  if (error != std::errc{} || end != begin + 4) return false;
  offset_ += 4;
  return true;
}

bool JsonReader::read_escape(std::string& content) {
  if (offset_ == text_.size()) return false;
  switch (text_[offset_++]) {
    case '"': content += '"'; return true;
    case '\\': content += '\\'; return true;
    case '/': content += '/'; return true;
    case 'b': content += '\b'; return true;
    case 'f': content += '\f'; return true;
    case 'n': content += '\n'; return true;
    case 'r': content += '\r'; return true;
    case 't': content += '\t'; return true;
    case 'u': break;
    default: --offset_; return false;
  }
  unsigned unit = 0;
  if (!read_hex(unit)) return false;
  char32_t code_point = unit;
  if (unit >= 0xD800 && unit < 0xE000) {
    code_point = 0xFFFD;
    if (unit < 0xDC00 && text_.substr(offset_, 2) == "\\u") {
      const std::size_t before = offset_;
      offset_ += 2;
      unsigned low = 0;
      if (!read_hex(low)) return false;
      if (low >= 0xDC00 && low < 0xE000) {
        code_point = 0x10000 + ((char32_t{unit} - 0xD800) << 10) + (low - 0xDC00);
      } else {
        offset_ = before;  // an escape of its own
      }
    }
  }
  append_utf8(code_point, content);
  return true;
}

bool JsonReader::read_string(std::string& content) {
  content.clear();
  if (!take('"')) return false;
  while (offset_ < text_.size()) {
    const char c = text_[offset_];
    if (static_cast<unsigned char>(c) < 0x20) return false;
    ++offset_;
    if (c == '"') return true;
    if (c != '\\') {
      content += c;
    } else if (!read_escape(content)) {
      return false;
    }
  }
  return false;
}

bool JsonReader::read_number_text(std::string_view& digits_read) noexcept {
  peek();
  const std::size_t begin = offset_;
  const auto digits = [this] {
    const std::size_t from = offset_;
    while (offset_ < text_.size() && is_digit(text_[offset_])) ++offset_;
    return offset_ > from;
  };
  const auto next_is = [this](char c) { return offset_ < text_.size() && text_[offset_] == c; };
  if (next_is('-')) ++offset_;
  if (next_is('0')) {
    ++offset_;
  } else if (!digits()) {
    return false;
  }
  if (next_is('.')) {
    ++offset_;
    if (!digits()) return false;
  }
  if (next_is('e') || next_is('E')) {
    ++offset_;
    if (next_is('+') || next_is('-')) ++offset_;
    if (!digits()) return false;
  }
  digits_read = text_.substr(begin, offset_ - begin);
  return true;
}

bool JsonReader::read_number(double& number) noexcept {
  std::string_view text;
  if (!read_number_text(text)) return false;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), number);
  if (result.ec == std::errc::result_out_of_range) number = out_of_range(text);
  return true;
}

bool JsonReader::read_word(std::string_view word) noexcept {
  peek();
  if (text_.substr(offset_, word.size()) != word) return false;
  offset_ += word.size();
  return true;
}

bool JsonReader::skip_scalar() {
  std::string ignored;
  double number = 0;
  switch (peek()) {
    case '"': return read_string(ignored);
    case 't': return read_word("true");
    case 'f': return read_word("false");
    case 'n': return read_word("null");
    default: return read_number(number);
  }
}

bool JsonReader::skip_value() {
  std::string open;  // the closing brackets that are still to come
  std::string key;
  for (;;) {
    bool complete = true;  // a whole value is read
    if (take('{')) {
      complete = take('}');
      if (!complete) {
        open += '}';
        if (!read_string(key) || !take(':')) return false;
      }
    } else if (take('[')) {
      complete = take(']');
      if (!complete) open += ']';
    } else if (!skip_scalar()) {
      return false;
    }
    while (complete) {
      if (open.empty()) return true;
      if (take(',')) {
        if (open.back() == '}' && (!read_string(key) || !take(':'))) return false;
        break;
      }
      if (!take(open.back())) return false;
      open.pop_back();
    }
  }
}

void append_number(double number, std::string& out) {
  if (std::isnan(number)) return void(out += "NaN");
  if (number < 0) out += '-';
  number = std::fabs(number);
  if (std::isinf(number)) return void(out += "Infinity");
  if (number == 0) return void(out += '0');

  char text[40];  // d.ddde-ddd with at most 17 digits
  const auto result = std::to_chars(text, text + sizeof text, number, std::chars_format::scientific);
  const std::string_view scientific(text, static_cast<std::size_t>(result.ptr - text));
  const std::size_t e = scientific.find('e');
  std::string digits(1, scientific[0]);
  if (e > 2) digits += scientific.substr(2, e - 2);
  int exponent = 0;
  const std::size_t sign = scientific[e + 1] == '+' ? e + 2 : e + 1;
  std::from_chars(scientific.data() + sign, scientific.data() + scientific.size(), exponent);

  const int count = static_cast<int>(digits.size());
  const int point = exponent + 1;  // where the decimal point stands, from the first digit
  if (point > 0 && point <= 21) {
    if (count <= point) {
      out += digits;
      out.append(static_cast<std::size_t>(point - count), '0');
    } else {
      out += digits.substr(0, static_cast<std::size_t>(point));
      out += '.';
      out += digits.substr(static_cast<std::size_t>(point));
    }
  } else if (point > -6 && point <= 0) {
    out += "0.";
    out.append(static_cast<std::size_t>(-point), '0');
    out += digits;
  } else {
    out += digits[0];
    if (count > 1) (out += '.') += digits.substr(1);
    out += 'e';
    out += exponent < 0 ? '-' : '+';
    out += std::to_string(std::abs(exponent));
  }
}

void append_quoted(std::string_view text, std::string& out) {
  out += '"';
  append_escaped(text, out);
  out += '"';
}

}  // namespace waybill::format
