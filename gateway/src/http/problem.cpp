// Errors as responses: one table, which docs/http-errors.md has as well; the form is RFC 9457's.
#include "http/json.hpp"
#include "http/status_text.hpp"
#include "waybill/format/json_text.hpp"
#include "waybill/http/message.hpp"
#include "waybill/transport/refusal_texts.hpp"

#include <optional>
#include <variant>

namespace waybill::http {

namespace {

struct Line {
  errc code;
  int status;
  std::string_view name;
};
constexpr Line k_table[] = {
    {errc::timeout, 504, "timeout"},
    {errc::refused, 503, "refused"},
    {errc::connection_lost, 503, "connection_lost"},
    {errc::closed, 503, "closed"},
    {errc::unauthorized, 503, "unavailable"},  // the gateway's credentials, not the caller's
    {errc::overloaded, 503, "overloaded"},
    {errc::no_handler, 502, "no_handler"},
    {errc::no_receiver, 502, "no_receiver"},
    {errc::payload_mismatch, 502, "unexpected_answer"},
    {errc::payload_malformed, 502, "malformed_answer"},
    {errc::too_large, 413, "too_large"},
};

/// What an answer that is an object may say of its status, in the two ways that NestJS has.
struct StatusOfAnswer {
  using Any = std::optional<std::variant<std::int64_t, Payload>>;
  Any status;
  Any statusCode;
  std::optional<std::variant<std::string, Payload>> message;

  std::string detail() const {
    const auto* text = message ? std::get_if<std::string>(&*message) : nullptr;
    return text ? *text : std::string();
  }
  std::optional<int> value() const {
    for (const Any* one : {&status, &statusCode}) {
      const auto* number = *one ? std::get_if<std::int64_t>(&**one) : nullptr;
      if (number && *number >= 400 && *number <= 599) return static_cast<int>(*number);
    }
    return std::nullopt;
  }
};

void append_member(std::string_view name, std::string_view text, std::string& out) {
  out += out.size() > 1 ? "," : "";
  format::append_quoted(name, out);
  out += ':';
  format::append_quoted(text, out);
}

Response make(int status, std::string_view detail, std::string_view code, const std::string& answer) {
  std::string json = "{";
  append_member("type", "about:blank", json);
  append_member("title", status_text(status), json);
  json += ",\"status\":" + std::to_string(status);
  if (!detail.empty()) append_member("detail", detail, json);
  if (!code.empty()) append_member("code", code, json);
  if (!answer.empty()) json += ",\"error\":" + answer;
  Response response = Response::json(json + '}', status);
  response.fields.set("Content-Type", "application/problem+json");
  if (status == 503 || status == 429) response.fields.set("Retry-After", "1");
  return response;
}

/// What a handler has answered, here or on the other side of a carrier.
std::string answer_of(const Error& error) {
  if (error.serializer()) return as_json(Payload(error.body(), *error.serializer()));
  Buffer text;
  error.encode(json_serializer(), text);
  return std::string(text.view());
}

Response of_answer(const Error& error) {
  if (error.name() == "payload_mismatch") return make(422, error.message(), error.name(), {});
  const std::string answer = answer_of(error);
  StatusOfAnswer says;
  if (!json_serializer().decode(Slice::copy(answer), ValueOut::of(says)) || !says.value()) {
    // Of what the service itself has called; of a stream that it has ended, to shut down.
    if (error.name() == "timeout") return make(504, make_error_code(errc::timeout).message(), "timeout", {});
    if (error.name() == "closed" && error.message() == transport::k_leaving_text) {
      return make(503, make_error_code(errc::closed).message(), "closed", {});
    }
    return make(500, {}, {}, {});
  }
  return make(*says.value(), says.detail(), error.name(), answer);
}

}  // namespace

Response Response::problem(int status, std::string_view detail) { return make(status, detail, {}, {}); }

Response Response::problem(const Error& error) {
  if (error.code() == errc::remote) return of_answer(error);
  for (const Line& line : k_table) {
    if (error.code() == line.code) return make(line.status, make_error_code(line.code).message(), line.name, {});
  }
  return make(500, {}, {}, {});
}

}  // namespace waybill::http
