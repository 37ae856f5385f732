#include "source_metrics.hpp"

#include "error_type.hpp"
#include "waybill/error.hpp"

namespace waybill::opentelemetry {

void SourceMetrics::link_changed(std::string_view, Status status) noexcept {
  if (status == Status::interrupted) was_lost_ = was_ready_;
  if (status != Status::ready) return;
  was_ready_ = true;
  if (std::exchange(was_lost_, false)) instruments_->reconnects->Add(1, peer_.attributes_of("connect", {}));
}

Attributes ClientMetrics::attributes_of(const ObservedCall& call) {
  std::string_view pattern = call.pattern;
  auto known = patterns_.find(std::string(pattern));
  if (known == patterns_.end() && patterns_.size() < max_patterns_) known = patterns_.emplace(pattern).first;
  if (known == patterns_.end()) pattern = "_OTHER";
  return peer_.attributes_of("send", pattern);
}

void ClientMetrics::call_began(const ObservedCall& call) noexcept { instruments_->sent->Add(1, attributes_of(call)); }

void ClientMetrics::call_ended(const ObservedCall& call, const Error* error, std::chrono::nanoseconds took) noexcept {
  if (!call.number && !error) return;  // nobody waits for it: it took nothing
  Attributes attributes = attributes_of(call);
  std::string type;
  if (error) attributes.emplace_back("error.type", view_of(type = error_type(*error)));
  Instruments::record(instruments_->call, took, attributes);
}

Attributes ListenerMetrics::attributes_of(const ObservedMessage& message) const {
  Attributes attributes = peer_.attributes_of("process", message.pattern);
  if (!peer_.group.empty()) attributes.emplace_back("messaging.consumer.group.name", view_of(peer_.group));
  return attributes;
}

void ListenerMetrics::message_came(const ObservedMessage& message) noexcept {
  instruments_->consumed->Add(1, attributes_of(message));
}

void ListenerMetrics::message_handled(const ObservedMessage& message, const Error* error,
                                      std::chrono::nanoseconds took) noexcept {
  Attributes attributes = attributes_of(message);
  std::string type;
  if (error) attributes.emplace_back("error.type", view_of(type = error_type(*error)));
  Instruments::record(instruments_->process, took, attributes);
}

void ListenerMetrics::message_settled(const ObservedMessage& message, Fate fate) noexcept {
  Attributes attributes = attributes_of(message);
  attributes.emplace_back("waybill.fate", view_of(name_of(fate)));
  instruments_->settled->Add(1, attributes);
}

Attributes HttpMetrics::attributes_of(const ObservedHttp& request) const {
  const std::string_view method = is_known_method(request.method) ? request.method : "_OTHER";
  return {{"http.request.method", view_of(method)}, {"url.scheme", view_of(peer_.scheme)}};
}

void HttpMetrics::http_began(const ObservedHttp& request) noexcept {
  instruments_->http_active->Add(1, attributes_of(request));
}

void HttpMetrics::http_ended(const ObservedHttp& request, std::chrono::nanoseconds took) noexcept {
  Attributes attributes = attributes_of(request);
  instruments_->http_active->Add(-1, attributes);
  if (!request.path.empty()) attributes.emplace_back("http.route", view_of(request.path));
  std::string type;
  if (request.status == 0) {
    attributes.emplace_back("error.type", view_of("cancelled"));  // its caller has left
  } else {
    attributes.emplace_back("http.response.status_code", static_cast<std::int64_t>(request.status));
    if (request.status >= 500) attributes.emplace_back("error.type", view_of(type = std::to_string(request.status)));
  }
  Instruments::record(instruments_->http, took, attributes);
  Instruments::record(instruments_->http_received, request.received, attributes);
  Instruments::record(instruments_->http_sent, request.sent, attributes);
}

}  // namespace waybill::opentelemetry
