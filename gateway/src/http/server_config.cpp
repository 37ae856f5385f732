#include "waybill/http/server_config.hpp"

#include "waybill/error.hpp"
#include "waybill/transport/tls_url.hpp"

namespace waybill::http {

namespace {

std::vector<std::string> words_of(const std::string& text) {
  std::vector<std::string> words;
  for (std::size_t begin = 0; (begin = text.find_first_not_of(", ", begin)) != std::string::npos;) {
    const std::size_t end = std::min(text.find_first_of(", ", begin), text.size());
    words.push_back(text.substr(begin, end - begin));
    begin = end;
  }
  return words;
}

void read_cors(OptionReader& reader, Cors& cors) {
  constexpr const char* k_no_option = "cors";  // but the mapping that the options are in
  if (reader.optional_text(k_no_option)) {
    reader.mistake("option \"cors\": expected a mapping such as { origins: [\"https://shop.example\"] }");
  }
  cors.origins = words_of(reader.text("cors.origins"));
  cors.headers = reader.text("cors.headers", cors.headers);
  cors.credentials = reader.flag("cors.credentials", cors.credentials);
  cors.max_age = std::chrono::duration_cast<std::chrono::seconds>(reader.duration("cors.max_age", cors.max_age));
  for (const std::string& origin : cors.origins) {
    const bool is_url = origin.starts_with("http://") || origin.starts_with("https://");
    if (origin != "*" && (!is_url || origin.ends_with('/'))) {
      reader.mistake("cors.origins: expected origins such as https://shop.example, or *, found \"" + origin + '"');
    }
    if (origin == "*" && cors.credentials) reader.mistake("cors.credentials: not with the origin *: name the origins");
  }
}

}  // namespace

Result<ServerConfig> ServerConfig::read(const Url& url) {
  ServerConfig config;
  config.url = url;
  config.hosts = url.hosts;
  OptionReader reader(url);
  config.max_head = reader.size("max_head", config.max_head);
  config.max_body = reader.size("max_body", config.max_body);
  config.max_unsent = reader.size("max_unsent", config.max_unsent);
  config.max_connections = reader.number("max_connections", config.max_connections, 1);
  config.max_connections_per_address =
      reader.number("max_connections_per_address", config.max_connections_per_address, 1);
  config.backlog = static_cast<int>(reader.number("backlog", 1024, 1, 65'535));
  config.timeout = reader.duration("timeout", config.timeout);
  config.idle_timeout = reader.duration("idle_timeout", config.idle_timeout);
  config.head_timeout = reader.duration("head_timeout", config.head_timeout);
  config.body_timeout = reader.duration("body_timeout", config.body_timeout);
  config.write_timeout = reader.duration("write_timeout", config.write_timeout);
  config.handshake_timeout = reader.duration("handshake_timeout", config.handshake_timeout);
  config.trace = reader.share("trace");
  config.openapi = reader.flag("openapi", config.openapi);
  config.title = reader.text("title", config.title);
  config.version = reader.text("version", config.version);
  read_cors(reader, config.cors);
  transport::read_tls(reader, url, "https", config);
  if (url.scheme != "http" && url.scheme != "https") reader.mistake("an HTTP server listens on http:// or https://");
  if (config.timeout.count() <= 0) reader.mistake("timeout: must be more than 0");
  if (config.max_head < 1024 || config.max_head > (64u << 10)) reader.mistake("max_head: must be 1 KiB to 64 KiB");
  if (!url.path.empty()) reader.mistake("an HTTP server has no path of its own: \"/" + url.path + "\"");
  if (!url.user.empty() || !url.password.empty()) reader.mistake("an HTTP server has no user and no password");
  if (auto finished = reader.finish(); !finished) return finished.error();
  for (const Url::Host& host : config.hosts) {
    const bool is_number = !host.name.empty() && host.name.find_first_not_of("0123456789") == std::string::npos;
    if (is_number && !host.has_port) {
      return Error(errc::invalid_config,
                   "\"" + host.name + "\" is a port without a host: write :" + host.name +
                       " for all addresses, or 127.0.0.1:" + host.name,
                   End::rejected);
    }
    if (!host.name.empty() && !host.has_port) {
      return Error(errc::invalid_config,
                   "an HTTP server needs a port: write HOST:8101, or HOST:" + std::string(config.tls ? "443" : "80") +
                       " where that is meant",
                   End::rejected);
    }
  }
  if (config.hosts.empty()) config.hosts.emplace_back();
  for (Url::Host& host : config.hosts) {
    if (host.name.empty()) host.name = "0.0.0.0";
    if (!host.has_port) host.port = config.tls ? 443 : 80;
  }
  return config;
}

ServerConfig ServerConfig::from_url(std::string_view text) {
  const bool has_scheme = text.substr(0, text.find('?')).find("://") != std::string_view::npos;
  std::string whole = has_scheme ? std::string(text) : "http://" + std::string(text);
  if (text.starts_with(':')) whole = "http://0.0.0.0" + std::string(text);
  return read(Url::parse(whole).value()).value();
}

}  // namespace waybill::http
