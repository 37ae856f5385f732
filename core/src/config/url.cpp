#include "waybill/url.hpp"

#include "config/url_text.hpp"

#include <algorithm>
#include <charconv>

namespace waybill {
namespace {

using detail::k_hidden;
using detail::percent_decode;
using detail::percent_encode;

constexpr std::size_t k_longest_url = 64 << 10;  // bytes
constexpr std::string_view k_self = "self:";

/// Takes a URL apart; every mistake is kept, and none shows a secret.
class UrlReader {
 public:
  UrlReader(std::string_view text, Url& url) : text_(text), url_(url) {}

  std::vector<std::string> read() {
    std::string_view rest = text_;
    if (rest.size() > k_longest_url) return {"longer than 64 KiB"};
    if (rest.empty()) return {"expected scheme://host, such as tcp://127.0.0.1:3000, found nothing"};
    const auto is_bad = [](char c) { return static_cast<unsigned char>(c) <= 0x20 || c == 0x7F; };
    if (std::any_of(rest.begin(), rest.end(), is_bad)) {
      mistake("white space and control characters must be percent-encoded (a space is %20)");
    }
    if (rest.starts_with(k_self)) {
      read_self(rest.substr(k_self.size()));
      return mistakes_;
    }
    if (!read_scheme(rest)) return mistakes_;
    const std::size_t end_of_authority = rest.find_first_of("/?#");
    const std::size_t last_at = rest.rfind('@');
    if (last_at != std::string_view::npos && last_at > end_of_authority) {
      // What stands before it may be anything, half of a password too: nothing of it is looked at, nor shown.
      mistake(
          "there is an '@' behind the first '/', '?' or '#'. If it ends the user and the password, what they hold must "
          "be "
          "percent-encoded: '/' is %2F, '?' is %3F, '#' is %23, '@' is %40 and '%' is %25 (or give them beside the "
          "URL, as "
          "username and password); anywhere else '@' is written %40, too");
      return mistakes_;
    }
    if (const std::size_t fragment = rest.find('#'); fragment != std::string_view::npos) {
      mistake("'#' must be written as %23");
      rest = rest.substr(0, fragment);
    }
    const std::size_t query = rest.find('?');
    if (query != std::string_view::npos) read_options(rest.substr(query + 1));
    rest = rest.substr(0, query);
    const std::size_t slash = rest.find('/');
    if (slash != std::string_view::npos) url_.path = decode(rest.substr(slash + 1), "the path");
    read_authority(rest.substr(0, slash));
    return mistakes_;
  }

 private:
  void mistake(std::string what) { mistakes_.push_back(std::move(what)); }

  std::string decode(std::string_view text, const char* where) {
    auto decoded = percent_decode(text);
    if (!decoded) mistake(std::string("'%' must be followed by two hex digits in ") + where);
    if (decoded && decoded->find('\0') != std::string::npos) {
      mistake(std::string("%00 stands for nothing that could be in ") + where);  // C libraries would cut it there
    }
    return decoded.value_or(std::string{});
  }

  void read_self(std::string_view rest) {
    url_.scheme = k_self.substr(0, k_self.size() - 1);
    const std::size_t query = rest.find('?');
    if (query != std::string_view::npos) read_options(rest.substr(query + 1));
    const std::string_view name = rest.substr(0, query);
    if (name.empty() || name.find_first_of("/:@#") != std::string_view::npos) {
      mistake("expected self:NAME, the name of a listener of this program, perhaps with options (?timeout=5s)");
    }
    Url::Host host;
    host.name = decode(name, "the name");
    url_.hosts.push_back(std::move(host));
  }

  bool read_scheme(std::string_view& rest) {
    const std::size_t end = rest.find("://");
    const std::string_view scheme = rest.substr(0, end == std::string_view::npos ? 0 : end);
    const auto allowed = [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
    };
    for (const char c : scheme) url_.scheme += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    if (url_.scheme.empty() || !std::all_of(url_.scheme.begin(), url_.scheme.end(), allowed)) {
      mistake("expected scheme://host, such as tcp://127.0.0.1:3000");
      return false;
    }
    rest.remove_prefix(end + 3);
    return true;
  }

  void read_authority(std::string_view authority) {
    const std::size_t at = authority.rfind('@');
    if (at != std::string_view::npos) {
      const std::string_view credentials = authority.substr(0, at);
      const std::size_t colon = credentials.find(':');
      url_.user = decode(credentials.substr(0, colon), "the user");
      if (colon != std::string_view::npos) url_.password = decode(credentials.substr(colon + 1), "the password");
      authority.remove_prefix(at + 1);
    }
    for (bool more = true; more;) {
      const std::size_t comma = authority.find(',');
      read_host(authority.substr(0, comma));
      more = comma != std::string_view::npos;
      authority.remove_prefix(more ? comma + 1 : authority.size());
    }
    const bool several = url_.hosts.size() > 1;
    const auto is_empty = [](const Url::Host& host) { return host.name.empty() && !host.has_port; };
    if (several && std::any_of(url_.hosts.begin(), url_.hosts.end(), is_empty))
      mistake("a host between commas is empty");
  }

  void read_host(std::string_view text) {
    Url::Host host;
    std::string_view port;
    if (text.starts_with('[')) {
      const std::size_t close = text.find(']');
      if (close == std::string_view::npos) return mistake("a ']' is missing behind an IPv6 address");
      host.name = decode(text.substr(1, close - 1), "a host");
      const std::string_view rest = text.substr(close + 1);
      if (!rest.empty() && rest.front() != ':') return mistake("expected :port behind ']'");
      host.has_port = !rest.empty();
      if (host.has_port) port = rest.substr(1);
    } else {
      const std::size_t colon = text.find(':');
      if (colon != std::string_view::npos && text.find(':', colon + 1) != std::string_view::npos) {
        return mistake("an IPv6 address must be in brackets, as in tcp://[::1]:3000");
      }
      host.name = decode(text.substr(0, colon), "a host");
      host.has_port = colon != std::string_view::npos;
      if (host.has_port) port = text.substr(colon + 1);
    }
    if (host.has_port) {
      const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), host.port);
      // The text is not shown: it may be half of a password with an '@' or '/' that was not encoded.
      if (error != std::errc{} || end != port.data() + port.size()) mistake("a port must be a number up to 65535");
    }
    url_.hosts.push_back(std::move(host));
  }

  void read_options(std::string_view query) {
    while (!query.empty()) {
      const std::size_t next = query.find('&');
      const std::string_view option = query.substr(0, next);
      query.remove_prefix(next == std::string_view::npos ? query.size() : next + 1);
      if (option.empty()) continue;
      const std::size_t equals = option.find('=');
      std::string name = decode(option.substr(0, equals), "the name of an option");
      std::string value;
      if (equals != std::string_view::npos) value = decode(option.substr(equals + 1), "the value of an option");
      if (name.empty()) mistake("an option has no name");
      url_.options.emplace_back(std::move(name), std::move(value));
    }
  }

  std::string_view text_;
  Url& url_;
  std::vector<std::string> mistakes_;
};

}  // namespace

Result<Url> Url::parse(std::string_view text) { return detail::parse_url(text, text); }

Result<Url> detail::parse_url(std::string_view text, std::string_view written) {
  Url url;
  const std::vector<std::string> mistakes = UrlReader(text, url).read();
  if (mistakes.empty()) return url;
  const bool is_shown = !written.empty() && written.size() <= 1024;
  const std::string shown = is_shown ? hide_secrets(written) : std::string("URL");
  std::string message;
  for (const std::string& mistake : mistakes) {
    if (!message.empty()) message += '\n';
    ((message += shown) += ": ") += mistake;
  }
  return Error(errc::invalid_config, std::move(message), End::rejected);
}

const std::string* Url::option(std::string_view name) const noexcept {
  for (const auto& [key, value] : options) {
    if (key == name) return &value;
  }
  return nullptr;
}

std::string Url::redacted() const {
  std::string text = is_self() ? std::string(k_self) : scheme + "://";
  if (!user.empty() || !password.empty()) {
    text += percent_encode(user, "");
    if (!password.empty()) (text += ':') += k_hidden;
    text += '@';
  }
  for (std::size_t i = 0; i < hosts.size(); ++i) {
    if (i) text += ',';
    const bool is_ipv6 = hosts[i].name.find(':') != std::string::npos;
    text += is_ipv6 ? '[' + percent_encode(hosts[i].name, ":") + ']' : percent_encode(hosts[i].name, "");
    if (hosts[i].has_port || hosts[i].port) (text += ':') += std::to_string(hosts[i].port);
  }
  if (!path.empty()) (text += '/') += percent_encode(path, "/:,*");
  char separator = '?';
  for (const auto& [name, value] : options) {
    (text += separator) += percent_encode(name, "/:,*");
    text += '=';
    text += detail::is_secret_name(name) ? std::string(k_hidden) : percent_encode(value, "/:,*()");
    separator = '&';
  }
  return text;
}

}  // namespace waybill
