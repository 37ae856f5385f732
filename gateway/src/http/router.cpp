#include "http/router.hpp"

#include "http/targets.hpp"
#include "waybill/error.hpp"

#include <algorithm>

namespace waybill::http {

struct Router::Node {
  std::map<std::string, std::unique_ptr<Node>, std::less<>> written;
  std::unique_ptr<Node> any;
  std::map<std::string, const Route*, std::less<>> by_method;

  /// The first node with a handler of any method that the path leads to.
  const Node* find(const std::vector<std::string>& path, std::size_t at, std::vector<std::string>& segments) const {
    if (at == path.size()) return by_method.empty() ? nullptr : this;
    if (const auto found = written.find(path[at]); found != written.end()) {
      if (const Node* node = found->second->find(path, at + 1, segments)) return node;
    }
    if (!any || path[at].empty()) return nullptr;
    segments.push_back(path[at]);
    if (const Node* node = any->find(path, at + 1, segments)) return node;
    segments.pop_back();
    return nullptr;
  }
};

namespace {

[[noreturn]] void refuse(const Route& route, const std::string& why) {
  throw Error(errc::invalid_config, "the route " + route.method + ' ' + route.path + ": " + why, End::rejected);
}

bool is_name(std::string_view text) noexcept {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

}  // namespace

Router::Router() : root_(std::make_unique<Node>()) {}
Router::~Router() = default;

void Router::add(Route route) {
  if (!route.path.starts_with('/')) refuse(route, "a path begins with a slash");
  if (route.path.find_first_of("?#") != std::string::npos)
    refuse(route, "a path has no query; take it from the request");
  const auto segments = read_path(route.path);
  if (!segments) refuse(route, "a % needs two hexadecimal digits");
  Node* node = root_.get();
  for (const std::string& segment : *segments) {
    const bool is_any = segment.starts_with('{') && segment.ends_with('}');
    if (is_any) {
      std::string name = segment.substr(1, segment.size() - 2);
      if (!is_name(name)) refuse(route, "in braces stands a name of letters, digits, - and _");
      if (std::find(route.names.begin(), route.names.end(), name) != route.names.end())
        refuse(route, "{" + name + "} is there twice");
      route.names.push_back(std::move(name));
    } else if (segment.find_first_of("{}") != std::string::npos) {
      refuse(route, "braces go around a whole segment");
    }
    std::unique_ptr<Node>& next = is_any ? node->any : node->written[segment];
    if (!next) next = std::make_unique<Node>();
    node = next.get();
  }
  if (node->by_method.contains(route.method)) refuse(route, "has a handler already");
  route.place = routes_.size();
  routes_.push_back(std::make_unique<Route>(std::move(route)));
  node->by_method[routes_.back()->method] = routes_.back().get();
}

Route& Router::last() {
  if (routes_.empty()) throw Error(errc::invalid_config, "there is no route yet to tell more of", End::rejected);
  return *routes_.back();
}

Router::Found Router::find(std::string_view method, const std::vector<std::string>& path) const {
  Found found;
  const Node* node = root_->find(path, 0, found.segments);
  if (!node) return found;
  auto by_method = node->by_method.find(method);
  if (by_method == node->by_method.end() && method == "HEAD") by_method = node->by_method.find("GET");
  if (by_method != node->by_method.end()) found.route = by_method->second;
  const auto allow = [&found](std::string_view one) {
    found.allow += (found.allow.empty() ? "" : ", ") + std::string(one);
  };
  for (const auto& [name, route] : node->by_method) {
    allow(name);
    if (name == "GET" && !node->by_method.contains("HEAD")) allow("HEAD");
  }
  if (!node->by_method.contains("OPTIONS")) allow("OPTIONS");
  return found;
}

}  // namespace waybill::http
