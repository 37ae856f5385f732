#include "http/targets.hpp"

#include "waybill/format/utf8.hpp"

#include <algorithm>

namespace waybill::http {

namespace {

char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool is_letter_or_digit(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/// Where the authority of an absolute target begins; npos: it is none.
std::size_t begin_of_authority(std::string_view target) noexcept {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (equal_without_case(target.substr(0, scheme.size()), scheme)) return scheme.size();
  }
  return std::string_view::npos;
}

/// What may stand in brackets, or is a name; a `%` with its two digits is one of the latter.
bool is_host_text(std::string_view text, std::string_view marks) noexcept {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (is_letter_or_digit(text[i]) || marks.find(text[i]) != std::string_view::npos) continue;
    if (text[i] != '%' || text.size() - i < 3 || hex_digit_of(text[i + 1]) < 0 || hex_digit_of(text[i + 2]) < 0)
      return false;
    i += 2;
  }
  return true;
}

}  // namespace

int hex_digit_of(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  const char small = lower(c);
  return small >= 'a' && small <= 'f' ? small - 'a' + 10 : -1;
}

bool equal_without_case(std::string_view a, std::string_view b) noexcept {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

bool is_token_character(char c) noexcept {
  return is_letter_or_digit(c) || (c != '\0' && std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos);
}

bool is_token(std::string_view name) noexcept {
  return !name.empty() && std::all_of(name.begin(), name.end(), &is_token_character);
}

std::optional<std::string_view> authority_of(std::string_view target) noexcept {
  const std::size_t begin = begin_of_authority(target);
  if (begin == std::string_view::npos) return std::nullopt;
  return target.substr(begin, std::min(target.find_first_of("/?", begin), target.size()) - begin);
}

bool is_authority(std::string_view text) noexcept {
  std::size_t end = 0;  // of the host
  if (text.starts_with('[')) {
    end = text.find(']');
    if (end == std::string_view::npos || end < 3 || !is_host_text(text.substr(1, end - 1), ":.")) return false;
    ++end;
  } else {
    end = std::min(text.find(':'), text.size());
    if (!is_host_text(text.substr(0, end), "-._~!$&'()*+,;=")) return false;
  }
  if (end == text.size()) return true;
  const std::string_view port = text.substr(end + 1);
  return text[end] == ':' && port.size() <= 5 && port.find_first_not_of("0123456789") == std::string_view::npos;
}

std::optional<SplitTarget> split_target(std::string_view target) noexcept {
  if (const std::size_t begin = begin_of_authority(target); begin != std::string_view::npos) {
    const std::size_t path = target.find_first_of("/?", begin);
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
