// The variables that configuration takes its values from: the environment, and a .env file behind it.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace waybill::detail {

/// A snapshot; names are case-sensitive. The environment wins over the file.
class Variables {
 public:
  /// What the process has.
  static Variables of_process();

  /// Adds the lines of a .env text that are not set yet, or set to nothing:
  ///   NAME=value   export NAME=value   NAME='as it is'   NAME="with \n \t \" \\"   # comment
  /// Values in quotes may have several lines. Lines of another form are passed over: others read the file, too.
  /// Wrong values are told in `mistakes` as "file:line: ...", never with the value.
  void add_dotenv(std::string_view text, std::string_view file, std::vector<std::string>& mistakes);
  /// The same for a file, which need not be there.
  void add_dotenv_file(const std::string& file, std::vector<std::string>& mistakes);

  void set(std::string name, std::string value) { values_.insert_or_assign(std::move(name), std::move(value)); }
  /// Null if it is not set.
  const std::string* find(std::string_view name) const noexcept;
  const std::map<std::string, std::string, std::less<>>& all() const noexcept { return values_; }

  /// Replaces `${NAME}` and `${NAME:-default}` (taken when NAME is unset or empty, and expanded then: it may hold further
  /// ones); `$${` is a plain `${`.
  /// What is wrong is told in `mistakes` with `where` in front.
  std::string expand(std::string_view text, std::string_view where, std::vector<std::string>& mistakes,
                     int depth = 0) const;

 private:
  std::map<std::string, std::string, std::less<>> values_;
};

}  // namespace waybill::detail
