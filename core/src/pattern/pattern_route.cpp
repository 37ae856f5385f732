#include "pattern/pattern_route.hpp"

#include "service/collation.hpp"
#include "waybill/format/json_text.hpp"

#include <algorithm>
#include <vector>

namespace waybill::detail {
namespace {

constexpr std::size_t k_max_depth = 5;  // of an object, the top being 0
constexpr std::size_t k_max_keys = 20;
constexpr std::string_view k_too_deep = "[MAX_DEPTH_REACHED]";
constexpr std::string_view k_too_many = "[TOO_MANY_KEYS]";

/// In quotes, with nothing escaped but the two characters that must be: line feeds and the like stay raw.
void append_barely_quoted(std::string_view text, std::string& out) {
  out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  out += '"';
}

/// The members of an object as they are read; holds no more of them than may be in a route.
class ObjectMembers {
 public:
  void add(format::JsonMember&& member) {
    if (too_many_) return;
    const auto same = [&member](const format::JsonMember& other) { return other.key == member.key; };
    const auto found = std::find_if(members_.begin(), members_.end(), same);
    if (found != members_.end()) {
      found->value = std::move(member.value);
    } else if (members_.size() == k_max_keys) {
      too_many_ = true;
      members_.clear();
    } else {
      members_.push_back(std::move(member));
    }
  }

  void write(std::string& out) {
    if (too_many_) return void(out += k_too_many);
    format::sort_as_javascript(members_);
    const auto before = [](const format::JsonMember& a, const format::JsonMember& b) {
      return collate(a.key, b.key) < 0;
    };
    if (!std::is_sorted(members_.begin(), members_.end(), before)) {
      std::stable_sort(members_.begin(), members_.end(), before);
    }
    out += '{';
    for (std::size_t i = 0; i < members_.size(); ++i) {
      if (i) out += ',';
      append_barely_quoted(members_[i].key, out);
      (out += ':') += members_[i].value;
    }
    out += '}';
  }

 private:
  std::vector<format::JsonMember> members_;
  bool too_many_ = false;
};

/// Recurses as deeply as routes go, and no deeper.
class RouteWriter {
 public:
  explicit RouteWriter(std::string_view json) : reader_(json) {}

  RouteKind write(std::string& out) {
    RouteKind kind = RouteKind::other;
    bool good = false;
    switch (reader_.peek()) {
      case '"':
        kind = RouteKind::text;
        good = reader_.read_string(out);
        break;
      case 't':
      case 'f':
      case 'n':
        kind = RouteKind::none;
        good = reader_.skip_value();
        break;
      default: good = value(0, out);
    }
    if (good && reader_.at_end()) return kind;
    out.clear();
    return RouteKind::not_json;
  }

 private:
  bool value(std::size_t depth, std::string& out) {
    switch (reader_.peek()) {
      case '{':
      case '[':
        if (depth <= k_max_depth) return composite(depth, out);
        out += k_too_deep;
        return reader_.skip_value();
      case '"': {
        std::string content;
        if (!reader_.read_string(content)) return false;
        append_barely_quoted(content, out);
        return true;
      }
      case 't': return word("true", out);
      case 'f': return word("false", out);
      case 'n': return word("null", out);
      default: {
        double number = 0;
        if (!reader_.read_number(number)) return false;
        format::append_number(number, out);
        return true;
      }
    }
  }

  bool word(std::string_view text, std::string& out) {
    out += text;
    return reader_.read_word(text);
  }

  /// An object, or an array, which is an object with the keys 0, 1 and so on.
  bool composite(std::size_t depth, std::string& out) {
    const bool is_object = reader_.take('{');
    if (!is_object) reader_.take('[');
    const char close = is_object ? '}' : ']';
    ObjectMembers members;
    if (!reader_.take(close)) {
      std::size_t index = 0;
      do {
        format::JsonMember member;
        if (is_object) {
          if (!reader_.read_string(member.key) || !reader_.take(':')) return false;
        } else {
          member.key = std::to_string(index++);
        }
        if (!value(depth + 1, member.value)) return false;
        members.add(std::move(member));
      } while (reader_.take(','));
      if (!reader_.take(close)) return false;
    }
    members.write(out);
    return true;
  }

  format::JsonReader reader_;
};

}  // namespace

RouteKind route_of_json(std::string_view json, std::string& route) {
  route.clear();
  return RouteWriter(json).write(route);
}

}  // namespace waybill::detail
