// What a server tells its observers. Nothing of it runs where there is none.
#include "http/server_core.hpp"

#include <string>
#include <utility>

namespace waybill::http {

void Server::Core::begin_observing() {
  if (observers.empty()) return;
  observed_url_ = address();
  std::vector<std::string> routes;
  for (const auto& route : router.routes()) routes.push_back(route->method + ' ' + route->path);
  for (const auto& observer : observers) {
    const auto own = observer->observer_of({ObservedSource::Kind::http, observed_url_, routes});
    told_.push_back(own ? own : observer);
  }
}

ObservedHttp Server::Core::observed(const Exchange& exchange) const {
  ObservedHttp seen{observed_url_, exchange.request->method, {}};
  if (exchange.route) {
    seen.path = exchange.route->path;
    seen.route = exchange.route->place;
  }
  seen.target = exchange.request->target;
  seen.number = exchange.number;
  seen.status = exchange.status;
  seen.received = exchange.request->body.size();
  seen.sent = exchange.sent;
  return seen;
}

void Server::Core::tell_began(Exchange& exchange) {
  exchange.is_told = told_.empty();
  if (exchange.is_told) return;
  exchange.number = ++observed_;
  exchange.began = std::chrono::steady_clock::now();
  const ObservedHttp seen = observed(exchange);
  for (const auto& observer : told_) {
    observer->http_began(seen);
    if (!observer->traces()) continue;
    TraceContext trace = exchange.request->trace();
    observer->http_traced(seen, trace);
    exchange.request->set_trace(std::move(trace));
  }
}

/// It has no route, and its method only if it had come as far as that, and is one that is known.
void Server::Core::tell_refused(const Request& part, const Response& response) {
  if (told_.empty()) return;
  ObservedHttp seen{observed_url_, part.method, {}};
  seen.target = part.target;
  seen.number = ++observed_;
  for (const auto& observer : told_) observer->http_began(seen);
  seen.status = response.status;
  seen.received = part.body.size();
  seen.sent = response.body.size();
  for (const auto& observer : told_) observer->http_ended(seen, std::chrono::nanoseconds(0));
}

void Server::Core::tell_ended(Exchange& exchange) {
  if (std::exchange(exchange.is_told, true)) return;
  const auto took = std::chrono::steady_clock::now() - exchange.began;
  const ObservedHttp seen = observed(exchange);
  for (const auto& observer : told_) observer->http_ended(seen, took);
}

}  // namespace waybill::http
