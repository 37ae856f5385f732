#include "config/url_text.hpp"
#include "config/values.hpp"
#include "waybill/detail/mistakes.hpp"
#include "waybill/detail/nearest.hpp"
#include "waybill/url.hpp"

#include <algorithm>

namespace waybill {
namespace {

/// Calls `use` with each part of "a|b|c".
template <class Use>
void for_each_name(std::string_view names, Use use) {
  for (bool more = true; more;) {
    const std::size_t bar = names.find('|');
    use(names.substr(0, bar));
    more = bar != std::string_view::npos;
    names.remove_prefix(more ? bar + 1 : names.size());
  }
}

std::string_view first_name(std::string_view names) { return names.substr(0, names.find('|')); }

/// `name=value: expected ..., found ...`, without the value of a secret.
std::string bad_value(std::string_view names, const std::string& value, std::string_view expected) {
  const std::string_view name = first_name(names);
  const std::string shown = detail::is_secret_name(name) ? std::string(detail::k_hidden) : value.substr(0, 100);
  return "option \"" + std::string(name) + "\": expected " + std::string(expected) + ", found \"" + shown + '"';
}

/// Of a mistake its text without the value, which stands behind all else.
std::string without_value(const std::string& mistake) {
  const std::size_t at = mistake.find(", found \"");
  return at == std::string::npos ? mistake : mistake.substr(0, at) + ", found what the variable holds";
}

}  // namespace

const std::string* OptionReader::find(std::string_view names) {
  const std::pair<std::string, std::string>* found = nullptr;
  listed_.emplace_back(first_name(names));
  for_each_name(names, [&](std::string_view name) {
    known_.emplace_back(name);
    for (const auto& option : url_.options) {
      if (option.first != name) continue;
      if (found) {
        const bool same = found->first == option.first;
        mistake("option \"" + option.first + '"' +
                (same ? " is there twice" : " is another name of \"" + found->first + "\", which is there too"));
      }
      found = &option;
    }
  });
  return found ? &found->second : nullptr;
}

std::string OptionReader::text(std::string_view names, std::string_view otherwise) {
  const std::string* value = find(names);
  return value ? *value : std::string(otherwise);
}

std::optional<std::string> OptionReader::optional_text(std::string_view names) {
  const std::string* value = find(names);
  return value ? std::optional(*value) : std::nullopt;
}

bool OptionReader::flag(std::string_view names, bool otherwise) {
  const std::string* value = find(names);
  if (!value) return otherwise;
  if (value->empty()) return true;
  if (const auto flag = detail::parse_flag(*value)) return *flag;
  mistake(bad_value(names, *value, detail::k_a_flag));
  return otherwise;
}

std::uint64_t OptionReader::number(std::string_view names, std::uint64_t otherwise, std::uint64_t least,
                                   std::uint64_t most) {
  const std::string* value = find(names);
  if (!value) return otherwise;
  if (const auto number = detail::parse_whole(*value, least, most)) return *number;
  mistake(bad_value(names, *value, detail::a_whole_number(least, most)));
  return otherwise;
}

std::chrono::milliseconds OptionReader::duration(std::string_view names, std::chrono::milliseconds otherwise) {
  const std::string* value = find(names);
  if (!value) return otherwise;
  if (auto duration = parse_duration(*value)) return *duration;
  mistake(bad_value(names, *value, detail::k_a_duration));
  return otherwise;
}

std::uint64_t OptionReader::size(std::string_view names, std::uint64_t otherwise) {
  const std::string* value = find(names);
  if (!value) return otherwise;
  if (const auto size = detail::parse_size(*value)) return *size;
  mistake(bad_value(names, *value, detail::k_a_size));
  return otherwise;
}

std::optional<double> OptionReader::share(std::string_view names) {
  const std::string* value = find(names);
  if (!value) return std::nullopt;
  const std::optional<double> share = detail::parse_share(*value);
  if (!share) mistake(bad_value(names, *value, detail::k_a_share));
  return share;
}

std::size_t OptionReader::choice(std::string_view names, std::string_view choices, std::size_t otherwise) {
  const std::string* value = find(names);
  if (!value) return otherwise;
  std::vector<std::string_view> known;
  for_each_name(choices, [&known](std::string_view choice) { known.push_back(choice); });
  const auto found = std::find(known.begin(), known.end(), *value);
  if (found != known.end()) return static_cast<std::size_t>(found - known.begin());
  const std::string meant = detail::nearest(*value, std::vector<std::string>(known.begin(), known.end()));
  mistake(bad_value(names, *value, detail::one_of(known)) + (meant.empty() ? "" : "; did you mean \"" + meant + "\"?"));
  return otherwise;
}

std::vector<std::pair<std::string, std::string>> OptionReader::passthrough(std::string_view prefix) {
  prefixes_.emplace_back(prefix);
  std::vector<std::pair<std::string, std::string>> found;
  for (const auto& [name, value] : url_.options) {
    if (name.starts_with(prefix)) found.emplace_back(name.substr(prefix.size()), value);
  }
  return found;
}

void OptionReader::allow(std::string_view names) {
  listed_.emplace_back(first_name(names));
  for_each_name(names, [this](std::string_view name) { known_.emplace_back(name); });
}

Result<void> OptionReader::finish() {
  const auto with_others = [this](std::vector<std::string> names) {
    names.insert(names.end(), url_.known_elsewhere.begin(), url_.known_elsewhere.end());
    std::sort(names.begin(), names.end());  // a word may have been asked for twice
    names.erase(std::unique(names.begin(), names.end()), names.end());
    return names;
  };
  const std::vector<std::string> candidates = with_others(known_);
  const std::vector<std::string> listed = with_others(listed_);
  for (const auto& [name, value] : url_.options) {
    const bool is_known = std::find(known_.begin(), known_.end(), name) != known_.end();
    const auto has_prefix = [&name = name](const std::string& prefix) { return name.starts_with(prefix); };
    if (is_known || std::any_of(prefixes_.begin(), prefixes_.end(), has_prefix)) continue;
    const bool is_near = !detail::nearest(name, candidates).empty();
    mistakes_.push_back("unknown option \"" + name.substr(0, 100) + '"' +
                        detail::suggestion(name, is_near ? candidates : listed));
  }
  detail::Mistakes told;
  for (const std::string& mistake : mistakes_) {
    const bool is_shown = !url_.unshown.contains(detail::option_in(mistake));
    told.push_back(detail::in_url_of(url_.scheme) + (is_shown ? mistake : without_value(mistake)));
  }
  return detail::outcome_of(told);
}

}  // namespace waybill
