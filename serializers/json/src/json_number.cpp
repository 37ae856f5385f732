#include "json_number.hpp"

#include "json_scan.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

namespace waybill::json {
namespace {

constexpr auto k_digit_pairs = [] {  // "00" to "99"
  std::array<char, 200> pairs{};
  for (std::size_t i = 0; i < 100; ++i) {
    pairs[2 * i] = static_cast<char>('0' + i / 10);
    pairs[2 * i + 1] = static_cast<char>('0' + i % 10);
  }
  return pairs;
}();

int count_digits(std::uint64_t number) noexcept {
  for (int count = 1;; count += 4, number /= 10000) {
    if (number < 10) return count;
    if (number < 100) return count + 1;
    if (number < 1000) return count + 2;
    if (number < 10000) return count + 3;
  }
}

char* put(char* out, const char* text, std::size_t size) noexcept {
  std::memcpy(out, text, size);
  return out + size;
}
char* put_zeros(char* out, int count) noexcept {
  for (; count > 0; --count) *out++ = '0';
  return out;
}

/// Number::toString of ECMAScript: `digits` with the decimal point behind digit number `point`.
char* lay_out(const char* digits, int count, int point, char* out) noexcept {
  const auto size = static_cast<std::size_t>(count);
  if (count <= point && point <= 21) return put_zeros(put(out, digits, size), point - count);
  if (0 < point && point <= 21) {
    out = put(out, digits, static_cast<std::size_t>(point));
    *out++ = '.';
    return put(out, digits + point, static_cast<std::size_t>(count - point));
  }
  if (-6 < point && point <= 0) {
    out = put(out, "0.", 2);
    return put(put_zeros(out, -point), digits, size);
  }
  *out++ = digits[0];
  if (count > 1) {
    *out++ = '.';
    out = put(out, digits + 1, size - 1);
  }
  *out++ = 'e';
  const int exponent = point - 1;
  *out++ = exponent < 0 ? '-' : '+';
  return std::to_chars(out, out + 4, exponent < 0 ? -exponent : exponent).ptr;
}

template <class Float>
char* write(Float number, char* out) noexcept {
  if (!std::isfinite(number)) return put(out, "null", 4);
  if (std::fabs(number) < Float(1 << 24)) {  // many numbers are small integers
    const auto integer = static_cast<std::int32_t>(number);
    if (static_cast<Float>(integer) == number) return std::to_chars(out, out + 12, integer).ptr;
  }
  char text[32];
  const char* end = std::to_chars(text, text + sizeof text, number, std::chars_format::scientific).ptr;
  const char* at = text;
  if (*at == '-') *out++ = *at++;
  char digits[24];
  int count = 0;
  for (; *at != 'e'; ++at) {
    if (*at != '.') digits[count++] = *at;
  }
  int exponent = 0;
  std::from_chars(at[1] == '+' ? at + 2 : at + 1, end, exponent);
  return lay_out(digits, count, exponent + 1, out);
}

/// Whether the number is 1 or more, when it is so large or small that no double holds it.
bool is_large(std::string_view text) noexcept {
  if (text.front() == '-') text.remove_prefix(1);
  const std::size_t e = text.find_first_of("eE");
  const std::string_view digits = text.substr(0, e);
  std::size_t point = digits.find('.');
  if (point == std::string_view::npos) point = digits.size();
  std::size_t first = digits.find_first_not_of("0.");
  if (first == std::string_view::npos) return false;
  if (first > point) --first;
  std::int64_t exponent = 0;
  if (e != std::string_view::npos) {
    std::string_view sign = text.substr(e + 1);
    if (sign.front() == '+') sign.remove_prefix(1);
    if (std::from_chars(sign.data(), sign.data() + sign.size(), exponent).ec != std::errc()) {
      return sign.front() != '-';
    }
  }
  const std::int64_t power = static_cast<std::int64_t>(point) - static_cast<std::int64_t>(first);
  return exponent > -power;
}

}  // namespace

char* write_number(double number, char* out) noexcept { return write(number, out); }
char* write_number(float number, char* out) noexcept { return write(number, out); }

char* write_natural(std::uint64_t number, char* out) noexcept {
  char* const end = out + count_digits(number);
  char* at = end;
  for (; number >= 100; number /= 100) {
    at -= 2;
    std::memcpy(at, &k_digit_pairs[2 * (number % 100)], 2);
  }
  if (number >= 10) {
    std::memcpy(out, &k_digit_pairs[2 * number], 2);
  } else {
    *out = static_cast<char>('0' + number);
  }
  return end;
}

char* write_integer(std::int64_t number, char* out) noexcept {
  if (number >= 0) return write_natural(static_cast<std::uint64_t>(number), out);
  *out++ = '-';
  return write_natural(0 - static_cast<std::uint64_t>(number), out);
}

bool read_number(std::string_view text, double& number) noexcept {
  if (!is_number(text)) return false;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc()) return end == text.data() + text.size();
  if (error != std::errc::result_out_of_range) return false;
  number = is_large(text) ? std::numeric_limits<double>::infinity() : 0;
  if (text.front() == '-') number = -number;
  return true;
}

}  // namespace waybill::json
