// TLS by asio::ssl, or a clear refusal in a build without it. The only file that includes OpenSSL.
#include "waybill/transports/socket/tls.hpp"

#include "tls_layer.hpp"

#if WAYBILL_WITH_TLS

#include <asio/ip/address.hpp>
#include <asio/ssl.hpp>
#include <asio/write.hpp>
#include <openssl/x509v3.h>

namespace waybill::socket {
namespace {

class Context final : public TlsContext {
 public:
  explicit Context(TlsRole role_of_context) : role(role_of_context) {}
  asio::ssl::context ssl{asio::ssl::context::tls};
  const TlsRole role;
  bool verify = true;
  std::string server_name;
};

class Layer final : public TlsLayer {
 public:
  Layer(std::shared_ptr<Context> context, std::string name) : context_(std::move(context)), name_(std::move(name)) {}

  void handshake(Stream& stream) override {
    ssl_ = std::make_unique<Ssl>(stream.socket(), context_->ssl);
    SSL* native = ssl_->native_handle();
    if (context_->role == TlsRole::client) expect_name(native);
    auto done = [ref = Ref<Stream>(&stream), native](const asio::error_code& ec) {
      handshake_done(*ref, ec, ec ? verification_story(native) : std::string());
    };
    ssl_->async_handshake(context_->role == TlsRole::client ? Ssl::client : Ssl::server, std::move(done));
  }
  void read(Stream& stream, char* data, std::size_t room) override {
    auto done = [ref = Ref<Stream>(&stream)](const asio::error_code& ec, std::size_t count) {
      // Many peers end TLS without saying so; frames tell whether something is missing.
      read_done(*ref, ec == asio::ssl::error::stream_truncated ? asio::error_code(asio::error::eof) : ec, count);
    };
    ssl_->async_read_some(asio::buffer(data, room), std::move(done));
  }
  void write(Stream& stream, Buffer&& bytes, std::size_t from) override {
    flying_ = std::move(bytes);
    auto done = [this, ref = Ref<Stream>(&stream)](const asio::error_code& ec, std::size_t count) {
      flying_.clear();
      flying_.shrink(0);
      write_done(*ref, ec, count);
    };
    const auto go_on = [&stream](const asio::error_code& ec, std::size_t count) {
      if (count) write_goes_on(stream);
      return asio::transfer_all()(ec, count);
    };
    asio::async_write(*ssl_, asio::buffer(flying_.data() + from, flying_.size() - from), go_on, std::move(done));
  }
  void shut_down(Stream& stream) override {
    auto done = [ref = Ref<Stream>(&stream)](const asio::error_code&) { shut_down_done(*ref); };
    ssl_->async_shutdown(std::move(done));
  }

 private:
  using Ssl = asio::ssl::stream<asio::ip::tcp::socket&>;

  void expect_name(SSL* native) {
    const std::string& name = context_->server_name.empty() ? name_ : context_->server_name;
    asio::error_code ec;
    asio::ip::make_address(name, ec);
    if (ec) {
      SSL_set_tlsext_host_name(native, const_cast<char*>(name.c_str()));
      if (context_->verify) SSL_set1_host(native, name.c_str());
    } else if (context_->verify) {
      X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(native), name.c_str());
    }
  }
  /// Why the other side's certificate was turned down; empty if it was something else.
  static std::string verification_story(SSL* native) {
    const long result = SSL_get_verify_result(native);
    if (result == X509_V_OK) return {};
    return std::string("its certificate was not accepted: ") + X509_verify_cert_error_string(result);
  }

  std::shared_ptr<Context> context_;
  const std::string name_;
  std::unique_ptr<Ssl> ssl_;
  Buffer flying_;
};

/// Runs one setting; what OpenSSL says is told together with the option and the file.
class Settings {
 public:
  template <class F>
  void apply(const char* option, const std::string& file, F setting) {
    asio::error_code ec;
    setting(ec);
    if (!ec) return;
    mistakes_ += (mistakes_.empty() ? "" : "; ") + std::string(option) + (file.empty() ? "" : " \"" + file + "\"") +
                 ": " + ec.message();
  }
  const std::string& mistakes() const { return mistakes_; }

 private:
  std::string mistakes_;
};

void load_certificate(Context& context, const TlsOptions& options, Settings& settings) {
  if (!options.key_password.empty())
    context.ssl.set_password_callback(
        [password = options.key_password](std::size_t, asio::ssl::context::password_purpose) { return password; });
  settings.apply("cert", options.cert,
                 [&](asio::error_code& ec) { context.ssl.use_certificate_chain_file(options.cert, ec); });
  settings.apply("key", options.key, [&](asio::error_code& ec) {
    context.ssl.use_private_key_file(options.key, asio::ssl::context::pem, ec);
  });
}

void set_up_client(Context& context, const TlsOptions& options, Settings& settings) {
  context.verify = options.verify;
  context.server_name = options.server_name;
  if (!options.cert.empty()) load_certificate(context, options, settings);
  if (!options.verify) {
    context.ssl.set_verify_mode(asio::ssl::verify_none);
    return;
  }
  context.ssl.set_verify_mode(asio::ssl::verify_peer);
  settings.apply("ca", options.ca, [&](asio::error_code& ec) {
    if (options.ca.empty()) {
      context.ssl.set_default_verify_paths(ec);
    } else {
      context.ssl.load_verify_file(options.ca, ec);
    }
  });
}

void set_up_server(Context& context, const TlsOptions& options, Settings& settings) {
  load_certificate(context, options, settings);
  static const unsigned char k_session_id[] = "waybill";
  SSL_CTX_set_session_id_context(context.ssl.native_handle(), k_session_id, sizeof k_session_id - 1);
  if (options.client_ca.empty()) return;
  context.ssl.set_verify_mode(asio::ssl::verify_peer | asio::ssl::verify_fail_if_no_peer_cert);
  settings.apply("client_ca", options.client_ca,
                 [&](asio::error_code& ec) { context.ssl.load_verify_file(options.client_ca, ec); });
  if (auto* names = SSL_load_client_CA_file(options.client_ca.c_str()))
    SSL_CTX_set_client_CA_list(context.ssl.native_handle(), names);
}

}  // namespace

Result<std::shared_ptr<TlsContext>> TlsContext::make(const TlsOptions& options, TlsRole role) {
  if (role == TlsRole::server && (options.cert.empty() || options.key.empty()))
    return Error(errc::invalid_config, "a TLS listener needs cert=FILE and key=FILE", End::rejected);
  if (options.cert.empty() != options.key.empty())
    return Error(errc::invalid_config, "cert and key belong together: one of them is missing", End::rejected);
  auto context = std::make_shared<Context>(role);
  SSL_CTX_set_min_proto_version(context->ssl.native_handle(), TLS1_2_VERSION);
  SSL_CTX_set_options(context->ssl.native_handle(), SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_mode(context->ssl.native_handle(), SSL_MODE_RELEASE_BUFFERS);
  Settings settings;
  if (role == TlsRole::server) {
    set_up_server(*context, options, settings);
  } else {
    set_up_client(*context, options, settings);
  }
  if (!settings.mistakes().empty()) return Error(errc::invalid_config, settings.mistakes(), End::rejected);
  return std::shared_ptr<TlsContext>(std::move(context));
}

TlsLayerPtr make_tls_layer(const std::shared_ptr<TlsContext>& context, const std::string& name) {
  if (!context) return nullptr;
  return TlsLayerPtr(new Layer(std::static_pointer_cast<Context>(context), name));
}

}  // namespace waybill::socket

#else

namespace waybill::socket {

Result<std::shared_ptr<TlsContext>> TlsContext::make(const TlsOptions&, TlsRole) {
  return Error(errc::unsupported, "TLS was asked for, but this copy of waybill was built with WAYBILL_WITH_TLS=OFF",
               End::rejected);
}

TlsLayerPtr make_tls_layer(const std::shared_ptr<TlsContext>&, const std::string&) { return nullptr; }

}  // namespace waybill::socket

#endif

namespace waybill::socket {

void TlsLayerDeleter::operator()(TlsLayer* layer) const noexcept { delete layer; }

}  // namespace waybill::socket
