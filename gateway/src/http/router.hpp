// Router: which handler a method and a path find.
#pragma once

#include "waybill/http/server.hpp"

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace waybill::http {

/// A tree of the segments of paths. A segment that is written out goes before one in braces.
///
/// Threads: const from many, changed by one before that.
class Router {
 public:
  Router();
  ~Router();

  /// Throws Error(invalid_config): the template is no path, or has a handler for that method already.
  void add(Route route);
  struct Found {
    const Route* route = nullptr;       ///< Null: none for the method,
    std::string allow;                  ///< while these are: "GET, HEAD, POST". Empty: nothing has that path.
    std::vector<std::string> segments;  ///< For {names}, in their order.
  };
  /// A HEAD finds what a GET does.
  Found find(std::string_view method, const std::vector<std::string>& path) const;
  /// The one that was added last. Throws Error(invalid_config) where there is none.
  Route& last();
  /// In the order in which they were added.
  const std::vector<std::unique_ptr<Route>>& routes() const noexcept { return routes_; }

 private:
  struct Node;
  std::unique_ptr<Node> root_;
  std::vector<std::unique_ptr<Route>> routes_;
};

}  // namespace waybill::http
