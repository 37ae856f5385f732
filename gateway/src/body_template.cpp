#include "body_template.hpp"

#include "http/json.hpp"
#include "waybill/format/json_text.hpp"
#include "waybill/format/utf8.hpp"

#include <algorithm>
#include <utility>

namespace waybill::http {

namespace {

using format::JsonReader;

/// As YAML's core schema has it.
std::string constant_json(const std::string& text) {
  if (is_json_number(text) || text == "true" || text == "false" || text == "null") return text;
  std::string json;
  format::append_quoted(text, json);
  return json;
}

std::vector<std::string> split(std::string_view text, char at) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(at), text.size());
    parts.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

/// The value of `name` in an object, as it stands there; empty: there is none. REQUIRES: one JSON value.
std::string_view member_of(std::string_view json, std::string_view name) {
  JsonReader reader(json);
  std::string_view found;
  if (!reader.take('{')) return found;
  std::string key;
  while (reader.read_string(key) && reader.take(':')) {
    reader.peek();
    const std::size_t begin = reader.offset();
    if (!reader.skip_value()) return {};
    if (key == name) found = json.substr(begin, reader.offset() - begin);
    if (!reader.take(',')) break;
  }
  return found;
}

struct TypeName {
  std::string_view name;
  BodyTemplate::Type type;
  bool is_list;
};
constexpr TypeName k_types[] = {
    {"text", BodyTemplate::Type::text, false}, {"number", BodyTemplate::Type::number, false},
    {"flag", BodyTemplate::Type::flag, false}, {"json", BodyTemplate::Type::json, false},
    {"texts", BodyTemplate::Type::text, true}, {"numbers", BodyTemplate::Type::number, true},
    {"flags", BodyTemplate::Type::flag, true}};

const char* name_of(BodyTemplate::Source source) {
  switch (source) {
    case BodyTemplate::Source::path: return "path";
    case BodyTemplate::Source::query: return "query";
    case BodyTemplate::Source::header: return "header";
    default: return "body";
  }
}

}  // namespace

std::shared_ptr<const BodyTemplate> BodyTemplate::read(const ConfigNode& node, const ConfigMistakes& mistakes) {
  auto made = std::make_shared<BodyTemplate>();
  switch (node.kind) {
    case ConfigNode::Kind::nothing: made->text_ = "null"; return made;
    case ConfigNode::Kind::text: return read_text(node, mistakes, *made) ? made : nullptr;
    case ConfigNode::Kind::list:
      made->source_ = Source::list;
      for (const ConfigNode& item : node.items) {
        if (const auto value = read(item, mistakes)) made->members_.push_back({{}, *value});
      }
      return made;
    case ConfigNode::Kind::map:
      made->source_ = Source::map;
      mistakes.repeated(node);
      for (const auto& [key, item] : node.members) {
        if (const auto value = read(item, mistakes)) made->members_.push_back({key.text, *value});
      }
      return made;
  }
  return nullptr;
}

bool BodyTemplate::read_text(const ConfigNode& node, const ConfigMistakes& mistakes, BodyTemplate& into) {
  std::string_view text = node.text;
  if (!text.starts_with('$') || text.starts_with("$$")) {
    into.text_ = constant_json(text.starts_with("$$") ? node.text.substr(1) : node.text);
    return true;
  }
  const auto wrong = [&] {
    mistakes(node,
             "expected $path.NAME, $query.NAME, $header.NAME, $body, $body.NAME or $request.id, and behind "
             "it perhaps `as number`, `as flag`, `as json`, `or VALUE`, `or nothing`; behind $query.NAME also "
             "`as texts`, `as numbers`, `as flags` for all values of the name; found \"" +
                 node.written.substr(0, 100) + '"');
    return false;
  };
  std::optional<std::string> otherwise;
  if (const std::size_t at = text.find(" or "); at != std::string_view::npos) {
    otherwise = text.substr(at + 4);
    text = text.substr(0, at);
    if (otherwise->find(" as ") != std::string::npos) return wrong();  // which would be a part of the value
  }
  if (const std::size_t at = text.find(" as "); at != std::string_view::npos) {
    const auto type = std::find_if(std::begin(k_types), std::end(k_types),
                                   [name = text.substr(at + 4)](const TypeName& one) { return one.name == name; });
    if (type == std::end(k_types)) return wrong();
    into.type_ = type->type;
    into.is_list_ = type->is_list;
    text = text.substr(0, at);
  }
  if (otherwise) {
    into.otherwise_.emplace();
    if (*otherwise != "nothing" && into.type_ == Type::text) format::append_quoted(*otherwise, *into.otherwise_);
    if (*otherwise != "nothing" && into.type_ != Type::text) into.otherwise_ = constant_json(*otherwise);
  }
  if (text == "$request.id") {
    into.source_ = Source::request_id;
    return true;
  }
  if (otherwise && *otherwise != "nothing" && (into.type_ == Type::number || into.type_ == Type::flag)) {
    const std::string& json = *into.otherwise_;
    const bool fits = into.type_ == Type::flag ? json == "true" || json == "false" : is_json_number(json);
    if (!fits) {
      mistakes(node, "what stands behind `or` is no " + std::string(into.type_ == Type::flag ? "flag" : "number") +
                         ": \"" + *otherwise + '"');
      return false;
    }
  }
  if (into.is_list_ && otherwise && !into.otherwise_->empty()) into.otherwise_ = '[' + *into.otherwise_ + ']';
  if (into.is_list_ && (text.starts_with("$path.") || text.starts_with("$header."))) {
    mistakes(node, "`as texts`, `as numbers` and `as flags` are for the query, where a name may stand several times");
    return false;
  }
  if ((text == "$body" || text.starts_with("$body.")) && (into.type_ != Type::text || into.is_list_)) {
    mistakes(node, "the body has types of its own: `as` is for texts, of the path, the query and the head");
    return false;
  }
  if (text == "$body" || text.starts_with("$body.")) {
    into.source_ = Source::body;
    into.steps_ = split(text.substr(std::min<std::size_t>(text.size(), 6)), '.');
    into.text_ = text.substr(1);
    return true;
  }
  for (const Source source : {Source::path, Source::query, Source::header}) {
    const std::string prefix = '$' + std::string(name_of(source)) + '.';
    if (!text.starts_with(prefix) || text.size() == prefix.size()) continue;
    into.source_ = source;
    into.text_ = text.substr(prefix.size());
    return true;
  }
  return wrong();
}

std::vector<std::string> BodyTemplate::path_names() const {
  std::vector<std::string> names;
  if (source_ == Source::path) names.push_back(text_);
  for (const Member& member : members_) {
    for (std::string& name : member.value.path_names()) names.push_back(std::move(name));
  }
  return names;
}

std::string BodyTemplate::make(const Request& request) const {
  std::string json;
  if (!append(request, json)) json = "null";
  return json;
}

/// For what is not there. False: it is left out.
bool BodyTemplate::append_otherwise(std::string& out) const {
  if (otherwise_) {
    out += *otherwise_;
    return !otherwise_->empty();
  }
  if (source_ == Source::body) throw Problem(400, text_ == "body" ? "there is no body" : "the body lacks " + text_);
  const std::string kind = source_ == Source::query ? "query parameter" : name_of(source_);
  throw Problem(400, "the " + kind + " \"" + text_ + "\" is missing");
}

/// False: it is left out.
bool BodyTemplate::append(const Request& request, std::string& out) const {
  switch (source_) {
    case Source::constant: out += text_; return true;
    case Source::request_id: format::append_quoted(request.id, out); return true;
    case Source::path: return append_text(&request.path(text_), out);
    case Source::query: return is_list_ ? append_list(request, out) : append_text(request.find_query(text_), out);
    case Source::header: return append_text(request.header(text_), out);
    case Source::body: return append_from_body(request, out);
    case Source::list:
    case Source::map: break;
  }
  const bool is_map = source_ == Source::map;
  out += is_map ? '{' : '[';
  bool is_first = true;
  for (const Member& member : members_) {
    std::string value;
    const bool is_there = member.value.append(request, value);
    if (!is_there && is_map) continue;
    if (!std::exchange(is_first, false)) out += ',';
    if (is_map) {
      format::append_quoted(member.name, out);
      out += ':';
    }
    out += is_there ? value : "null";
  }
  out += is_map ? '}' : ']';
  return true;
}

bool BodyTemplate::append_list(const Request& request, std::string& out) const {
  std::string list;
  for (const auto& [name, value] : request.query_parameters) {
    if (name != text_) continue;
    list += list.empty() ? '[' : ',';
    append_text(&value, list);
  }
  if (list.empty() && otherwise_) return append_otherwise(out);
  out += list.empty() ? "[]" : list + ']';
  return true;
}

bool BodyTemplate::append_text(const std::string* value, std::string& out) const {
  if (!value) return append_otherwise(out);
  const auto wrong = [&](const char* wanted) {
    return Problem(400, "the " + std::string(name_of(source_)) + " \"" + text_ + "\": expected " + wanted);
  };
  if (!format::is_utf8(*value)) throw wrong("UTF-8");  // in the head of a request anything may stand
  switch (type_) {
    case Type::text: format::append_quoted(*value, out); return true;
    case Type::number:
      if (!is_json_number(*value)) throw wrong("a number");
      break;
    case Type::flag:
      if (*value != "true" && *value != "false") throw wrong("true or false");
      break;
    case Type::json: {
      JsonReader reader(*value);
      if (!reader.skip_value() || !reader.at_end()) throw wrong("a value in JSON");
      break;
    }
  }
  out += *value;
  return true;
}

bool BodyTemplate::append_from_body(const Request& request, std::string& out) const {
  if (request.body.empty()) return append_otherwise(out);
  request.check_json();
  std::string_view value = request.body;
  for (const std::string& step : steps_) value = member_of(value, step);
  if (value.empty()) return append_otherwise(out);
  out += value;
  return true;
}

}  // namespace waybill::http
