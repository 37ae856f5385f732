#include "config/url_text.hpp"
#include "config/values.hpp"
#include "waybill/config_section.hpp"
#include "waybill/detail/nearest.hpp"
#include "waybill/url.hpp"

#include <algorithm>

namespace waybill {

ConfigReader::ConfigReader(const ConfigNode& node, std::string what, const ConfigMistakes& mistakes)
    : node_(node), what_(std::move(what)), mistakes_(mistakes) {
  const std::size_t before = mistakes_.count();
  mistakes_.repeated(node_);
  is_good_ = node_.is_filled && mistakes_.count() == before;
}

std::string ConfigReader::in_front(std::string_view text) const {
  return (what_.empty() ? std::string() : what_ + ": ") + std::string(text);
}

void ConfigReader::mistake(std::string_view text) { mistake(node_, text); }

void ConfigReader::mistake(const ConfigNode& at, std::string_view text) {
  is_good_ = false;
  mistakes_(at, in_front(text));
}

void ConfigReader::expected(std::string_view name, const ConfigNode& found, std::string_view wanted) {
  is_good_ = false;
  const std::string option = in_front("option \"" + std::string(name) + '"');
  if (!found.is_text()) return mistakes_.expected(found, option, wanted);
  const std::string shown = detail::is_secret_name(name) ? std::string(detail::k_hidden) : found.written.substr(0, 100);
  mistakes_(found, option + ": expected " + std::string(wanted) + ", found \"" + shown + '"');
}

bool ConfigReader::has(std::string_view name) const { return node_.find(name) != nullptr; }

const ConfigNode* ConfigReader::node(std::string_view name) {
  if (std::find(known_.begin(), known_.end(), name) == known_.end()) known_.emplace_back(name);
  if (node_.is_text() && name == main_) return &node_;
  const ConfigNode* found = node_.find(name);
  if (found && !found->is_filled) {
    is_good_ = false;
    return nullptr;
  }
  return found;
}

const ConfigNode* ConfigReader::single(std::string_view name) {
  const ConfigNode* found = node(name);
  if (!found || found->is_text()) return found;
  expected(name, *found, "a single value");
  return nullptr;
}

void ConfigReader::text(std::string_view name, std::string& into) {
  const ConfigNode* found = single(name);
  if (!found) return;
  if (found->text.empty()) return expected(name, *found, "a text");
  into = found->text;
}

void ConfigReader::texts(std::string_view name, std::vector<std::string>& into) {
  const ConfigNode* found = node(name);
  if (!found) return;
  std::vector<std::string> read;
  const auto take = [&](const ConfigNode& one) {
    if (!one.is_text() || (one.is_filled && one.text.empty())) return expected(name, one, "a text, or a list of texts");
    is_good_ = is_good_ && one.is_filled;
    read.push_back(one.text);
  };
  if (found->is_list()) {
    for (const ConfigNode& one : found->items) take(one);
  } else {
    take(*found);
  }
  into = std::move(read);
}

std::optional<std::uint64_t> ConfigReader::whole(std::string_view name, std::uint64_t least, std::uint64_t most) {
  const ConfigNode* found = single(name);
  if (!found) return std::nullopt;
  const auto number = detail::parse_whole(found->text, least, most);
  if (!number) expected(name, *found, detail::a_whole_number(least, most));
  return number;
}

void ConfigReader::duration(std::string_view name, std::chrono::milliseconds& into) {
  const ConfigNode* found = single(name);
  if (!found) return;
  if (const auto duration = parse_duration(found->text)) {
    into = *duration;
  } else {
    expected(name, *found, detail::k_a_duration);
  }
}

void ConfigReader::durations(std::string_view name, std::chrono::milliseconds& first, std::chrono::milliseconds& most) {
  const ConfigNode* found = single(name);
  if (!found) return;
  const std::string_view text = found->text;
  const std::size_t dots = text.find("..");
  const auto from = parse_duration(text.substr(0, dots));
  const auto to = dots == std::string_view::npos ? from : parse_duration(text.substr(dots + 2));
  if (!from || !to || *to < *from) {
    return expected(name, *found, "two durations such as 100ms..10s, the second not less than the first, or one");
  }
  first = *from;
  most = *to;
}

void ConfigReader::size(std::string_view name, std::size_t& into) {
  const ConfigNode* found = single(name);
  if (!found) return;
  const auto size = detail::parse_size(found->text);
  if (size && *size <= std::numeric_limits<std::size_t>::max()) {
    into = static_cast<std::size_t>(*size);
  } else {
    expected(name, *found, detail::k_a_size);
  }
}

void ConfigReader::share(std::string_view name, double& into, Least least) {
  const ConfigNode* found = single(name);
  if (!found) return;
  const std::optional<double> share = detail::parse_share(found->text);
  if (!share || (*share == 0 && least == Least::more_than_zero)) {
    return expected(name, *found,
                    std::string(detail::k_a_share) + (least == Least::zero ? "" : ", more than 0 and at most 1"));
  }
  into = *share;
}

void ConfigReader::flag(std::string_view name, bool& into) {
  const ConfigNode* found = single(name);
  if (!found) return;
  if (const auto flag = detail::parse_flag(found->text)) {
    into = *flag;
  } else {
    expected(name, *found, detail::k_a_flag);
  }
}

void ConfigReader::choice(std::string_view name, std::span<const std::string_view> choices, std::size_t& into) {
  const ConfigNode* found = single(name);
  if (!found) return;
  const auto chosen = std::find(choices.begin(), choices.end(), found->text);
  if (chosen == choices.end()) return expected(name, *found, detail::one_of(choices));
  into = static_cast<std::size_t>(chosen - choices.begin());
}

void ConfigReader::finish() {
  const bool is_read = node_.is_nothing() || node_.is_map() || (node_.is_text() && !main_.empty());
  if (!is_read) {
    is_good_ = false;
    mistakes_.expected(node_, what_, "its options");
  }
  for (const auto& [key, value] : node_.members) {
    if (std::find(known_.begin(), known_.end(), key.text) != known_.end()) continue;
    mistake(key, "unknown option \"" + key.written.substr(0, 100) + '"' + detail::suggestion(key.text, known_));
  }
}

}  // namespace waybill
