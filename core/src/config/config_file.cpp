// What the tree of a configuration file means.
#include "config/config_tree.hpp"
#include "config/url_text.hpp"
#include "middleware/configured.hpp"
#include "waybill/detail/nearest.hpp"
#include "waybill/error.hpp"

#include <algorithm>
#include <optional>
#include <type_traits>

namespace waybill::detail {
namespace {

using Kind = ConfigNode::Kind;

const char* name_of(Kind kind) {
  switch (kind) {
    case Kind::nothing: return "nothing";
    case Kind::text: return "a single value";
    case Kind::list: return "a list";
    case Kind::map: return "a mapping";
  }
  return "something else";
}

/// Reads one file. Values are shown in mistakes as the file has them, never with their variables filled in: these may
/// hold secrets.
class FileReader {
 public:
  FileReader(std::string_view file, const Variables& variables, Config& config, Mistakes& mistakes)
      : file_(file), variables_(variables), config_(config), mistakes_(mistakes) {}

  void read(const ConfigNode& tree) {
    if (tree.kind == Kind::nothing) return;
    if (tree.kind != Kind::map) return expected(tree, "a mapping with listeners, clients and so on");
    std::vector<std::string> known{"listeners", "clients", "middleware"};
    for (const Setting& setting : settings()) known.emplace_back(setting.key);
    report_repeated(tree);
    for (const auto& [key, value] : tree.members) {
      const auto setting = std::find_if(settings().begin(), settings().end(),
                                        [&name = key.text](const Setting& s) { return s.key == name; });
      if (key.text == "listeners") {
        read_listeners(value);
      } else if (key.text == "clients") {
        read_clients(value);
      } else if (key.text == "middleware") {
        read_middleware_list(key, value, Context::Side::service, config_.middleware);
      } else if (setting != settings().end()) {
        read_setting(*setting, key, value);
      } else if (!key.text.starts_with("x-")) {  // those are a place for anchors
        mistake(key, "unknown key \"" + key.text.substr(0, 100) + '"' + suggestion(key.text, known));
      }
    }
  }

 private:
  std::string where(const ConfigNode& node) const { return file_ + ':' + std::to_string(node.line); }
  void mistake(const ConfigNode& node, const std::string& what) { mistakes_.push_back(where(node) + ": " + what); }
  void expected(const ConfigNode& node, const std::string& what) {
    mistake(node, "expected " + what + ", found " + name_of(node.kind));
  }
  std::string expand(const ConfigNode& node) { return variables_.expand(node.text, where(node), mistakes_); }

  void report_repeated(const ConfigNode& map) {
    for (auto member = map.members.begin(); member != map.members.end(); ++member) {
      const auto same = [&member](const ConfigMember& other) { return other.key.text == member->key.text; };
      const auto first = std::find_if(map.members.begin(), member, same);
      if (first == member) continue;
      mistake(member->key, "the key \"" + member->key.text.substr(0, 100) + "\" is in line " +
                               std::to_string(first->key.line) + " already");
    }
  }

  void read_setting(const Setting& setting, const ConfigNode& key, const ConfigNode& value) {
    if (value.kind != Kind::text)
      return mistake(key, std::string(setting.key) + ": expected a single value, found " + name_of(value.kind));
    const std::size_t before = mistakes_.size();
    const std::string text = expand(value);
    if (mistakes_.size() != before) return;
    if (const char* wanted = setting.set(config_, text)) {
      mistake(value,
              std::string(setting.key) + ": expected " + wanted + ", found \"" + value.text.substr(0, 100) + '"');
    }
  }

  void read_listeners(const ConfigNode& node) {
    if (node.kind == Kind::nothing) return;
    if (node.kind == Kind::text) return add_listener(node);
    if (node.kind != Kind::list) return expected(node, "a list of listeners (\"- url: ...\")");
    for (const ConfigNode& item : node.items) add_listener(item);
  }

  void add_listener(const ConfigNode& node) {
    ListenerConfig listener;
    if (read_endpoint(node, "a listener", listener)) config_.listeners.push_back(std::move(listener));
  }

  void read_clients(const ConfigNode& node) {
    if (node.kind == Kind::nothing) return;
    if (node.kind != Kind::map) return expected(node, "a mapping from names to clients");
    report_repeated(node);
    for (const auto& [key, value] : node.members) {
      ClientConfig client;
      if (key.text.empty()) mistake(key, "a client needs a name");
      if (read_endpoint(value, "client \"" + key.text.substr(0, 100) + '"', client)) {
        config_.clients.insert_or_assign(key.text, std::move(client));
      }
    }
  }

  /// A URL, or a mapping with a URL and options beside it. Returns false if there is none.
  template <class Endpoint>
  bool read_endpoint(const ConfigNode& node, const std::string& what, Endpoint& endpoint) {
    endpoint.origin = where(node);
    if (node.kind == Kind::text) return read_url(node, endpoint);
    if (node.kind != Kind::map) {
      mistake(node, what + ": expected a URL or a mapping with \"url\", found " + name_of(node.kind));
      return false;
    }
    report_repeated(node);
    const ConfigNode* url = nullptr;
    std::vector<std::string> keys;
    for (const auto& [key, value] : node.members) {
      keys.push_back(key.text);
      if (key.text == "url") url = &value;
    }
    if (!url) {
      const std::string meant = nearest("url", keys);
      mistake(node,
              what + ": the key \"url\" is missing" + (meant.empty() ? "" : "; is \"" + meant + "\" meant to be it?"));
      return false;
    }
    if (url->kind != Kind::text) {
      mistake(node, what + ": expected a URL, found " + name_of(url->kind));
      return false;
    }
    if (!read_url(*url, endpoint)) return false;
    for (const auto& [key, value] : node.members) {
      if (key.text == "username" || key.text == "password") {
        set_credential(key, value, key.text == "username" ? endpoint.url.user : endpoint.url.password);
      } else if (key.text == "middleware") {
        constexpr bool k_is_client = std::is_same_v<Endpoint, ClientConfig>;
        read_middleware_list(key, value, k_is_client ? Context::Side::client : Context::Side::service,
                             endpoint.middleware);
      } else if (key.text != "url") {
        add_options(key, key.text, value, endpoint);
      }
    }
    return true;
  }

  /// Beside the URL a user and a password stand as they are: nothing in them needs to be encoded.
  void set_credential(const ConfigNode& key, const ConfigNode& value, std::string& credential) {
    if (value.kind != Kind::text) {
      return mistake(key, "\"" + key.text + "\": expected a single value, found " + name_of(value.kind));
    }
    if (!credential.empty()) return mistake(key, "the " + key.text + " is in the URL already");
    credential = expand(value);
  }

  template <class Endpoint>
  bool read_url(const ConfigNode& node, Endpoint& endpoint) {
    const std::size_t before = mistakes_.size();
    const std::string text = expand(node);
    if (mistakes_.size() != before) return false;
    auto url = Url::parse(text);
    if (!url) {
      append_mistakes(url.error(), where(node) + ": ", mistakes_);
      return false;
    }
    endpoint.url = *std::move(url);
    take_core_options(node, endpoint);
    return true;
  }

  /// One option beside the URL; a mapping stands for options with a common prefix ("native: {linger.ms: 5}").
  template <class Endpoint>
  void add_options(const ConfigNode& key, const std::string& name, const ConfigNode& value, Endpoint& endpoint) {
    if (value.kind == Kind::map) {
      report_repeated(value);
      for (const auto& [inner, inner_value] : value.members) {
        add_options(inner, name + '.' + inner.text, inner_value, endpoint);
      }
      return;
    }
    if (value.kind != Kind::text) {
      const std::string meant = value.kind == Kind::list ? nearest(name, std::vector<std::string>{"middleware"}) : "";
      return mistake(key, "option \"" + name.substr(0, 100) + "\": expected a single value, found " +
                              name_of(value.kind) + (meant.empty() ? "" : "; did you mean \"" + meant + "\"?"));
    }
    if (endpoint.url.option(name)) return mistake(key, "option \"" + name.substr(0, 100) + "\" is in the URL already");
    // Core's options are read one by one, so that each mistake gets the line of its option.
    auto others = std::move(endpoint.url.options);
    endpoint.url.options = {{name, expand(value)}};
    take_core_options(key, endpoint);
    for (auto& option : endpoint.url.options) others.push_back(std::move(option));
    endpoint.url.options = std::move(others);
  }

  template <class Endpoint>
  void take_core_options(const ConfigNode& node, Endpoint& endpoint) {
    Mistakes found;
    take_options(endpoint, found);
    for (const std::string& text : found) mistake(node, text);
  }

  /// A list, outermost first; each item is a name, or a name with its options.
  void read_middleware_list(const ConfigNode& key, const ConfigNode& node, Context::Side side,
                            std::vector<MiddlewareConfig>& into) {
    if (node.kind == Kind::nothing) return;
    if (node.kind != Kind::list) {
      return mistake(
          key, std::string("middleware: expected a list (\"- retry: { attempts: 3 }\"), found ") + name_of(node.kind));
    }
    for (const ConfigNode& item : node.items) {
      const std::size_t before = mistakes_.size();
      WrittenMiddleware written = read_middleware_item(item);
      if (mistakes_.size() != before) continue;
      const MistakeAt told = [this](std::size_t line, const std::string& what) {
        mistakes_.push_back(file_ + ':' + std::to_string(line) + ": " + what);
      };
      if (std::optional<MiddlewareConfig> made = read_middleware(written, side, told)) {
        made->origin = where(item);
        into.push_back(*std::move(made));
      }
    }
  }

  WrittenMiddleware read_middleware_item(const ConfigNode& item) {
    WrittenMiddleware written;
    written.line = item.line;
    const auto add = [this, &written](const ConfigNode& at, const std::string& name, const ConfigNode& value) {
      if (value.kind == Kind::text) {
        written.options.push_back({name, expand(value), value.text, at.line});
      } else {
        const std::string wanted = name.empty() ? ": expected its options"
                                                : ": option \"" + name.substr(0, 100) + "\": expected a single value";
        mistake(at, written.name + wanted + ", found " + name_of(value.kind));
      }
    };
    if (item.kind == Kind::text) {
      written.name = item.text;
    } else if (item.kind != Kind::map) {
      expected(item, "a middleware's name, or its name with options (\"retry: { attempts: 3 }\")");
    } else if (item.members.size() != 1) {
      mistake(item.members.size() > 1 ? item.members[1].key : item,
              "one item of the list is one middleware: its options are indented below its name, the next has a \"-\"");
    } else {
      const auto& [key, value] = item.members.front();
      written.name = key.text;
      written.line = key.line;
      report_repeated(value);
      if (value.kind == Kind::map) {
        for (const auto& [name, option] : value.members) add(name, name.text, option);
      } else if (value.kind != Kind::nothing) {
        add(key, "", value);
      }
    }
    return written;
  }

  std::string file_;
  const Variables& variables_;
  Config& config_;
  Mistakes& mistakes_;
};

}  // namespace

void read_tree(const ConfigNode& tree, std::string_view name, const Variables& variables, Config& config,
               Mistakes& mistakes) {
  FileReader(name, variables, config, mistakes).read(tree);
}

}  // namespace waybill::detail
