#include "middleware/options_reader.hpp"

#include "waybill/detail/nearest.hpp"
#include "waybill/url.hpp"

#include <algorithm>
#include <charconv>

namespace waybill::detail {

namespace {

template <class Number>
bool read_number(std::string_view text, Number& into) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), into);
  return error == std::errc{} && end == text.data() + text.size();
}

std::string or_list(std::span<const std::string_view> names) {
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i) text += i + 1 == names.size() ? " or " : ", ";
    text += names[i];
  }
  return text;
}

}  // namespace

bool MiddlewareOptions::has(std::string_view name) const {
  return std::any_of(written_.options.begin(), written_.options.end(),
                     [name](const WrittenOption& option) { return option.name == name; });
}

const WrittenOption* MiddlewareOptions::find(std::string_view name) {
  known_.emplace_back(name);
  for (const WrittenOption& option : written_.options) {
    if (option.name == name || (option.name.empty() && name == main_)) return &option;
  }
  return nullptr;
}

void MiddlewareOptions::mistake(std::string_view what) {
  is_good_ = false;
  mistake_(written_.line, written_.name + ": " + std::string(what));
}

void MiddlewareOptions::expected(std::string_view name, const WrittenOption& found, std::string_view what) {
  is_good_ = false;
  mistake_(found.line, written_.name + ": option \"" + std::string(name) + "\": expected " + std::string(what) +
                           ", found \"" + found.shown.substr(0, 100) + '"');
}

void MiddlewareOptions::number(std::string_view name, int& into, int least, int most) {
  const WrittenOption* option = find(name);
  if (!option) return;
  int number = 0;
  if (read_number(option->value, number) && number >= least && number <= most) {
    into = number;
    return;
  }
  expected(name, *option, "a whole number from " + std::to_string(least) + " to " + std::to_string(most));
}

void MiddlewareOptions::duration(std::string_view name, std::chrono::milliseconds& into) {
  const WrittenOption* option = find(name);
  if (!option) return;
  if (const auto duration = parse_duration(option->value)) {
    into = *duration;
  } else {
    expected(name, *option, "a duration such as 5s, 250ms or 2m");
  }
}

void MiddlewareOptions::durations(std::string_view name, std::chrono::milliseconds& first,
                                  std::chrono::milliseconds& most) {
  const WrittenOption* option = find(name);
  if (!option) return;
  const std::string_view text = option->value;
  const std::size_t dots = text.find("..");
  const auto from = parse_duration(text.substr(0, dots));
  const auto to = dots == std::string_view::npos ? from : parse_duration(text.substr(dots + 2));
  if (!from || !to || *to < *from) {
    return expected(name, *option, "two durations such as 100ms..10s, the second not less than the first, or one");
  }
  first = *from;
  most = *to;
}

void MiddlewareOptions::share(std::string_view name, double& into) {
  const WrittenOption* option = find(name);
  if (!option) return;
  std::string_view text = option->value;
  const bool is_percent = text.ends_with('%');
  if (is_percent) text.remove_suffix(1);
  double share = 0;
  if (read_number(text, share)) {
    if (is_percent) share /= 100;
    if (share > 0 && share <= 1) {
      into = share;
      return;
    }
  }
  expected(name, *option, "a share such as 0.5 or 50%, more than 0 and at most 1");
}

void MiddlewareOptions::flag(std::string_view name, bool& into) {
  constexpr std::string_view k_spellings[] = {"true", "yes", "on", "1", "false", "no", "off", "0"};
  const WrittenOption* option = find(name);
  if (!option) return;
  const auto found = std::find(std::begin(k_spellings), std::end(k_spellings), option->value);
  if (found == std::end(k_spellings)) return expected(name, *option, "true or false");
  into = found - std::begin(k_spellings) < 4;
}

void MiddlewareOptions::text(std::string_view name, std::string& into) {
  const WrittenOption* option = find(name);
  if (!option) return;
  if (option->value.empty()) return expected(name, *option, "a text");
  into = option->value;
}

void MiddlewareOptions::choice(std::string_view name, std::span<const std::string_view> choices, std::size_t& into) {
  const WrittenOption* option = find(name);
  if (!option) return;
  const auto found = std::find(choices.begin(), choices.end(), option->value);
  if (found == choices.end()) return expected(name, *option, or_list(choices));
  into = static_cast<std::size_t>(found - choices.begin());
}

void MiddlewareOptions::finish() {
  for (const WrittenOption& option : written_.options) {
    if (std::find(known_.begin(), known_.end(), option.name) != known_.end()) continue;
    if (option.name.empty() && !main_.empty()) continue;
    is_good_ = false;
    const std::string what =
        option.name.empty()
            ? ": expected its options, found \"" + option.shown.substr(0, 100) + '"'
            : ": unknown option \"" + option.name.substr(0, 100) + '"' + suggestion(option.name, known_);
    mistake_(option.line, written_.name + what);
  }
}

}  // namespace waybill::detail
