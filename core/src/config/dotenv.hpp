// What fills Variables and is filled in from them: .env files, and `${NAME}` in texts.
#pragma once

#include "waybill/variables.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace waybill::detail {

/// Adds the lines of a .env text that are not set yet, or set to nothing:
///   NAME=value   export NAME=value   NAME='as it is'   NAME="with \n \t \" \\"   # comment
/// Values in quotes may have several lines. Lines of another form are passed over: others read the file, too.
/// Wrong values are told in `mistakes` as "file:line: ...", never with the value.
void add_dotenv(Variables& variables, std::string_view text, std::string_view file, std::vector<std::string>& mistakes);
/// The same for a file, which need not be there.
void add_dotenv_file(Variables& variables, const std::string& file, std::vector<std::string>& mistakes);

/// Replaces `${NAME}` and `${NAME:-default}` (taken when NAME is unset or empty, and expanded then: it may hold further
/// ones); `$${` is a plain `${`.
/// What is wrong is told in `mistakes` with `where` in front.
std::string expand(const Variables& variables, std::string_view text, std::string_view where,
                   std::vector<std::string>& mistakes, int depth = 0);

}  // namespace waybill::detail
