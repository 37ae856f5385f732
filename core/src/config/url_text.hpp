// Percent encoding, and what must not be shown of a URL.
#pragma once

#include "waybill/url.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace waybill::detail {

/// Stands for a secret in every text for people.
inline constexpr std::string_view k_hidden = "***";

/// Resolves `%20` and the like; nothing if a `%` is not followed by two hex digits.
std::optional<std::string> percent_decode(std::string_view text);
/// Encodes everything but letters, digits, `-._~` and the characters of `keep`.
std::string percent_encode(std::string_view text, std::string_view keep);

/// True for names of options whose value nobody should see: password, secret, token and so on. `key`, `cert` and `ca`
/// are paths of files, and are shown.
bool is_secret_name(std::string_view name);

/// "tcp URL: ", in front of what is wrong with an option; nothing where the scheme is not known.
inline std::string in_url_of(std::string_view scheme) {
  return scheme.empty() ? std::string() : std::string(scheme) + " URL: ";
}

/// As Url::parse(); its mistakes show `written` instead, what the file has where variables were filled in.
Result<Url> parse_url(std::string_view text, std::string_view written);

/// A URL text that need not be well formed, with whatever may be its password hidden: rather too much than too little.
std::string hide_secrets(std::string_view url);

}  // namespace waybill::detail
