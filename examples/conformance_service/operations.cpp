#include "conformance.hpp"

#include <charconv>
#include <map>
#include <optional>

namespace conformance {
namespace {

/// A value inside a text, as JavaScript writes it.
std::string text_of(const Json& value) { return value.is_string() ? value.get<std::string>() : value.dump(); }

/// The number of a key that JavaScript takes for an index: 0 to 4294967294 without leading zeros.
std::optional<std::uint32_t> index_of(const std::string& key) {
  std::uint32_t index = 0;
  const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), index);
  const bool is_index = error == std::errc{} && end == key.data() + key.size() && index != UINT32_MAX;
  return is_index && (key == "0" || key[0] != '0') ? std::optional(index) : std::nullopt;
}

/// Puts members where JavaScript's objects have them: indices first, ascending, then the others as they came.
void sort_indices(Json& value) {
  for (Json& item : value) {
    if (item.is_structured()) sort_indices(item);
  }
  if (!value.is_object()) return;
  std::map<std::uint32_t, Json> indices;
  for (auto& [key, item] : value.items()) {
    if (const auto index = index_of(key)) indices[*index] = std::move(item);
  }
  if (indices.empty()) return;
  Json sorted = Json::object();
  for (auto& [index, item] : indices) sorted[std::to_string(index)] = std::move(item);
  for (auto& [key, item] : value.items()) {
    if (!index_of(key)) sorted[key] = std::move(item);
  }
  value = std::move(sorted);
}

/// The same value, written as JavaScript writes it; what is nested too deeply for that as it came.
waybill::Payload echo(waybill::Payload data) {
  if (data.empty()) return data;
  Json value;
  if (!data.decode_into(waybill::ValueOut::of(value))) return data;
  sort_indices(value);
  waybill::Buffer text;
  if (!data.serializer()->encode(waybill::ValueRef::of(value), text)) return data;
  return waybill::Payload(text.take(), *data.serializer());
}

double sum(const Json& data) {
  double total = 0;
  if (data.is_array()) {
    for (const Json& item : data) total += item.is_number() ? item.get<double>() : 0;
  }
  return total;
}

/// How many UTF-16 units a UTF-8 text has: two for what lies beyond the basic plane, which takes four bytes.
std::size_t utf16_length(const std::string& text) {
  std::size_t units = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte & 0xc0) != 0x80) units += byte >= 0xf0 ? 2 : 1;
  }
  return units;
}

/// The tag, if there is one: an operation that answers with nothing otherwise.
waybill::Stream<Json> delay(Json data) {
  co_await pause(std::chrono::milliseconds(member<int>(data, "ms", 0)));
  if (!data.contains("tag")) co_return;
  const Json tag = data.at("tag");
  co_yield tag;
}

void add_values(Handlers& handlers) {
  handlers.operation("sum", [](const Json& data) { return sum(data); });
  handlers.operation("hello", [](const Json& data) { return "Hello, " + text_of(data) + "!"; });
  handlers.operation("echo", &echo);
  handlers.operation("type", [is_kafka = handlers.is_kafka()](const Json& data, waybill::Context& context) {
    return Json{{"type", type_of(data, context, is_kafka)}};
  });
  handlers.operation("none", [] {});
  handlers.operation("null", [] { return nullptr; });
  handlers.operation("false", [] { return false; });
  handlers.operation("zero", [] { return 0; });
  handlers.operation("text", [] { return std::string("한글 😀 \"q\" \\ \n\t\x01"); });
  handlers.operation("nested", [] { return Json::parse(R"({"b":1,"a":{"z":null,"y":[1,"two",{"x":true}]}})"); });
  handlers.operation("big", [](const Json& data) { return std::string(member<std::size_t>(data, "size", 0), 'x'); });
  handlers.operation("length", [](const std::string& text) {
    return Json{{"utf16", utf16_length(text)}, {"utf8", text.size()}};
  });
}

void add_waiting(Handlers& handlers) {
  handlers.operation("delay", &delay);
  handlers.operation("never", []() -> asio::awaitable<void> {
    asio::steady_timer forever(co_await asio::this_coro::executor, asio::steady_timer::time_point::max());
    co_await forever.async_wait(asio::use_awaitable);
  });
}

void add_memory(Handlers& handlers, State& state) {
  handlers.operation("meta", [&state](const Json& data, waybill::Context& context) {
    Json answer = with_data(data, context);
    add_message_fields(answer, state.scheme, context);
    return answer;
  });
  handlers.operation("instance", [&state] { return Json{{"instance", state.instance}}; });
  handlers.operation("tally",
                     [&state](const Json& data) { return state.add(member<std::string>(data, "name", ""), 1); });
  handlers.operation("count",
                     [&state](const Json& data) { return state.add(member<std::string>(data, "name", ""), 0); });
  handlers.operation("last", [&state](const Json& data) {
    const auto found = state.memory.last.find(member<std::string>(data, "name", ""));
    return found == state.memory.last.end() ? Json{{"data", nullptr}, {"none", true}} : found->second;
  });
  handlers.operation("log", [&state](const Json& data) {
    return Json{{"items", state.memory.log[member<std::string>(data, "name", "")]}};
  });
  handlers.operation("reset", [&state] {
    state.memory = {};
    return Json{{"done", true}};
  });
}

}  // namespace

asio::awaitable<void> pause(std::chrono::milliseconds time) {
  asio::steady_timer timer(co_await asio::this_coro::executor, time);
  co_await timer.async_wait(asio::use_awaitable);
}

void add_operations(Handlers& handlers, State& state) {
  add_values(handlers);
  add_waiting(handlers);
  add_memory(handlers, state);
}

void add_other_patterns(Handlers& handlers) {
  waybill::Service& service = handlers.service();
  const auto answer = [&service](const waybill::Pattern& pattern, const char* text) {
    service.on_request(pattern, [text] { return text; });
  };
  answer(4242, "number pattern");
  // Received texts are read as JSON first, so that nobody ever reaches these two (docs/wire-format.md).
  answer("true", "unreachable");
  answer("1.0", "unreachable");
  if (handlers.is_kafka()) {
    service.on_request(waybill::native("^conf-rx\\..*"), [](waybill::Context& context) {
      return Json{{"handler", "regexp"}, {"pattern", context.pattern()}};
    });
    return;
  }
  const auto object = [&answer](const char* json, const char* text) {
    answer(waybill::Pattern::from_json(json), text);
  };
  object(R"({"role":"item","op":{"id":7,"get":true}})", "nested pattern");
  object(R"({"cmd":"q\"uo\\te"})", "escaped pattern");
  object(R"({"cmd":"주문","e":"😀"})", "unicode object pattern");
  answer("주문.조회.🏓", "unicode pattern");
  object(R"({"B":1,"a":2,"A":3,"b":4,"a_b":5,"a-b":6,"10":7,"9":8})", "collated pattern");
}

}  // namespace conformance
