// Whether two addresses to listen on are one.
#pragma once

#include "waybill/config.hpp"
#include "waybill/url.hpp"

#include <algorithm>
#include <string>
#include <vector>

namespace waybill::detail {

/// As they are written: names other than localhost are not looked up. Port 0 is never the same.
inline bool is_same_address(const Url::Host& a, const Url::Host& b) {
  const auto plain = [](const std::string& name) { return name.empty() || name == "localhost" ? "127.0.0.1" : name; };
  const auto covers = [](const std::string& all, const std::string& one) {
    return all == "::" || (all == "0.0.0.0" && one.find(':') == std::string::npos);
  };
  if (a.has_port != b.has_port || a.port != b.port || (a.has_port && a.port == 0)) return false;
  const std::string one = plain(a.name), other = plain(b.name);
  return one == other || covers(one, other) || covers(other, one);
}

inline bool is_same_address(const std::vector<Url::Host>& a, const std::vector<Url::Host>& b) {
  return std::any_of(a.begin(), a.end(), [&b](const Url::Host& one) {
    return std::any_of(b.begin(), b.end(), [&one](const Url::Host& other) { return is_same_address(one, other); });
  });
}

/// The rest of such a mistake, behind who has the address of `other`, too.
inline std::string same_address_as(const ListenerConfig& other) {
  return "of this program has the same address" +
         (other.name.empty() ? std::string() : ", \"" + other.name.substr(0, 100) + '"') +
         (other.origin.empty() ? std::string() : " (" + other.origin + ')') + ": choose another port for one of them";
}

}  // namespace waybill::detail
