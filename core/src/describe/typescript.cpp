// TypeScript for projects with NestJS: types, and a class of calls.
#include "describe/names.hpp"
#include "describe/typescript_types.hpp"
#include "waybill/description.hpp"
#include "waybill/format/schema_pool.hpp"

#include <set>

namespace waybill {

using format::JsonValue;

namespace {

constexpr std::string_view k_head =
    "// Made by `waybill describe --typescript`: make it again rather than change it. Integers beyond 2^53 are no "
    "numbers of\n"
    "// JavaScript's.\n"
    "import type { ClientProxy } from '@nestjs/microservices';\n"
    "import type { Observable } from 'rxjs';\n";

/// sum of {"cmd":"sum"}, orderCreated of "order.created".
std::string words_of(const JsonValue& pattern) {
  if (!pattern.is_object()) return pattern.content();
  std::string words;
  for (const auto& [key, value] : pattern.members()) {
    words += ' ' + (pattern.members().size() > 1 && key != "cmd" ? key + ' ' : std::string()) + words_of(value);
  }
  return words;
}

/// The pattern's text with a hole for each wildcard: "order.*" is `order.${string}`.
std::string template_of(const std::string& pattern) {
  std::string text = "`";
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '*') {
      text += "${string}";
      i += pattern.substr(i, 2) == "**" ? 1 : 0;
      continue;
    }
    if (pattern[i] == '`' || pattern[i] == '\\' || pattern[i] == '$') text += '\\';
    text += pattern[i];
  }
  return text + '`';
}

class Module {
 public:
  explicit Module(const ServiceDescription& service) {
    std::string class_name = format::pascal_case(service.name) + "Client";
    if (class_name.front() >= '0' && class_name.front() <= '9') class_name.insert(class_name.begin(), '_');
    schemas_.reserve(class_name);
    for (const HandlerDescription& handler : service.handlers) add(handler);
    text_ = k_head;
    for (const auto& [name, schema] : schemas_.definitions().members()) {
      text_ += '\n' + format::declaration_of(format::type_name(name), schema);
    }
    text_ += "\nexport class " + class_name + " {\n  private readonly proxy_: ClientProxy;\n\n" +
             "  constructor(proxy: ClientProxy) {\n    this.proxy_ = proxy;\n  }\n" + methods_ + "}\n";
  }
  const std::string& text() const noexcept { return text_; }

 private:
  std::string type_of(const std::string& schema, const char* otherwise) {
    const auto read = schema.empty() ? std::nullopt : JsonValue::parse(schema);
    return read ? format::type_text(schemas_.add(*read), "  ") : otherwise;
  }

  /// Several handlers of one event take what one call sends: the first has it.
  void add(const HandlerDescription& handler) {
    using Kind = HandlerDescription::Kind;
    const bool is_event = handler.kind == Kind::event;
    const Pattern pattern = format::read_pattern(handler.pattern);
    if (!seen_.insert((is_event ? "event " : "call ") + pattern.route()).second) return;
    const JsonValue written = JsonValue::parse(handler.pattern).value();
    std::string name = format::pascal_case((is_event ? "emit " : "") + words_of(written));
    if (name.empty()) name = "Call";
    if (name.front() >= '0' && name.front() <= '9') name.insert(0, "Call");
    if (name == "Constructor") name = "CallConstructor";
    name.front() = static_cast<char>(name.front() | 0x20);
    name = format::free_name(name, [this](const std::string& one) { return names_.contains(one); });
    names_.insert(name);

    const std::string argument = type_of(handler.argument, "unknown");
    const std::string reply = is_event || handler.reply == "false" ? "void" : type_of(handler.reply, "unknown");
    // NestJS sends no message without data.
    const std::string data = handler.argument.empty() ? "data: unknown = {}" : "data: " + argument;
    const std::string sent = pattern.is_wildcard() ? "pattern" : written.to_text();
    const std::string first = pattern.is_wildcard() ? "pattern: " + template_of(pattern.route()) + ", " : std::string();
    methods_ += "\n  /** " + std::string(handler.kind == Kind::stream ? "Any number of values answer "
                                         : is_event                   ? "The event "
                                                                      : "The request ");
    methods_ += comment_of(handler.pattern) + ". */\n  " + name + '(' + first + data + "): Observable<" + reply +
                "> {\n    return this.proxy_." + (is_event ? "emit<" : "send<") + reply + ", " + argument + ">(" +
                sent + ", data);\n  }\n";
  }

  static std::string comment_of(std::string text) {
    for (std::size_t i = 0; (i = text.find("*/", i)) != std::string::npos;) text.insert(i + 1, " ");
    return text;
  }

  format::SchemaPool schemas_{""};
  std::set<std::string> seen_;
  std::set<std::string> names_;
  std::string methods_;
  std::string text_;
};

}  // namespace

std::string typescript(const ServiceDescription& service) { return Module(service).text(); }

}  // namespace waybill
