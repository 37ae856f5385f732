// The options of TLS in a URL, named alike on each transport.
#pragma once

#include "waybill/log.hpp"
#include "waybill/url.hpp"

#include <string>
#include <string_view>

namespace waybill::transport {

/// Reads tls, verify, ca, cert, key and key_password, and client_ca and server_name where `options` has them, into the
/// members of these names. `secure_scheme` ("tcps") means TLS by itself. What contradicts itself is a mistake.
template <class Options>
void read_tls(OptionReader& reader, const Url& url, std::string_view secure_scheme, Options& options) {
  const std::string secure(secure_scheme);
  options.tls = reader.flag("tls", url.scheme == secure);
  if (!options.tls && url.scheme == secure) reader.mistake("tls: cannot be false in a " + secure + ":// URL");
  const auto text_of_tls = [&](const char* name) {
    std::string value = reader.text(name);
    if (!options.tls && !value.empty()) {
      reader.mistake(std::string(name) + ": needs TLS, write " + secure + ":// or tls=true");
    }
    return value;
  };
  if (!options.tls && reader.optional_text("verify")) {
    reader.mistake("verify: needs TLS, write " + secure + ":// or tls=true");
  }
  options.verify = reader.flag("verify", options.verify);
  options.ca = text_of_tls("ca");
  options.cert = text_of_tls("cert");
  options.key = text_of_tls("key");
  options.key_password = text_of_tls("key_password");
  if constexpr (requires { options.client_ca; }) options.client_ca = text_of_tls("client_ca");
  if constexpr (requires { options.server_name; }) options.server_name = text_of_tls("server_name");
}

/// For each client of a server whose certificate is not looked at.
template <class Options>
void warn_of_no_verification(const Options& options, const Log& log) {
  if (options.tls && !options.verify)
    log.warning("verify=false: whoever answers is taken for the server; use it in tests only");
}

}  // namespace waybill::transport
