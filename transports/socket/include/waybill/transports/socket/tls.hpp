// TLS settings and the context made from them. Includes no TLS library.
#pragma once

#include "waybill/result.hpp"

#include <memory>
#include <string>

namespace waybill::socket {

/// Files are PEM. TLS 1.2 is the least version.
struct TlsOptions {
  bool verify = true;        ///< Client: check the server's chain and name. Off only for tests.
  std::string ca;            ///< Client: trusted authorities; empty: the system's.
  std::string cert;          ///< Server's own chain; client's for mutual TLS.
  std::string key;           ///< Of cert.
  std::string key_password;  ///< Secret.
  std::string client_ca;     ///< Server: clients must show a certificate from here. Empty: none is asked for.
  std::string server_name;   ///< Client: the name to ask for and verify; empty: the host of the URL.
};

enum class TlsRole { server, client };

/// Whose certificate the other side has shown, after it was checked.
struct TlsIdentity {
  std::string subject;  ///< "CN=orders,O=Example", as RFC 2253 writes it.
  std::string names;    ///< Its alternative names, "DNS:orders.example,URI:spiffe://example/orders".
};

/// Certificates and rules, loaded once and shared by connections. Thread-safe after it is made.
class TlsContext {
 public:
  virtual ~TlsContext() = default;
  /// Errors: invalid_config (a file is missing, broken or does not fit, or an option means nothing in this role);
  /// unsupported (built without TLS).
  static Result<std::shared_ptr<TlsContext>> make(const TlsOptions& options, TlsRole role);
};

class TlsLayer;
struct TlsLayerDeleter {
  void operator()(TlsLayer* layer) const noexcept;
};
using TlsLayerPtr = std::unique_ptr<TlsLayer, TlsLayerDeleter>;
/// The TLS side of one stream; null without a context. `name` is what a client verifies the server's certificate
/// against.
TlsLayerPtr make_tls_layer(const std::shared_ptr<TlsContext>& context, const std::string& name);

}  // namespace waybill::socket
