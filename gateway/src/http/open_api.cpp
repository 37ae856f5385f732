#include "http/open_api.hpp"

#include "http/status_text.hpp"
#include "http/targets.hpp"
#include "waybill/format/schema_pool.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <set>

namespace waybill::http {

namespace {

using format::JsonValue;

constexpr std::array<std::string_view, 8> k_methods{"GET",     "PUT",  "POST",  "DELETE",
                                                    "OPTIONS", "HEAD", "PATCH", "TRACE"};

/// As docs/http-errors.md has them.
struct ProblemLine {
  int status;
  const char* name;
  const char* text;
};
constexpr ProblemLine k_problems[] = {
    {400, "BadRequest", "A parameter or the body does not fit the route."},
    {413, "TooLarge", "The body is longer than this server takes."},
    {415, "UnsupportedMedia", "The body is not JSON."},
    {422, "Unprocessable", "The service could not read the message as its type."},
    {500, "Failed", "The handler failed, or answered an error without a status."},
    {502, "BadGateway", "No service takes the message, or its answer is not what was expected."},
    {503, "Unavailable", "The service cannot be reached, is overloaded, or is shutting down."},
    {504, "Late", "There was no answer within the deadline."},
};

JsonValue reference(const std::string& to) { return JsonValue::object({{"$ref", to}}); }
JsonValue type(const char* name) { return JsonValue::object({{"type", name}}); }

JsonValue problem_schema() {
  JsonValue status = type("integer");
  status.set("minimum", 400).set("maximum", 599);
  JsonValue title = type("string");
  title.set("description", "What the status means.");
  JsonValue detail = type("string");
  detail.set("description", "For people.");
  JsonValue code = type("string");
  code.set("description", "For programs.");
  JsonValue error = JsonValue::object({{"description", "The whole answer of a handler that answered an error."}});
  JsonValue properties = JsonValue::object({{"type", type("string")},
                                            {"title", title},
                                            {"status", status},
                                            {"detail", detail},
                                            {"code", code},
                                            {"error", error}});
  JsonValue schema = type("object");
  schema.set("description", "A problem of RFC 9457.").set("properties", properties);
  return schema.set("required", JsonValue::list({"type", "title", "status"}));
}

JsonValue problem_response(const char* text, int status) {
  JsonValue response = JsonValue::object({{"description", text}});
  if (status == 503) {
    JsonValue header = JsonValue::object({{"description", "Seconds to wait."}, {"schema", type("integer")}});
    response.set("headers", JsonValue::object({{"Retry-After", header}}));
  }
  response["content"]["application/problem+json"].set("schema", reference("#/components/schemas/Problem"));
  return response;
}

/// Of a path: "/orders/{}", by which paths are the same for OpenAPI.
std::string shape_of(const std::string& path) {
  std::string shape;
  bool is_name = false;
  for (const char c : path) {
    if (c == '}') is_name = false;
    if (!is_name) shape += c;
    if (c == '{') is_name = true;
  }
  return shape;
}

std::vector<std::string> names_of(const std::string& path) {
  std::vector<std::string> names;
  for (std::size_t begin = 0; (begin = path.find('{', begin)) != std::string::npos;) {
    const std::size_t end = path.find('}', begin);
    names.push_back(path.substr(begin + 1, end - begin - 1));
    begin = end;
  }
  return names;
}

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return lower;
}

/// "get_orders_id"
std::string operation_name(const Route& route) {
  std::string name = lower_case(route.method);
  for (const char c : route.path) {
    const bool is_fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (is_fine) {
      name += c;
    } else if (name.back() != '_') {
      name += '_';
    }
  }
  while (name.ends_with('_')) name.pop_back();
  return name;
}

bool is_text_type(const JsonValue& schema) {
  const JsonValue* type = schema.find("type");
  return type && type->is_text() && type->content() == "string";
}

class Document {
 public:
  Document(const Router& router, std::string_view title, std::string_view version) {
    schemas_.reserve("Problem");
    for (const auto& route : router.routes()) {
      const bool is_known = std::find(k_methods.begin(), k_methods.end(), route->method) != k_methods.end();
      if (!route->is_hidden && is_known) add(*route);
    }
    JsonValue info = JsonValue::object({{"title", title}, {"version", version}});
    document_ = JsonValue::object({{"openapi", "3.1.0"}, {"info", info}, {"paths", paths_}});
    JsonValue& components = document_["components"];
    components.set("schemas", schemas_.definitions()).operator[]("schemas").set("Problem", problem_schema());
    for (const auto& [status, name, text] : k_problems) {
      if (problems_.contains(status)) components["responses"].set(name, problem_response(text, status));
    }
    if (!paths_.members().empty()) {
      components["responses"].set("Problem",
                                  problem_response("Any other error; handlers have statuses of their own.", 0));
    }
  }
  std::string text() const { return document_.to_text(); }

 private:
  void add(const Route& route) {
    const std::string shape = shape_of(route.path);
    const std::string& path = same_.emplace(shape, route.path).first->second;
    const std::vector<std::string> names = names_of(path);
    RouteDescription described = route.described ? route.described() : describe_types(route);
    for (std::size_t i = 0; i < names.size(); ++i) name_path_parameter(route.names[i], names[i], described);

    JsonValue operation = JsonValue::object();
    if (!route.summary.empty()) operation.set("summary", route.summary);
    std::string id = operation_name(route);
    for (int i = 2; !ids_.insert(id).second; ++i) id = operation_name(route) + '_' + std::to_string(i);
    operation.set("operationId", id);
    for (const RouteDescription::Parameter& parameter : described.parameters) add_parameter(parameter, operation);
    if (described.has_body) {
      JsonValue body = JsonValue::object();
      body["content"]["application/json"].set("schema", schemas_.add(described.body));
      body.set("required", described.needs_body);
      operation.set("requestBody", std::move(body));
    }
    add_replies(described, operation["responses"]);
    add_problems(described, operation["responses"]);
    paths_[path].set(lower_case(route.method), std::move(operation));
  }

  /// Where another route has the path with other names, its names are taken.
  static void name_path_parameter(const std::string& own, const std::string& name, RouteDescription& described) {
    for (RouteDescription::Parameter& parameter : described.parameters) {
      if (parameter.in != "path" || parameter.name != own) continue;
      parameter.name = name;
      return;
    }
    described.parameters.push_back({name, "path", true, type("string")});
  }

  void add_parameter(const RouteDescription::Parameter& parameter, JsonValue& operation) {
    JsonValue made =
        JsonValue::object({{"name", parameter.name}, {"in", parameter.in}, {"required", parameter.is_required}});
    JsonValue schema = schemas_.add(parameter.schema);
    if (parameter.is_json) {
      made["content"]["application/json"].set("schema", std::move(schema));
    } else {
      made.set("schema", std::move(schema));
    }
    operation["parameters"].add(std::move(made));
  }

  void add_replies(const RouteDescription& described, JsonValue& responses) {
    const auto add = [&responses](const char* status, const char* text) -> JsonValue& {
      return responses[status].set("description", text);
    };
    switch (described.gives) {
      case Gives::nothing: add("204", "It is done."); return;
      case Gives::event:
        add("202", "The message was handed over.")["content"]["application/json"].set(
            "schema", JsonValue::object({{"type", "object"},
                                         {"properties", JsonValue::object({{"id", type("string")}})},
                                         {"required", JsonValue::list({"id"})}}));
        return;
      case Gives::stream: {
        JsonValue& content = add("200",
                                 "Values as they come: each the data of an event where the request accepts "
                                 "text/event-stream, else a line; an error is the last, as a problem.")["content"];
        for (const char* form : {"text/event-stream", "application/jsonl"}) {
          content[form].set("schema", type("string"));
          if (!described.reply.members().empty()) content[form].set("x-item-schema", schemas_.add(described.reply));
        }
        return;
      }
      case Gives::value: {
        JsonValue& content = add("200", "The answer.")["content"];
        const char* form =
            is_text_type(described.reply) && !described.reply.find("format") ? "text/plain" : "application/json";
        content[form].set("schema", schemas_.add(described.reply));
        return;
      }
      case Gives::anything: break;
    }
    JsonValue& content = add("200", "The answer.")["content"];
    for (const char* form : {"application/json", "text/plain"}) content.set(form, JsonValue::object());
    if (described.is_passed_on) add("204", "The answer has no value.");
  }

  void add_problems(const RouteDescription& described, JsonValue& responses) {
    std::set<int> statuses{500, 504};
    if (!described.parameters.empty() || described.has_body) statuses.insert(400);
    if (described.has_body) statuses.insert({413, 415});
    if (described.is_passed_on) statuses.insert({422, 502, 503});
    for (const auto& [status, name, text] : k_problems) {
      if (!statuses.contains(status)) continue;
      problems_.insert(status);
      responses.set(std::to_string(status), reference(std::string("#/components/responses/") + name));
    }
    responses.set("default", reference("#/components/responses/Problem"));
  }

  format::SchemaPool schemas_{"#/components/schemas/"};
  JsonValue document_;
  JsonValue paths_ = JsonValue::object();
  std::map<std::string, std::string> same_;
  std::set<std::string> ids_;
  std::set<int> problems_;
};

}  // namespace

std::string open_api(const Router& router, std::string_view title, std::string_view version) {
  return Document(router, title, version).text();
}

}  // namespace waybill::http
