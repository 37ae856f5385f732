// Url: where a transport is and how it is to be used, and OptionReader, which reads its options and finds every mistake.
#pragma once

#include "waybill/result.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace waybill {

/// scheme://[user[:password]@]host[:port][,host[:port]...][/path][?name=value&...], percent-decoded, IPv6 in brackets;
/// or self:NAME[?name=value&...], a listener of the same program, whose name stands as the only host.
struct Url {
  struct Host {
    std::string name;        ///< Without brackets.
    std::uint16_t port = 0;  ///< Given as 0 it means any free port.
    bool has_port = false;   ///< False: none was given; take the transport's default.
  };
  std::string scheme;
  std::string user;
  std::string password;
  std::vector<Host> hosts;
  std::string path;  ///< Without the leading slash, decoded.
  std::vector<std::pair<std::string, std::string>> options;
  /// Options that others read in this place, as core does of a listener or a client: what is near to one was meant for it.
  std::vector<std::string> known_elsewhere;
  /// Options whose values OptionReader's mistakes do not show: they come out of variables, and may be secrets.
  std::set<std::string, std::less<>> unshown;

  /// Errors: invalid_config; the message shows the URL without its password.
  static Result<Url> parse(std::string_view text);
  const std::string* option(std::string_view name) const noexcept;
  bool is_self() const noexcept { return scheme == "self"; }
  /// For logs and errors: without password, and without the values of options that hold secrets.
  std::string redacted() const;
};

/// Reads options by name with defaults. Every name read is known; finish() reports all mistakes at once, unknown names
/// with the nearest known one.
class OptionReader {
 public:
  explicit OptionReader(const Url& url) : url_(url) {}

  /// Several spellings may be given ("prefetch|prefetchCount"): the first is waybill's name, the rest are accepted.
  std::string text(std::string_view names, std::string_view otherwise = {});
  std::optional<std::string> optional_text(std::string_view names);
  bool flag(std::string_view names, bool otherwise);
  std::uint64_t number(std::string_view names, std::uint64_t otherwise, std::uint64_t least = 0,
                       std::uint64_t most = UINT64_MAX);
  /// "5s", "250ms", "2m"; a bare number is milliseconds.
  std::chrono::milliseconds duration(std::string_view names, std::chrono::milliseconds otherwise);
  /// Bytes: "16MiB", "64KiB", or a bare number.
  std::uint64_t size(std::string_view names, std::uint64_t otherwise);
  /// "0.5" or "50%", from 0 to 1.
  std::optional<double> share(std::string_view names);
  /// One of `choices` ("a|b|c"); returns its index.
  std::size_t choice(std::string_view names, std::string_view choices, std::size_t otherwise);
  /// All options whose name starts with `prefix`, without it: settings passed to a C library as they are.
  std::vector<std::pair<std::string, std::string>> passthrough(std::string_view prefix);
  /// Declares a name that somebody else reads.
  void allow(std::string_view names);
  void mistake(std::string text) { mistakes_.push_back(std::move(text)); }

  /// Errors: invalid_config with every mistake, one a line.
  Result<void> finish();

 private:
  const std::string* find(std::string_view names);
  const Url& url_;
  std::vector<std::string> known_;   // with other names of the same
  std::vector<std::string> listed_;  // without these
  std::vector<std::string> prefixes_;
  std::vector<std::string> mistakes_;
};

Result<std::chrono::milliseconds> parse_duration(std::string_view text);
/// With the largest unit that needs no fraction: "5s", "1500ms", "2m".
std::string duration_text(std::chrono::milliseconds duration);

}  // namespace waybill
