#include "waybill/http/message.hpp"

#include "http/json.hpp"
#include "http/parameters.hpp"
#include "http/targets.hpp"
#include "waybill/format/json_text.hpp"
#include "waybill/format/utf8.hpp"
#include "waybill/http/server.hpp"

#include <algorithm>

namespace waybill::http {

namespace {

const std::string* find_in(const Parameters& parameters, std::string_view name) noexcept {
  const auto found =
      std::find_if(parameters.begin(), parameters.end(), [name](const auto& one) { return one.first == name; });
  return found == parameters.end() ? nullptr : &found->second;
}

void require_json(const Request& request) {
  const std::string* type = request.header("Content-Type");
  if (!type) return;
  const std::string_view media = std::string_view(*type).substr(0, type->find_first_of("; "));
  const bool is_json = equal_without_case(media, "application/json") ||
                       (media.size() > 5 && equal_without_case(media.substr(media.size() - 5), "+json"));
  if (!is_json) throw Problem(415, "the body must be JSON (Content-Type: application/json)");
}

}  // namespace

const std::string* Fields::find(std::string_view name) const noexcept {
  const auto found = std::find_if(fields_.begin(), fields_.end(),
                                  [name](const Field& field) { return equal_without_case(field.first, name); });
  return found == fields_.end() ? nullptr : &found->second;
}

void Fields::set(std::string_view name, std::string_view value) {
  std::erase_if(fields_, [name](const Field& field) { return equal_without_case(field.first, name); });
  fields_.emplace_back(name, value);
}

const std::string& Request::path(std::string_view name) const {
  if (const std::string* value = find_in(path_parameters, name)) return *value;
  throw Error(errc::invalid_config, "the route of " + target + " has no {" + std::string(name) + '}', End::rejected);
}

std::string Request::query(std::string_view name, std::string_view otherwise) const {
  const std::string* value = find_query(name);
  return value ? *value : std::string(otherwise);
}

const std::string* Request::find_query(std::string_view name) const noexcept { return find_in(query_parameters, name); }

void Request::read_json(ValueOut out) const {
  require_json(*this);
  const Result<void> decoded = json_serializer().decode(Slice::copy(body), out);
  if (!decoded) throw Problem(400, "the body: " + std::string(decoded.error().message()));
}

void Request::read_parameters(ValueOut out) const {
  if (out.type->kind != Kind::object) return read_json(out);
  if (!body.empty()) require_json(*this);
  const std::string whole = parameters_as_json(*this, static_cast<const ObjectType&>(*out.type));
  const Result<void> decoded = json_serializer().decode(Slice::copy(whole), out);
  if (!decoded) throw Problem(400, std::string(decoded.error().message()));
}

void Request::check_json() const {
  require_json(*this);
  format::JsonReader reader(body);
  if (!reader.skip_value() || !reader.at_end() || !format::is_utf8(body)) {
    throw Problem(400, "the body is no JSON; byte " + std::to_string(reader.offset()) + " is wrong");
  }
}

CallOptions Request::call_options() const {
  CallOptions options;
  const auto left = deadline - std::chrono::steady_clock::now();
  options.timeout = std::max(std::chrono::milliseconds(1), std::chrono::ceil<std::chrono::milliseconds>(left));
  trace().write_to(options.headers);
  if (header("x-request-id")) options.headers.set("x-request-id", id);
  return options;
}

TraceContext Request::trace() const {
  if (trace_) return *trace_;
  std::string parent;
  std::string state;
  std::string baggage;
  for (const auto& [name, value] : fields) {
    if (equal_without_case(name, header::k_traceparent)) {
      parent += value;  // two of them are none
    } else if (equal_without_case(name, header::k_tracestate)) {
      state.append(state.empty() ? "" : ",").append(value);
    } else if (equal_without_case(name, header::k_baggage)) {
      baggage.append(baggage.empty() ? "" : ",").append(value);
    }
  }
  return TraceContext::of(parent, state, baggage);
}

Response Response::text(std::string_view text, int status) {
  Response response;
  response.status = status;
  response.fields.set("Content-Type", "text/plain; charset=utf-8");
  response.body = text;
  return response;
}

Response Response::json(std::string json, int status) {
  Response response;
  response.status = status;
  response.fields.set("Content-Type", "application/json");
  response.body = std::move(json);
  return response;
}

Response Response::of(const Payload& payload) {
  if (payload.empty()) return detail::empty_response();
  std::string json_text = as_json(payload);
  const std::size_t first = json_text.find_first_not_of(" \t\r\n");
  if (first == std::string::npos || json_text[first] != '"') return json(std::move(json_text));
  std::string content;
  format::JsonReader(json_text).read_string(content);
  return text(content);
}

}  // namespace waybill::http
