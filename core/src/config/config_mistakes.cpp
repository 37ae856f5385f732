#include "waybill/config_section.hpp"

#include <algorithm>

namespace waybill {
namespace {

constexpr std::size_t k_most_shown = 100;  // bytes of what somebody wrote

const char* name_of(const ConfigNode& node) {
  switch (node.kind) {
    case ConfigNode::Kind::nothing: return "nothing";
    case ConfigNode::Kind::text: return "a single value";
    case ConfigNode::Kind::list: return "a list";
    case ConfigNode::Kind::map: return "a mapping";
  }
  return "something else";
}

}  // namespace

const ConfigNode* ConfigNode::find(std::string_view key) const noexcept {
  for (const ConfigMember& member : members) {
    if (member.key.text == key) return &member.value;
  }
  return nullptr;
}

std::string ConfigMistakes::where(const ConfigNode& at) const { return file_ + ':' + std::to_string(at.line); }

void ConfigMistakes::operator()(std::size_t line, std::string_view what) const {
  into_->push_back(file_ + ':' + std::to_string(line) + ": " + std::string(what));
}

void ConfigMistakes::operator()(const ConfigNode& at, std::string_view what) const {
  if (at.is_filled) (*this)(at.line, std::string(what) + at.variables);
}

void ConfigMistakes::expected(const ConfigNode& node, std::string_view what, std::string_view wanted) const {
  std::string text(what);
  if (!text.empty()) text += ": ";
  (*this)(node, text + "expected " + std::string(wanted) + ", found " + name_of(node));
}

void ConfigMistakes::repeated(const ConfigNode& map) const {
  for (auto member = map.members.begin(); member != map.members.end(); ++member) {
    const auto same = [&member](const ConfigMember& other) { return other.key.text == member->key.text; };
    const auto first = std::find_if(map.members.begin(), member, same);
    if (first == member) continue;
    (*this)(member->key, "the key \"" + member->key.written.substr(0, k_most_shown) + "\" is in line " +
                             std::to_string(first->key.line) + " already");
  }
}

}  // namespace waybill
