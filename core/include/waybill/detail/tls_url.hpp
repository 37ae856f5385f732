// The options of TLS in a URL, named alike on each transport.
#pragma once

#include "waybill/url.hpp"

#include <string_view>

namespace waybill::detail {

/// Reads tls, verify, ca, cert, key and key_password, and client_ca and server_name where `options` has them, into the
/// members of these names. `secure_scheme` ("tcps") means TLS by itself.
template <class Options>
void read_tls(OptionReader& reader, const Url& url, std::string_view secure_scheme, Options& options) {
  options.tls = reader.flag("tls", url.scheme == secure_scheme);
  options.verify = reader.flag("verify", options.verify);
  options.ca = reader.text("ca");
  options.cert = reader.text("cert");
  options.key = reader.text("key");
  options.key_password = reader.text("key_password");
  if constexpr (requires { options.client_ca; }) options.client_ca = reader.text("client_ca");
  if constexpr (requires { options.server_name; }) options.server_name = reader.text("server_name");
}

}  // namespace waybill::detail
