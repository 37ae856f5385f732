// What of the options concerns TLS, in the words of the socket stream.
#pragma once

#include "waybill/transports/socket/tls.hpp"
#include "waybill/transports/tcp.hpp"

namespace waybill::tcp {

inline socket::TlsOptions tls_settings(const Options& options) {
  socket::TlsOptions tls;
  tls.enabled = options.tls;
  tls.verify = options.verify;
  tls.ca = options.ca;
  tls.cert = options.cert;
  tls.key = options.key;
  tls.key_password = options.key_password;
  tls.client_ca = options.client_ca;
  tls.server_name = options.server_name;
  return tls;
}

}  // namespace waybill::tcp
