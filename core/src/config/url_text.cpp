#include "config/url_text.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace waybill::detail {

std::optional<std::string> percent_decode(std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    unsigned byte = 0;
    const std::string_view digits = text.substr(i + 1, 2);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), byte, 16);
    if (error != std::errc{} || end != digits.data() + 2) return std::nullopt;
    decoded += static_cast<char>(static_cast<unsigned char>(byte));
    i += 2;
  }
  return decoded;
}

std::string percent_encode(std::string_view text, std::string_view keep) {
  constexpr std::string_view k_hex = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : text) {
    const bool letter_or_digit = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (letter_or_digit || std::string_view("-._~").find(c) != std::string_view::npos ||
        keep.find(c) != std::string_view::npos) {
      encoded += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      ((encoded += '%') += k_hex[byte >> 4]) += k_hex[byte & 15];
    }
  }
  return encoded;
}

bool is_secret_name(std::string_view name) {
  std::string plain;  // lower case letters and digits only, so that api_key, apiKey and api-key are one
  for (const char c : name) {
    if (c >= 'A' && c <= 'Z') {
      plain += static_cast<char>(c - 'A' + 'a');
    } else if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) {
      plain += c;
    }
  }
  // keypem: a private key itself, where others name its file. jaas: Java's logins, which people paste.
  constexpr std::array<std::string_view, 10> k_words{"password",   "passwd", "passphrase", "secret", "token",
                                                     "credential", "apikey", "accesskey",  "keypem", "jaas"};
  return plain == "pass" || plain == "pwd" || std::any_of(k_words.begin(), k_words.end(), [&plain](auto word) {
           return plain.find(word) != std::string::npos;
         });
}

namespace {

/// The first colon outside of brackets that no number of up to five digits follows.
std::size_t find_no_port(std::string_view authority) {
  bool is_in_brackets = false;
  for (std::size_t i = 0; i < authority.size(); ++i) {
    const char c = authority[i];
    if (c == '[' || c == ']') is_in_brackets = c == '[';
    if (c != ':' || is_in_brackets) continue;
    const std::size_t end = std::min(authority.find(',', i), authority.size());
    const std::string_view port = authority.substr(i + 1, end - i - 1);
    if (port.size() > 5 || port.find_first_not_of("0123456789") != std::string_view::npos) return i;
  }
  return std::string_view::npos;
}

/// Hides the values of options with secret names. `query` starts with `?`.
std::string hide_option_values(std::string_view query) {
  std::string shown;
  while (!query.empty()) {
    const std::size_t next = query.find_first_of("?&", 1);
    const std::string_view option = query.substr(0, next);
    const std::size_t equals = option.find('=');
    const bool secret = equals != std::string_view::npos &&
                        is_secret_name(percent_decode(option.substr(1, equals - 1)).value_or("password"));
    if (secret) {
      (shown += option.substr(0, equals + 1)) += k_hidden;
    } else {
      shown += option;
    }
    query = next == std::string_view::npos ? std::string_view{} : query.substr(next);
  }
  return shown;
}

}  // namespace

std::string hide_secrets(std::string_view url) {
  std::string shown;
  const std::size_t scheme = url.find("://");
  if (scheme != std::string_view::npos) {
    shown = url.substr(0, scheme + 3);
    url.remove_prefix(scheme + 3);
  }
  // A password may hold any character if whoever wrote it forgot to encode it: where an @ stands behind the authority, or
  // there is no scheme, nobody knows where it begins or ends.
  const std::size_t colon = url.find(':');
  const std::size_t at = url.rfind('@');
  const std::size_t end_of_authority = std::min(url.find_first_of("/?#"), url.size());
  if (at != std::string_view::npos) {
    if (at > end_of_authority || scheme == std::string_view::npos) return shown += k_hidden;
    if (colon < at) {
      ((shown += url.substr(0, colon + 1)) += k_hidden) += '@';
      url.remove_prefix(at + 1);
    }
  } else if (const std::size_t no_port = find_no_port(url.substr(0, end_of_authority)); no_port < url.size()) {
    return (shown += url.substr(0, no_port + 1)) += k_hidden;  // the beginning of a password that was cut off, perhaps
  }
  const std::size_t query = std::min(url.find('?'), url.size());
  shown += url.substr(0, query);
  return shown + hide_option_values(url.substr(query));
}

}  // namespace waybill::detail
