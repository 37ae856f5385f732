// The rules of OpenTelemetry's semantic conventions, for messaging and for HTTP servers, that a span breaks.
#pragma once

#include "recorded_spans.hpp"

#include <algorithm>
#include <string>
#include <vector>

namespace waybill::test {

class Conventions {
 public:
  explicit Conventions(const RecordedSpan& span) : span_(span) {
    if (span.kind == api::SpanKind::kServer) {
      check_http();
    } else {
      check_messaging();
    }
    require(span.is_failed == span.has("error.type"), "error.type is there if, and only if, it failed");
    for (const auto& [name, value] : span.attributes) {
      require(name == "waybill.attempt" || name.find('.') != std::string::npos, "attribute " + name);
      require(!value.empty(), "attribute " + name + " is empty");
    }
  }
  const std::vector<std::string>& broken() const { return broken_; }

 private:
  void require(bool holds, const std::string& rule) {
    if (!holds) broken_.push_back(span_.name + ": " + rule);
  }
  void require_attributes(std::initializer_list<const char*> names) {
    for (const char* name : names) require(span_.has(name), std::string("has no ") + name);
  }
  void check_messaging() {
    require_attributes({"messaging.system", "messaging.operation.name", "messaging.operation.type"});
    const std::string type = span_.at("messaging.operation.type");
    const std::string destination =
        span_.has("messaging.destination.name") ? ' ' + span_.at("messaging.destination.name") : "";
    require(span_.name == span_.at("messaging.operation.name") + destination, "is named by operation and destination");
    require(type == "send" || type == "process", "operation " + type);
    const bool is_sent = span_.kind == api::SpanKind::kProducer || span_.kind == api::SpanKind::kClient;
    require(type == "send" ? is_sent : span_.kind == api::SpanKind::kConsumer, "kind of a " + type);
    require(type == "process" || !destination.empty(), "a sent message has a destination");
    const std::string system = span_.at("messaging.system");
    const bool has_broker = system != "memory";
    if (has_broker) require_attributes({"server.address"});
    if (has_broker && type == "send") require_attributes({"server.port"});  // a listener may take any
    if (system == "rabbitmq") require_attributes({"messaging.rabbitmq.destination.routing_key"});
  }
  void check_http() {
    require_attributes({"http.request.method", "url.path", "url.scheme", "server.address", "server.port"});
    const std::string route = span_.has("http.route") ? ' ' + span_.at("http.route") : "";
    const std::string method = span_.at("http.request.method");
    require(span_.name == (method == "_OTHER" ? "HTTP" : method) + route, "is named by method and route");
    require((method == "_OTHER") == span_.has("http.request.method_original"), "the original of an unusual method");
    const std::string status = span_.at("http.response.status_code");
    require(span_.is_failed == (status >= "500" || status == "(none)"), "failed by its status " + status);
    require(span_.at("url.path").find('?') == std::string::npos, "the path has no query");
  }

  const RecordedSpan& span_;
  std::vector<std::string> broken_;
};

}  // namespace waybill::test
