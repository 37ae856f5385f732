// TLS by asio::ssl, or a clear refusal in a build without it. The only file that includes OpenSSL.
#include "waybill/transports/socket/tls.hpp"

#include "tls_layer.hpp"

#if WAYBILL_WITH_TLS

#include <asio/ip/address.hpp>
#include <asio/post.hpp>
#include <asio/ssl.hpp>
#include <asio/write.hpp>
#include <openssl/x509v3.h>

#include <algorithm>

namespace waybill::socket {
namespace {

/// The names of certificates know no scope of an address and no dot at the end of a name.
std::string name_to_verify(std::string name) {
  if (name.find(':') != std::string::npos) name = name.substr(0, name.find('%'));
  while (name.size() > 1 && name.back() == '.') name.pop_back();
  return name;
}

/// What an alert of the other side says about our certificate; empty if it is about something else.
std::string refusal_story(const asio::error_code& ec) {
  if (ec.category() != asio::error::get_ssl_category()) return {};
  switch (ERR_GET_REASON(static_cast<unsigned long>(ec.value()))) {
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
    case SSL_R_TLSV1_ALERT_ACCESS_DENIED:
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
      return "it does not accept the certificate that it was shown, or wants one: " + ec.message();
    default: return {};
  }
}

template <auto destroy>
struct Destroy {
  template <class T>
  void operator()(T* one) const noexcept {
    destroy(one);
  }
};

void destroy_names(GENERAL_NAMES* names) noexcept { sk_GENERAL_NAME_pop_free(names, GENERAL_NAME_free); }

std::string subject_of(const X509* certificate) {
  const std::unique_ptr<BIO, Destroy<BIO_free>> out(BIO_new(BIO_s_mem()));
  if (!out || X509_NAME_print_ex(out.get(), X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253) < 0) return {};
  char* text = nullptr;
  const long size = BIO_get_mem_data(out.get(), &text);
  return std::string(text, static_cast<std::size_t>(std::max(size, 0L)));
}

std::string text_of(const ASN1_STRING* text) {
  return std::string(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                     static_cast<std::size_t>(ASN1_STRING_length(text)));
}

/// Names that could be taken for several are left out.
std::string names_of(const X509* certificate) {
  const std::unique_ptr<GENERAL_NAMES, Destroy<destroy_names>> names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  std::string all;
  const auto add = [&all](const char* kind, const std::string& name) {
    const auto is_odd = [](char c) { return c <= ' ' || c > '~' || c == ','; };
    if (name.empty() || std::any_of(name.begin(), name.end(), is_odd)) return;
    all.append(all.empty() ? "" : ",").append(kind).append(name);
  };
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* const name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type == GEN_DNS) add("DNS:", text_of(name->d.dNSName));
    if (name->type == GEN_URI) add("URI:", text_of(name->d.uniformResourceIdentifier));
    if (name->type == GEN_EMAIL) add("email:", text_of(name->d.rfc822Name));
  }
  return all;
}

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
  Layer(std::shared_ptr<Context> context, const std::string& name)
      : context_(std::move(context)),
        name_(name_to_verify(context_->server_name.empty() ? name : context_->server_name)) {}

  void handshake(Stream& stream) override {
    ssl_ = std::make_unique<Ssl>(stream.socket(), context_->ssl);
    SSL* native = ssl_->native_handle();
    if (context_->role == TlsRole::client && !expect_name(native)) {
      asio::post(stream.socket().get_executor(), [ref = Ref<Stream>(&stream), name = name_] {
        const asio::error_code none = asio::error::invalid_argument;
        handshake_done(*ref, none, "no certificate can be checked against the name \"" + name + "\"");
      });
      return;
    }
    auto done = [ref = Ref<Stream>(&stream), native](const asio::error_code& ec) {
      handshake_done(*ref, ec, ec ? verification_story(native, ec) : std::string());
    };
    ssl_->async_handshake(context_->role == TlsRole::client ? Ssl::client : Ssl::server, std::move(done));
  }
  void read(Stream& stream, char* data, std::size_t room) override {
    auto done = [ref = Ref<Stream>(&stream)](const asio::error_code& ec, std::size_t count) {
      if (const std::string story = ec ? refusal_story(ec) : std::string(); !story.empty()) return refused(*ref, story);
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
    // Waiting for the other side's goodbye would fail with what it sends before that: it is taken as said.
    SSL* const native = ssl_->native_handle();
    SSL_set_shutdown(native, SSL_get_shutdown(native) | SSL_RECEIVED_SHUTDOWN);
    ssl_->async_shutdown(std::move(done));
  }
  std::optional<TlsIdentity> identity() const override {
    SSL* const native = ssl_ ? ssl_->native_handle() : nullptr;
    if (!native || SSL_get_verify_mode(native) == SSL_VERIFY_NONE || SSL_get_verify_result(native) != X509_V_OK)
      return std::nullopt;
    const std::unique_ptr<X509, Destroy<X509_free>> certificate(SSL_get_peer_certificate(native));
    if (!certificate) return std::nullopt;
    return TlsIdentity{subject_of(certificate.get()), names_of(certificate.get())};
  }

 private:
  using Ssl = asio::ssl::stream<asio::ip::tcp::socket&>;

  /// False: the certificate could not be checked against the name.
  bool expect_name(SSL* native) {
    asio::error_code ec;
    const asio::ip::address address = asio::ip::make_address(name_, ec);
    const bool is_name = static_cast<bool>(ec);
    if (is_name && SSL_set_tlsext_host_name(native, const_cast<char*>(name_.c_str())) != 1) return false;
    if (!context_->verify) return true;
    SSL_set_hostflags(native, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (is_name) return SSL_set1_host(native, name_.c_str()) == 1;
    return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(native), address.to_string().c_str()) == 1;
  }
  /// Why a certificate was turned down, theirs or ours; empty if it was something else.
  static std::string verification_story(SSL* native, const asio::error_code& ec) {
    const long result = SSL_get_verify_result(native);
    if (result == X509_V_OK) return refusal_story(ec);
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
    add(std::string(option) + (file.empty() ? "" : " \"" + file + "\"") + ": " + ec.message());
  }
  void add(const std::string& mistake) { mistakes_ += (mistakes_.empty() ? "" : "; ") + mistake; }
  const std::string& mistakes() const { return mistakes_; }

 private:
  std::string mistakes_;
};

void load_certificate(Context& context, const TlsOptions& options, Settings& settings) {
  bool is_password_missing = false;
  // Without this OpenSSL would ask on the terminal.
  context.ssl.set_password_callback([&](std::size_t, asio::ssl::context::password_purpose) {
    is_password_missing = options.key_password.empty();
    return options.key_password;
  });
  settings.apply("cert", options.cert,
                 [&](asio::error_code& ec) { context.ssl.use_certificate_chain_file(options.cert, ec); });
  settings.apply("key", options.key, [&](asio::error_code& ec) {
    context.ssl.use_private_key_file(options.key, asio::ssl::context::pem, ec);
    if (is_password_missing) settings.add("key \"" + options.key + "\" is encrypted: it needs key_password");
  });
  context.ssl.set_password_callback([](std::size_t, asio::ssl::context::password_purpose) { return std::string(); });
}

/// Options that mean nothing in a role: whoever writes them expects something that would not happen.
std::string misplaced(const TlsOptions& options, TlsRole role) {
  if (role == TlsRole::client)
    return options.client_ca.empty() ? "" : "client_ca is an option of listeners; the authorities of a server are ca";
  if (!options.ca.empty()) return "ca is an option of clients; to demand certificates of them, write client_ca";
  if (!options.server_name.empty()) return "server_name is an option of clients";
  if (!options.verify) return "verify is an option of clients; a listener asks for certificates only with client_ca";
  return "";
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
  if (const std::string mistake = misplaced(options, role); !mistake.empty())
    return Error(errc::invalid_config, mistake, End::rejected);
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
