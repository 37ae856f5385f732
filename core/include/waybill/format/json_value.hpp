// JsonValue: a text of JSON as a tree, for documents that are put together: schemas, OpenAPI, AsyncAPI.
#pragma once

#include <concepts>
#include <cstddef>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace waybill::format {

/// A value; members keep their order, numbers their digits. Not for payloads: these are read and written without a tree.
class JsonValue {
 public:
  enum class Kind { literal, text, list, object };
  struct Member;

  JsonValue();
  JsonValue(const JsonValue& other);  // here and below for clang, which else wants to know Member before it is there
  JsonValue(JsonValue&& other) noexcept;
  JsonValue& operator=(const JsonValue& other);
  JsonValue& operator=(JsonValue&& other) noexcept;
  ~JsonValue();
  JsonValue(std::string_view text);  // NOLINT: implicit by design, here and below
  JsonValue(const char* text) : JsonValue(std::string_view(text)) {}
  JsonValue(const std::string& text) : JsonValue(std::string_view(text)) {}
  template <std::same_as<bool> T>
  JsonValue(T value) : JsonValue(literal(value ? "true" : "false")) {}
  template <std::integral N>
  requires(!std::same_as<N, bool>) JsonValue(N number) : JsonValue(literal(std::to_string(number))) {}
  /// A number, true, false or null, as it is written.
  static JsonValue literal(std::string_view written);
  static JsonValue list();
  static JsonValue list(std::vector<JsonValue> items);
  static JsonValue object();
  static JsonValue object(std::initializer_list<Member> members);
  /// Null: it is no JSON, or nested deeper than values may be.
  static std::optional<JsonValue> parse(std::string_view json);

  Kind kind() const noexcept { return kind_; }
  bool is_object() const noexcept { return kind_ == Kind::object; }
  bool is_list() const noexcept { return kind_ == Kind::list; }
  bool is_text() const noexcept { return kind_ == Kind::text; }
  /// Whether it is this word: "true", "null".
  bool is(std::string_view word) const noexcept { return kind_ == Kind::literal && content_ == word; }
  /// Of a text; a literal as it is written.
  const std::string& content() const noexcept { return content_; }
  const std::vector<JsonValue>& items() const noexcept { return items_; }
  std::vector<JsonValue>& items() noexcept { return items_; }
  const std::vector<Member>& members() const noexcept { return members_; }
  std::vector<Member>& members() noexcept { return members_; }

  /// Null if there is none.
  const JsonValue* find(std::string_view name) const noexcept;
  /// The member of that name; added, as null, where there is none. What is no object becomes one.
  JsonValue& operator[](std::string_view name);
  JsonValue& set(std::string_view name, JsonValue value);
  /// Gives the member away, if there is one.
  std::optional<JsonValue> take(std::string_view name);
  JsonValue& add(JsonValue item);

  /// In one line, or with lines and so many spaces for a level.
  std::string to_text(std::size_t indent = 0) const;
  bool operator==(const JsonValue& other) const;

 private:
  void append(std::string& out, std::size_t indent, std::size_t level) const;

  Kind kind_ = Kind::literal;
  std::string content_;
  std::vector<JsonValue> items_;
  std::vector<Member> members_;
};

struct JsonValue::Member {
  std::string name;
  JsonValue value;
};

}  // namespace waybill::format
