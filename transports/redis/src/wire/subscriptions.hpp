// Routes as subscriptions: what a listener subscribes to, and which route a message belongs to. Pure.
#pragma once

#include "waybill/transport/transport.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace waybill::redis {

class Subscriptions {
 public:
  enum class Fit : std::uint8_t {
    wanted,
    elsewhere,  ///< Another subscription brings the same message.
    overshot,   ///< No pattern matches it: its glob went too far.
  };
  /// Where a message goes. Views are of the message's own channel or of these subscriptions.
  struct Target {
    std::string_view name;   ///< The channel without the prefix: what handlers see.
    std::string_view route;  ///< By which the router finds the handler.
    Fit fit = Fit::elsewhere;
    bool is_exact = false;  ///< The channel is the pattern itself.
  };

  /// `wildcards`: every pattern with one of `*?[` is a glob, as NestJS's option of that name has it. Otherwise only
  /// native patterns are globs as they are; waybill's wildcards become globs whose matches are looked at again here,
  /// because a glob's `*` does not stop at a dot. What one of these globs brings anyway is not subscribed to once more,
  /// so that senders count one subscriber.
  Subscriptions(const Routes& routes, std::string prefix, bool wildcards);

  const std::vector<std::string>& channels() const noexcept { return channels_; }  ///< For SUBSCRIBE.
  const std::vector<std::string>& globs() const noexcept { return globs_; }        ///< For PSUBSCRIBE.
  std::size_t size() const noexcept { return channels_.size() + globs_.size(); }

  /// `glob`: the PSUBSCRIBE that brought the message; empty for a SUBSCRIBE.
  Target target_of(std::string_view glob, std::string_view channel) const;

 private:
  struct Glob {
    std::string glob;   ///< With the prefix.
    std::string route;  ///< The text of its pattern.
    bool is_wildcard;   ///< waybill's: one message finds one of them, as with the router.
  };
  std::string_view without_prefix(std::string_view channel) const noexcept;
  void keep_widest(std::vector<std::string> carriers, std::size_t prefix);
  const std::string* carrier_of(std::string_view channel) const noexcept;

  const std::string prefix_;
  std::vector<std::string> channels_;
  std::vector<std::string> globs_;
  std::vector<Glob> patterns_;                  // in the order of their registration
  std::vector<std::string> carriers_;           // of globs_, those of waybill's wildcards
  std::unordered_set<std::string> is_channel_;  // with the prefix
};

/// A wildcard of waybill's (`*` one word, `**` the rest) as the narrowest glob that matches all that it matches.
std::string glob_of(std::string_view wildcard);
/// As PSUBSCRIBE matches: `*`, `?`, `[ab]`, `[^a-z]`, `\x`.
bool glob_matches(std::string_view glob, std::string_view text) noexcept;
/// `text` as a glob that matches nothing else.
std::string escaped(std::string_view text);

}  // namespace waybill::redis
