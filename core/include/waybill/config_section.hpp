// Sections of a configuration file that other components read, and what helps them to tell every mistake with its line.
#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace waybill {

struct Config;
struct ConfigMember;

/// One value of a file, with all that is in it.
struct ConfigNode {
  enum class Kind { nothing, text, list, map };
  Kind kind = Kind::nothing;
  std::size_t line = 0;   ///< From 1.
  std::string text;       ///< With its variables filled in.
  std::string written;    ///< As the file has it. Mistakes show only this: variables may hold secrets.
  std::string variables;  ///< Those in it, for its mistakes: ` (PORT is "abc")`. Empty where there are none.
  bool is_filled = true;  ///< False: a variable in `text` is not set. That is told already; leave the node alone.
  std::vector<ConfigNode> items;
  std::vector<ConfigMember> members;  ///< In the file's order; keys may be repeated.

  bool is_nothing() const noexcept { return kind == Kind::nothing; }
  bool is_text() const noexcept { return kind == Kind::text; }
  bool is_list() const noexcept { return kind == Kind::list; }
  bool is_map() const noexcept { return kind == Kind::map; }
  /// The value of that key; null if there is none.
  const ConfigNode* find(std::string_view key) const noexcept;
};

struct ConfigMember {
  ConfigNode key;  ///< A text.
  ConfigNode value;
};

/// Takes what is wrong with a file, as "file:line: text". All that is told is thrown at once, with core's own mistakes.
class ConfigMistakes {
 public:
  ConfigMistakes(std::string_view file, std::vector<std::string>& into) : file_(file), into_(&into) {}

  void operator()(std::size_t line, std::string_view what) const;
  /// The same, with its variables behind it; nothing where one was not set.
  void operator()(const ConfigNode& at, std::string_view what) const;
  /// Another kind of node was wanted: "WHAT: expected WANTED, found a list". `what` may be empty.
  void expected(const ConfigNode& found, std::string_view what, std::string_view wanted) const;
  /// Each key of a mapping that stands there a second time.
  void repeated(const ConfigNode& map) const;

  /// "file:line".
  std::string where(const ConfigNode& at) const;
  std::size_t count() const noexcept { return into_->size(); }

 private:
  std::string file_;
  std::vector<std::string>* into_;
};

/// Reads the members of a mapping by name. Each name that is asked for is known; finish() tells the others, with the
/// nearest known one. What is not there leaves `into` as it was.
///
/// Lifetime: refers to the node and to the mistakes.
class ConfigReader {
 public:
  /// `what` stands in front of each mistake: `route "GET /hello"`; it may be empty. Repeated keys are told at once.
  ConfigReader(const ConfigNode& node, std::string what, const ConfigMistakes& mistakes);

  /// The member that a single value in place of the mapping is meant for: `timeout: 5s` is `timeout: { limit: 5s }`.
  void main(std::string_view name) { main_ = name; }
  bool has(std::string_view name) const;

  /// A value of any kind, for the caller to read; null if it is not there.
  const ConfigNode* node(std::string_view name);
  void text(std::string_view name, std::string& into);
  /// A list of texts, or one text.
  void texts(std::string_view name, std::vector<std::string>& into);
  template <std::integral Number>
  void number(std::string_view name, Number& into, std::uint64_t least = 0,
              std::uint64_t most = static_cast<std::uint64_t>(std::numeric_limits<Number>::max())) {
    if (const auto number = whole(name, least, most)) into = static_cast<Number>(*number);
  }
  void duration(std::string_view name, std::chrono::milliseconds& into);
  /// "100ms..10s", or one duration for both.
  void durations(std::string_view name, std::chrono::milliseconds& first, std::chrono::milliseconds& most);
  /// "16MiB", or a bare number of bytes.
  void size(std::string_view name, std::size_t& into);
  enum class Least { more_than_zero, zero };
  /// "0.5" or "50%", at most 1.
  void share(std::string_view name, double& into, Least least = Least::more_than_zero);
  void flag(std::string_view name, bool& into);
  /// One of `choices`; its place among them.
  void choice(std::string_view name, std::span<const std::string_view> choices, std::size_t& into);

  void mistake(std::string_view text);
  void mistake(const ConfigNode& at, std::string_view text);
  /// Tells what was not asked for.
  void finish();
  bool is_good() const noexcept { return is_good_; }
  const std::vector<std::string>& known() const noexcept { return known_; }

 private:
  /// Null if there is none, or none that is a single value, which is told then.
  const ConfigNode* single(std::string_view name);
  std::optional<std::uint64_t> whole(std::string_view name, std::uint64_t least, std::uint64_t most);
  void expected(std::string_view name, const ConfigNode& found, std::string_view wanted);
  std::string in_front(std::string_view text) const;

  const ConfigNode& node_;
  std::string what_;
  const ConfigMistakes& mistakes_;
  std::string main_;
  std::vector<std::string> known_;
  bool is_good_ = true;
};

/// A key of the file's outermost mapping that belongs to another component.
struct ConfigSection {
  std::string key;
  /// Called for the value of the key, if the file has it, when all else is read: `config` has the listeners and clients
  /// that there will be, and the variables. What it throws as Error is a mistake at the node's line.
  std::function<void(const ConfigNode& node, const Config& config, const ConfigMistakes& mistakes)> read;
};

}  // namespace waybill
