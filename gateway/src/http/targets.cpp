#include "http/targets.hpp"

#include "waybill/format/utf8.hpp"

#include <algorithm>

namespace waybill::http {

namespace {

char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

}  // namespace

int hex_digit_of(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  const char small = lower(c);
  return small >= 'a' && small <= 'f' ? small - 'a' + 10 : -1;
}

bool equal_without_case(std::string_view a, std::string_view b) noexcept {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

std::optional<SplitTarget> split_target(std::string_view target) noexcept {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!equal_without_case(target.substr(0, scheme.size()), scheme)) continue;
    const std::size_t path = target.find_first_of("/?", scheme.size());
    target = path == std::string_view::npos ? "/" : target.substr(path);
  }
  const std::size_t question = std::min(target.find('?'), target.size());
  SplitTarget split{target.substr(0, question), target.substr(std::min(question + 1, target.size()))};
  if (split.path.empty()) split.path = "/";
  if (split.path.front() != '/' || target.find('#') != std::string_view::npos) return std::nullopt;
  return split;
}

std::optional<std::string> decode_percent(std::string_view text, bool plus_is_space) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      if (text.size() - i < 3) return std::nullopt;
      const int high = hex_digit_of(text[i + 1]);
      const int low = hex_digit_of(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      c = static_cast<char>(high * 16 + low);
      i += 2;
    } else if (c == '+' && plus_is_space) {
      c = ' ';
    }
    if (c == '\0') return std::nullopt;
    decoded.push_back(c);
  }
  if (!format::is_utf8(decoded)) return std::nullopt;
  return decoded;
}

std::optional<Parameters> read_query(std::string_view query) {
  Parameters parameters;
  while (!query.empty()) {
    const std::string_view one = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(one.size() + 1, query.size()));
    if (one.empty()) continue;
    const std::size_t equals = std::min(one.find('='), one.size());
    auto name = decode_percent(one.substr(0, equals), true);
    auto value = decode_percent(one.substr(std::min(equals + 1, one.size())), true);
    if (!name || !value) return std::nullopt;
    parameters.emplace_back(*std::move(name), *std::move(value));
  }
  return parameters;
}

std::optional<std::vector<std::string>> read_path(std::string_view path) {
  std::vector<std::string> segments;
  for (std::size_t begin = 1; begin <= path.size();) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    auto segment = decode_percent(path.substr(begin, end - begin));
    if (!segment) return std::nullopt;
    segments.push_back(*std::move(segment));
    begin = end + 1;
  }
  return segments;
}

}  // namespace waybill::http
