// What is wrong with a configuration, a line each: collected, so that one mistake hides no other.
#pragma once

#include "waybill/error.hpp"
#include "waybill/result.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace waybill::detail {

/// Where a mistake was made and which.
using Mistakes = std::vector<std::string>;

/// "file:3: ", or nothing where that is not known.
inline std::string at_origin(const std::string& origin) { return origin.empty() ? std::string() : origin + ": "; }

/// The lines of an error's message, one mistake each.
void append_mistakes(const Error& error, std::string_view prefix, Mistakes& mistakes);

/// invalid_config with every mistake, one a line, if there is any.
Result<void> outcome_of(const Mistakes& mistakes);
/// The same, thrown.
void throw_mistakes(const Mistakes& mistakes);

/// The option that a mistake of OptionReader is about: `option "NAME"...`, `unknown option "NAME"...`, `NAME: ...`.
std::string_view option_in(std::string_view mistake) noexcept;

}  // namespace waybill::detail
