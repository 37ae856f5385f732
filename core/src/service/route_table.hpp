// Route -> handlers. Filled before the start, then read by all loops.
#pragma once

#include "waybill/detail/handler.hpp"
#include "waybill/pattern.hpp"
#include "waybill/transport/transport.hpp"

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace waybill::detail {

/// Bytes of a pattern, as it is sent: a longer one finds no handler.
inline constexpr std::size_t k_max_pattern = 256;

/// Lets maps of strings be searched by views.
struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>{}(text); }
};

/// The handlers of one route. A message finds them by its route; whether it is a request or an event it says itself.
struct RouteEntry {
  Pattern pattern;
  std::shared_ptr<Handler> request;
  std::vector<std::shared_ptr<Handler>> events;
  bool is_immediate = true;  ///< All its handlers return at once.
  std::size_t place = 0;     ///< In the order of registration.
};

/// The handlers of one listener; others may share them.
class RouteTable {
 public:
  /// Throws Error(invalid_config) for a second request handler of one pattern, and for a pattern that is too long.
  void check(const Pattern& pattern, bool is_request) const;
  /// Throws what check() does.
  void add(const Pattern& pattern, std::shared_ptr<Handler> handler, bool is_request);

  /// Exact route first, then wildcards in the order of their registration. Null if there is none.
  const RouteEntry* find(std::string_view route) const noexcept;
  Routes routes() const;
  /// In the order of their registration.
  const std::vector<const RouteEntry*>& entries() const noexcept { return order_; }
  /// Those whose own text leads elsewhere: NestJS reads the text of a pattern as JSON if it can be (`null`, `1.0`).
  std::vector<std::string> unreachable() const;
  bool empty() const noexcept { return entries_.empty(); }

 private:
  std::unordered_map<std::string, std::unique_ptr<RouteEntry>, TextHash, std::equal_to<>> entries_;
  std::vector<const RouteEntry*> order_;
};

/// Finds entries by the raw text of a pattern, before anything is parsed or normalized. Belongs to one loop.
class RouteCache {
 public:
  explicit RouteCache(const RouteTable& table) : table_(table) {}
  const RouteEntry* find(Term pattern);

 private:
  static constexpr std::size_t k_most = 4096;
  const RouteTable& table_;
  std::unordered_map<std::string, const RouteEntry*, TextHash, std::equal_to<>> known_;
  std::string route_;  // scratch
  // Messages of one pattern come in rows.
  std::string_view last_text_;
  const RouteEntry* last_ = nullptr;
};

}  // namespace waybill::detail
