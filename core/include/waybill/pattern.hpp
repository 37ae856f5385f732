// Pattern: what a user routes by, and its normalized text, the route.
#pragma once

#include "waybill/transport/packet.hpp"

#include <concepts>
#include <string>
#include <string_view>

namespace waybill {

namespace detail {
template <class T>
concept Character = std::same_as<T, char> || std::same_as<T, wchar_t> || std::same_as<T, char8_t> ||
    std::same_as<T, char16_t> || std::same_as<T, char32_t>;
}  // namespace detail

/// A text, a number or a small JSON object. route() normalizes it exactly as NestJS does (docs/wire-format.md, "Patterns").
///
/// Texts may hold wildcards between dots: `*` for one word, `**` for the rest. Each transport translates them to what
/// its broker has. native("...") passes a text through untouched for brokers' own forms.
///
/// A value type; making one normalizes and allocates, so keep the patterns of a hot path.
/// Constructors throw Error(invalid_config) for text that is not UTF-8, numbers that are not finite, and a `**` that is
/// not the last word.
class Pattern {
 public:
  /// One member of an object pattern. It has constructors so that g++ 12 may destroy it inside a co_await statement.
  class Entry {
   public:
    Entry(std::string_view key, std::string_view text);
    Entry(std::string_view key, const char* text) : Entry(key, std::string_view(text)) {}
    Entry(std::string_view key, bool value);
    template <std::integral N>
    requires(!std::same_as<N, bool> && !detail::Character<N>) Entry(std::string_view key, N value)
        : Entry(key, static_cast<double>(value)) {}
    Entry(std::string_view key, double value);
    template <detail::Character C>
    Entry(std::string_view key, C value) = delete;

   private:
    friend class Pattern;
    std::string json_;  // "key":value
  };

  /// A text. A template, so that no brace list is taken for a text: {{"cmd", "sum"}} is an object.
  template <std::convertible_to<std::string_view> T>
  Pattern(const T& text) : Pattern(Text{}, text) {}  // NOLINT: implicit by design, here and below
  template <std::integral N>
  requires(!std::same_as<N, bool> && !detail::Character<N>) Pattern(N number)
      : Pattern(static_cast<double>(number)) {}  // numbers are doubles, as in JavaScript
  Pattern(double number);
  template <class T>
  requires(std::same_as<T, bool> || detail::Character<T>) Pattern(T)
  = delete;  // 'x' is no number: write "x"
  Pattern(const Entry& a);
  Pattern(const Entry& a, const Entry& b);
  Pattern(const Entry& a, const Entry& b, const Entry& c);
  Pattern(const Entry& a, const Entry& b, const Entry& c, const Entry& d);

  /// Any pattern from its JSON text: `"sum"`, `42`, `{"cmd":"sum"}`.
  /// Throws Error(invalid_config) that says where the text is wrong, also for more than 64 KiB and more than 128 levels,
  /// and for `true`, `false` and `null`, which never find a handler. Strings keep their content as it is.
  static Pattern from_json(std::string_view json);

  /// What from_json() makes it of: a text in quotes.
  std::string to_json() const;
  /// The pattern as it goes on the wire.
  Term term() const noexcept { return {text_, is_json_}; }
  /// The normalized text: what handlers are found by and channels are named after.
  const std::string& route() const noexcept { return route_; }
  /// True for a text with `*` or `**` as whole words.
  bool is_wildcard() const noexcept { return is_wildcard_; }
  /// True when made by native().
  bool is_native() const noexcept { return is_native_; }

  friend bool operator==(const Pattern& a, const Pattern& b) noexcept { return a.route_ == b.route_; }

 private:
  friend Pattern native(std::string_view text);
  struct ObjectJson {};
  struct Text {};
  struct Native {};
  struct OneEntry {};
  Pattern(OneEntry, std::string json);
  Pattern(ObjectJson, std::string_view json);
  Pattern(Text, std::string_view text);
  Pattern(Native, std::string_view text);
  std::string text_;
  std::string route_;
  bool is_json_ = false;
  bool is_wildcard_ = false;
  bool is_native_ = false;
};

/// A text that is passed to the broker as it is, with the wildcards that the broker knows.
Pattern native(std::string_view text);

/// The route of a received pattern (the lookup of NestJS's server): the text is parsed as JSON if it can be, and the
/// outcome normalized. Returns false for patterns that never find a handler (`true`, `1` inside text and so on).
bool lookup_route(Term received, std::string& route);

/// True when `route` is matched by `wildcard`, in waybill's form: `*` one word (never empty), `**` one or more at the end.
bool matches(std::string_view wildcard, std::string_view route) noexcept;

}  // namespace waybill
