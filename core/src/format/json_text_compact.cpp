// The half of json_text.hpp that knows objects: JavaScript's order of keys, and JSON.stringify of a whole text.
#include "waybill/format/json_text.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <optional>
#include <unordered_map>

namespace waybill::format {
namespace {

/// The number that an integer-like key stands for: 0 to 4294967294 without leading zeros.
std::optional<std::uint32_t> integer_key(std::string_view key) noexcept {
  if (key.empty() || key.size() > 10 || (key.size() > 1 && key[0] == '0')) return std::nullopt;
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), number);
  if (error != std::errc{} || end != key.data() + key.size() || number == 0xFFFFFFFFu) return std::nullopt;
  return number;
}

/// Members in the order in which their keys came first, each with the last of its values.
class MemberList {
 public:
  void add(JsonMember&& member) {
    if (JsonMember* const same = find(member.key)) {
      same->value = std::move(member.value);
      return;
    }
    members_.push_back(std::move(member));
    if (members_.size() < k_few) return;
    for (std::size_t i = places_.size(); i < members_.size(); ++i) places_.emplace(members_[i].key, i);
  }
  std::vector<JsonMember>& members() noexcept { return members_; }

 private:
  static constexpr std::size_t k_few = 16;  // up to here looking at all of them is faster than a table

  JsonMember* find(const std::string& key) {
    if (members_.size() < k_few) {
      const auto found = std::find_if(members_.begin(), members_.end(),
                                      [&key](const JsonMember& member) { return member.key == key; });
      return found == members_.end() ? nullptr : &*found;
    }
    const auto found = places_.find(key);
    return found == places_.end() ? nullptr : &members_[found->second];
  }

  std::vector<JsonMember> members_;
  std::unordered_map<std::string, std::size_t> places_;  // empty while there are few
};

class Compactor {
 public:
  Compactor(std::string_view text, std::size_t max_depth) : reader_(text), max_depth_(max_depth) {}

  bool value(std::size_t depth, std::string& out) {
    switch (reader_.peek()) {
      case '{': return depth < max_depth_ && object(depth, out);
      case '[': return depth < max_depth_ && array(depth, out);
      case '"': {
        std::string content;
        if (!reader_.read_string(content)) return false;
        append_quoted(content, out);
        return true;
      }
      case 't': return word("true", out);
      case 'f': return word("false", out);
      case 'n': return word("null", out);
      default: {
        double number = 0;
        if (!reader_.read_number(number)) return false;
        if (std::isfinite(number)) {
          append_number(number, out);
        } else {
          out += "null";
        }
        return true;
      }
    }
  }

  JsonReader& reader() noexcept { return reader_; }

 private:
  bool word(std::string_view text, std::string& out) {
    if (!reader_.read_word(text)) return false;
    out += text;
    return true;
  }

  bool array(std::size_t depth, std::string& out) {
    reader_.take('[');
    out += '[';
    if (!reader_.take(']')) {
      do {
        if (out.back() != '[') out += ',';
        if (!value(depth + 1, out)) return false;
      } while (reader_.take(','));
      if (!reader_.take(']')) return false;
    }
    out += ']';
    return true;
  }

  bool object(std::size_t depth, std::string& out) {
    reader_.take('{');
    MemberList list;
    if (!reader_.take('}')) {
      do {
        JsonMember member;
        if (!reader_.read_string(member.key) || !reader_.take(':') || !value(depth + 1, member.value)) return false;
        list.add(std::move(member));
      } while (reader_.take(','));
      if (!reader_.take('}')) return false;
    }
    std::vector<JsonMember>& members = list.members();
    sort_as_javascript(members);
    out += '{';
    for (std::size_t i = 0; i < members.size(); ++i) {
      if (i) out += ',';
      append_quoted(members[i].key, out);
      (out += ':') += members[i].value;
    }
    out += '}';
    return true;
  }

  JsonReader reader_;
  std::size_t max_depth_;
};

}  // namespace

void sort_as_javascript(std::vector<JsonMember>& members) {
  // What is not integer-like sorts behind all that is, and equal among itself. Mostly there is nothing to do.
  const auto rank = [](const JsonMember& member) -> std::uint64_t {
    const auto number = integer_key(member.key);
    return number ? *number : UINT64_MAX;
  };
  const auto before = [&rank](const JsonMember& a, const JsonMember& b) { return rank(a) < rank(b); };
  if (!std::is_sorted(members.begin(), members.end(), before)) {
    std::stable_sort(members.begin(), members.end(), before);
  }
}

bool compact_json(std::string_view text, std::size_t max_depth, std::string& out, std::size_t& mistake_at) {
  Compactor compactor(text, max_depth);
  std::string compacted;
  const bool good = compactor.value(0, compacted) && compactor.reader().at_end();
  mistake_at = compactor.reader().offset();
  if (good) out += compacted;
  return good;
}

}  // namespace waybill::format
