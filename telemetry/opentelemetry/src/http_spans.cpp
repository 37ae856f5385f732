#include "source_spans.hpp"

namespace waybill::opentelemetry {

void HttpSpans::http_traced(const ObservedHttp& request, TraceContext& trace) noexcept {
  if (!wants(trace)) return;
  const bool is_usual = is_known_method(request.method);
  const std::string_view path = request.target.substr(0, request.target.find('?'));
  Attributes attributes{{"http.request.method", view_of(is_usual ? request.method : "_OTHER")},
                        {"url.path", view_of(path)},
                        {"url.scheme", view_of(peer_.scheme)},
                        {"http.request.body.size", static_cast<std::int64_t>(request.received)}};
  if (!is_usual) attributes.emplace_back("http.request.method_original", view_of(request.method));
  if (!request.path.empty()) attributes.emplace_back("http.route", view_of(request.path));
  if (!peer_.address.empty()) attributes.emplace_back("server.address", view_of(peer_.address));
  if (peer_.port) attributes.emplace_back("server.port", *peer_.port);
  std::string name(is_usual ? request.method : "HTTP");
  if (!request.path.empty()) name.append(" ").append(request.path);
  start(request.number, name, api::SpanKind::kServer, attributes, LinksParent::no, trace);
}

void HttpSpans::http_ended(const ObservedHttp& request, std::chrono::nanoseconds) noexcept {
  OpenSpan* const open = find(request.number);
  if (!open) return;
  if (request.status == 0) {
    open->fail("cancelled");  // its caller has left
  } else {
    open->span->SetAttribute("http.response.status_code", static_cast<std::int64_t>(request.status));
    open->span->SetAttribute("http.response.body.size", static_cast<std::int64_t>(request.sent));
    if (request.status >= 500) open->fail(std::to_string(request.status));
  }
  end(request.number);
}

}  // namespace waybill::opentelemetry
