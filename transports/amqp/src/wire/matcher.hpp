// Which handler a message of a topic exchange is for, as NestJS's server decides. Pure.
#pragma once

#include "waybill/transport/transport.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace waybill::amqp {

/// NestJS's own matcher: words between dots; `*` is one word that is not empty, `#` as the last word is any number of
/// words, none included; elsewhere both are letters like others.
bool matches_binding(std::string_view binding, std::string_view route) noexcept;

/// Routes with the broker's wildcards that core does not look into (native ones), in the order of registration.
class Matcher {
 public:
  Matcher() = default;
  explicit Matcher(const Routes& routes);

  /// Empty when core finds the handler of `pattern` by itself, or there is none; else the route of the native pattern
  /// that takes it. Valid until the matcher ends.
  std::string_view route_for(Term pattern) const;

 private:
  struct Wildcard {
    std::string route;
    bool is_native;
  };
  std::vector<Wildcard> wildcards_;
  std::vector<std::string> exact_;  ///< Sorted.
  bool has_native_ = false;
};

}  // namespace waybill::amqp
