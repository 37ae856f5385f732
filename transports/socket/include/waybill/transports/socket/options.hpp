// What a transport's options mean for its sockets.
#pragma once

#include "waybill/transports/socket/tls.hpp"
#include "waybill/url.hpp"

#include <cstdint>
#include <memory>
#include <vector>

namespace waybill::socket {

/// From the members that transport::read_tls fills.
template <class Options>
TlsOptions tls_options(const Options& options) {
  TlsOptions tls;
  tls.verify = options.verify;
  tls.ca = options.ca;
  tls.cert = options.cert;
  tls.key = options.key;
  tls.key_password = options.key_password;
  if constexpr (requires { options.client_ca; }) tls.client_ca = options.client_ca;
  tls.server_name = options.server_name;
  return tls;
}

/// Null without TLS. Errors: those of TlsContext::make.
template <class Options>
Result<std::shared_ptr<TlsContext>> make_tls_context(const Options& options, TlsRole role) {
  if (!options.tls) return std::shared_ptr<TlsContext>();
  return TlsContext::make(tls_options(options), role);
}

/// Fills in what the URL left out: one host, its name, its port. A port that was given as 0 stays: any free one.
inline void complete_hosts(std::vector<Url::Host>& hosts, std::uint16_t port) {
  if (hosts.empty()) hosts.emplace_back();
  for (Url::Host& host : hosts) {
    if (host.name.empty()) host.name = "localhost";
    if (!host.has_port && !host.port) host.port = port;
  }
}

}  // namespace waybill::socket
