#include "http/parameters.hpp"

#include "http/json.hpp"
#include "waybill/format/json_text.hpp"

#include <algorithm>
#include <vector>

namespace waybill::http {

namespace {

using format::JsonMember;
using format::JsonReader;

bool is_bare(Kind kind) noexcept { return kind == Kind::boolean || (kind >= Kind::int8 && kind <= Kind::float64); }

/// A number, true or false, as JSON has them.
bool is_json_scalar(std::string_view text) { return is_json_number(text) || text == "true" || text == "false"; }

void append_value(Kind kind, std::string_view text, std::string& out) {
  if (is_bare(kind) && is_json_scalar(text)) {
    out += text;
  } else {
    format::append_quoted(text, out);
  }
}

std::vector<std::string_view> values_of(const Request& request, std::string_view name) {
  std::vector<std::string_view> values;
  for (const Parameters* parameters : {&request.path_parameters, &request.query_parameters}) {
    for (const auto& [key, value] : *parameters) {
      if (key == name) values.push_back(value);
    }
    if (!values.empty()) break;
  }
  return values;
}

std::vector<JsonMember> members_of(const std::string& body) {
  std::vector<JsonMember> members;
  if (body.empty()) return members;
  JsonReader reader(body);
  const auto wrong = [&reader] {
    return Problem(400, "the body must be a JSON object; byte " + std::to_string(reader.offset()) + " is wrong");
  };
  if (!reader.take('{')) throw wrong();
  if (reader.take('}')) return members;
  do {
    JsonMember member;
    if (!reader.read_string(member.key) || !reader.take(':')) throw wrong();
    reader.peek();
    const std::size_t begin = reader.offset();
    if (!reader.skip_value()) throw wrong();
    member.value = body.substr(begin, reader.offset() - begin);
    members.push_back(std::move(member));
  } while (reader.take(','));
  if (!reader.take('}') || !reader.at_end()) throw wrong();
  return members;
}

void append_values(const std::vector<std::string_view>& values, const TypeInfo& type, std::string& out) {
  if (type.kind != Kind::list) return append_value(type.kind, values.front(), out);
  const Kind item = content_of(static_cast<const ListType&>(type).item_type()).kind;
  out += '[';
  for (const std::string_view value : values) {
    append_value(item, value, out);
    out += ',';
  }
  out.back() = ']';
}

}  // namespace

bool takes_body(std::string_view method) noexcept { return method == "POST" || method == "PUT" || method == "PATCH"; }

const TypeInfo& content_of(const TypeInfo& type) {
  return type.kind == Kind::optional ? content_of(static_cast<const OptionalType&>(type).value_type()) : type;
}

std::string parameters_as_json(const Request& request, const ObjectType& type) {
  const std::vector<JsonMember> in_body = members_of(request.body);
  std::string out = "{";
  for (const Field& field : type.fields) {
    std::string value;
    if (const auto values = values_of(request, field.name); !values.empty()) {
      append_values(values, content_of(field.type()), value);
    } else {
      const auto member = std::find_if(in_body.rbegin(), in_body.rend(),
                                       [&field](const JsonMember& one) { return one.key == field.name; });
      const bool is_empty_list =
          member == in_body.rend() && field.type().kind == Kind::list && !takes_body(request.method);
      if (member == in_body.rend() && !is_empty_list) continue;
      value = is_empty_list ? "[]" : member->value;  // a query without any has none of them
    }
    if (out.size() > 1) out += ',';
    format::append_quoted(field.name, out);
    out += ':';
    out += value;
  }
  return out + '}';
}

}  // namespace waybill::http
