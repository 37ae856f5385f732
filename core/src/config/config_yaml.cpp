// The only file that knows yaml-cpp.
#include "config/config_tree.hpp"
#include "waybill/error.hpp"

#if WAYBILL_WITH_YAML
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>
#endif

namespace waybill::detail {

#if WAYBILL_WITH_YAML
namespace {

constexpr std::size_t k_max_depth = 16;
constexpr std::size_t k_max_nodes = 10'000;  // aliases make a small file large

/// Copies yaml-cpp's nodes. Throws Error(invalid_config).
class Copier {
 public:
  explicit Copier(std::string_view name) : name_(name) {}

  ConfigNode copy(const YAML::Node& node, std::size_t depth) {
    ConfigNode copied;
    copied.line = static_cast<std::size_t>(node.Mark().line) + 1;
    if (depth > k_max_depth) fail(copied.line, "nested more than 16 levels deep");
    if (++count_ > k_max_nodes) fail(copied.line, "more than 10000 values");
    switch (node.Type()) {
      case YAML::NodeType::Undefined:
      case YAML::NodeType::Null: break;
      case YAML::NodeType::Scalar:
        copied.kind = ConfigNode::Kind::text;
        copied.text = copied.written = node.Scalar();
        break;
      case YAML::NodeType::Sequence:
        copied.kind = ConfigNode::Kind::list;
        for (const auto& item : node) copied.items.push_back(copy(item, depth + 1));
        break;
      case YAML::NodeType::Map:
        copied.kind = ConfigNode::Kind::map;
        copy_members(node, copied, depth);
        break;
    }
    return copied;
  }

  [[noreturn]] void fail(std::size_t line, const char* what) {
    throw Error(errc::invalid_config, name_ + ':' + std::to_string(line) + ": " + what, End::rejected);
  }

 private:
  /// Keys of the mapping itself win over those that `<<` merges in, and these over later ones.
  void copy_members(const YAML::Node& node, ConfigNode& copied, std::size_t depth) {
    std::vector<ConfigNode> merged;
    for (const auto& member : node) {
      ConfigNode key = copy(member.first, depth + 1);
      if (key.kind != ConfigNode::Kind::text) fail(key.line, "expected a text as key");
      ConfigNode value = copy(member.second, depth + 1);
      if (!value.is_text()) value.line = key.line;
      if (key.text != "<<") {
        copied.members.push_back({std::move(key), std::move(value)});
      } else if (value.kind == ConfigNode::Kind::list) {
        for (ConfigNode& item : value.items) merged.push_back(std::move(item));
      } else {
        merged.push_back(std::move(value));
      }
    }
    for (ConfigNode& from : merged) {
      if (from.kind != ConfigNode::Kind::map) fail(from.line, "<< merges mappings, or a list of them");
      for (ConfigMember& member : from.members) {
        const auto is_same = [&member](const ConfigMember& own) { return own.key.text == member.key.text; };
        if (std::none_of(copied.members.begin(), copied.members.end(), is_same)) {
          copied.members.push_back(std::move(member));
        }
      }
    }
  }

  std::string name_;
  std::size_t count_ = 0;
};

/// What yaml-cpp says, and what its reader does about it.
struct YamlHint {
  std::string_view said;  // the beginning of it
  std::string_view hint;
};
constexpr YamlHint k_hints[] = {
    {"illegal map value",
     "a \":\" where no key can end: indent the keys of one mapping alike, put a text with \": \" in it in quotes, and "
     "look whether the line above lacks its \":\""},
    {"illegal map key", "a key stands where none can be: indent the keys of one mapping alike"},
    {"illegal block entry", "a \"-\" where no list can begin: its items stand below the key, indented alike"},
    {"end of map not found",
     "this belongs to no key: a line that is indented like none above it, a \"-\" beside keys, or a text behind a "
     "closing quote"},
    {"end of sequence not found",
     "this belongs to no item: each begins with \"- \", and what is in it is indented deeper"},
    {"end of map flow not found",
     "a \"{\" has no \"}\", or a \",\" is missing; between braces a text with braces needs quotes (\"/orders/{id}\")"},
    {"end of sequence flow not found", "a \"[\" has no \"]\", or a \",\" is missing"},
    {"illegal flow end", "a \"}\" or \"]\" closes nothing"},
    {"illegal EOF in scalar", "a quote is not closed"},
    {"unknown token", "a value cannot begin with this character: put it in quotes"},
    {"unexpected character in block scalar", "a text that begins with | or > needs quotes"},
    {"unknown escape character", "in double quotes a backslash begins an escape: write \\\\, or use single quotes"},
    {"the referenced anchor is not defined",
     "what *NAME stands for needs an &NAME above it; a text that begins with * needs quotes"},
    {"alias not found after *", "a text that begins with * needs quotes"},
    {"anchor not found after &", "a text that begins with & needs quotes"},
};

std::string in_words(const std::string& said, std::string_view line) {
  const std::string_view indent = line.substr(0, line.find_first_not_of(" \t"));
  if (indent.find('\t') != indent.npos) return "a tab indents this line: YAML takes spaces only";
  for (const YamlHint& one : k_hints) {
    if (said.starts_with(one.said)) return std::string(one.hint);
  }
  return said;
}

/// From 0; empty if there is none.
std::string_view line_of(std::string_view text, int line) {
  for (; line > 0 && !text.empty(); --line) text.remove_prefix(std::min(text.find('\n'), text.size() - 1) + 1);
  return text.substr(0, text.find('\n'));
}

/// The documents of a text, each behind as many empty lines as stand before it, so that line numbers hold. (yaml-cpp's
/// LoadAll never ends where it makes nothing of a text.)
std::vector<std::string> documents_of(std::string_view yaml) {
  std::vector<std::string> documents(1);
  std::size_t lines = 0;
  bool has_content = false;
  while (!yaml.empty()) {
    const std::string_view line = yaml.substr(0, std::min(yaml.find('\n'), yaml.size() - 1) + 1);
    yaml.remove_prefix(line.size());
    const bool is_marker =
        line.starts_with("---") && (line.size() == 3 || std::string_view(" \t\r\n").find(line[3]) != line.npos);
    if (is_marker && has_content) {
      documents.emplace_back(lines, '\n');
      has_content = false;
    }
    const std::size_t first = line.find_first_not_of(is_marker ? "- \t\r\n" : " \t\r\n");
    has_content = has_content || (first != line.npos && line[first] != '#' && (is_marker || line[0] != '%'));
    documents.back() += line;
    ++lines;
  }
  return documents;
}

}  // namespace

Result<ConfigNode> read_yaml(std::string_view yaml, std::string_view name) {
  try {
    Copier copier(name);
    std::optional<ConfigNode> only;
    for (const std::string& document : documents_of(yaml)) {
      ConfigNode copied = copier.copy(YAML::Load(document), 0);
      if (copied.kind == ConfigNode::Kind::nothing) continue;
      if (only) copier.fail(copied.line, "a second document (behind ---): put all of it into one");
      only = std::move(copied);
    }
    return only ? *std::move(only) : ConfigNode();
  } catch (const Error& error) {
    return error;
  } catch (const YAML::Exception& exception) {
    const std::string line = exception.mark.is_null() ? "" : ':' + std::to_string(exception.mark.line + 1);
    return Error(
        errc::invalid_config,
        std::string(name) + line + ": not valid YAML: " + in_words(exception.msg, line_of(yaml, exception.mark.line)),
        End::rejected);
  }
}

#else

Result<ConfigNode> read_yaml(std::string_view, std::string_view name) {
  return Error(errc::invalid_config,
               std::string(name) +
                   ": this copy of waybill was built without YAML; configure it with "
                   "-DWAYBILL_WITH_YAML=ON, or use Config::from_env()",
               End::rejected);
}

#endif

}  // namespace waybill::detail
