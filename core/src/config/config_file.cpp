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

bool is_anchors(const ConfigNode& key) { return key.written.starts_with("x-"); }

/// Reads one file. Values are shown in mistakes as the file has them, never with their variables filled in: these may
/// hold secrets.
class FileReader {
 public:
  FileReader(std::string_view file, std::span<const ConfigSection> sections, Config& config, Mistakes& mistakes)
      : sections_(sections), config_(config), mistakes_(mistakes), mistake_(file, mistakes) {}

  void read(const ConfigNode& tree) {
    if (tree.kind == Kind::nothing) return;
    if (tree.kind == Kind::text) {
      return mistake_(tree,
                      "expected a mapping with listeners, clients and so on, found a text: a key ends with \":\"");
    }
    if (tree.kind != Kind::map) return mistake_.expected(tree, {}, "a mapping with listeners, clients and so on");
    std::vector<std::string> known{"listeners", "clients", "middleware"};
    for (const Setting& setting : settings()) known.emplace_back(setting.key);
    for (const ConfigSection& section : sections_) known.push_back(section.key);
    mistake_.repeated(tree);
    for (const auto& [key, value] : tree.members) {
      const auto setting = std::find_if(settings().begin(), settings().end(),
                                        [&name = key.text](const Setting& s) { return s.key == name; });
      if (key.text == "listeners") {
        read_listeners(value);
      } else if (key.text == "clients") {
        read_clients(value);
      } else if (key.text == "middleware") {
        read_middleware_list(value, Context::Side::service, config_.middleware);
      } else if (key.text == "log" && value.is_map()) {
        read_log(value);
      } else if (setting != settings().end()) {
        read_setting(*setting, value);
      } else if (!is_anchors(key) && std::find(known.begin(), known.end(), key.text) == known.end()) {
        mistake_(key, "unknown key \"" + key.written.substr(0, 100) + '"' + suggestion(key.text, known));
      }
    }
  }

 private:
  /// `log: { level: info, format: json }`
  void read_log(const ConfigNode& node) {
    mistake_.repeated(node);
    for (const auto& [key, value] : node.members) {
      const std::string_view name = key.text == "level" ? "log" : key.text == "format" ? "log_format" : "";
      const auto setting =
          std::find_if(settings().begin(), settings().end(), [name](const Setting& s) { return s.key == name; });
      if (setting == settings().end()) {
        mistake_(key, "log: unknown key \"" + key.written.substr(0, 100) + "\"; known: level, format");
      } else {
        read_setting(*setting, value);
      }
    }
  }
  void read_setting(const Setting& setting, const ConfigNode& value) {
    if (!value.is_text()) return mistake_.expected(value, setting.key, "a single value");
    if (!value.is_filled) return;
    if (const char* wanted = setting.set(config_, value.text)) {
      mistake_(value,
               std::string(setting.key) + ": expected " + wanted + ", found \"" + value.written.substr(0, 100) + '"');
    }
  }

  void read_listeners(const ConfigNode& node) {
    if (node.is_nothing()) return;
    if (node.is_text()) return add_listener(node, {});
    if (node.is_list()) {
      for (const ConfigNode& item : node.items) add_listener(item, {});
      return;
    }
    if (node.find("url")) return mistake_(node, "listeners: a single one needs a name, or a \"-\" in front of its url");
    mistake_.repeated(node);
    for (const auto& [key, value] : node.members) {
      if (key.text.empty()) mistake_(key, "a listener that is no item of a list needs a name");
      if (&value == node.find(key.text)) add_listener(value, key);
    }
  }

  /// `name`: its key in a mapping, a text.
  void add_listener(const ConfigNode& node, const ConfigNode& name) {
    const std::string what = name.written.empty() ? "a listener" : "listener \"" + name.written.substr(0, 100) + '"';
    ListenerConfig listener;
    listener.name = name.text;
    // One whose URL has a mistake has its name, too: who refers to it has made none.
    const ConfigNode* beside = node.find("name");
    if (!name.is_text() && beside && beside->is_text()) listener.name = beside->text;
    const bool is_read = read_endpoint(node, what, listener);
    if (name.is_text() && listener.name != name.text) mistake_(node, what + ": has another name in its options");
    if (is_read || !listener.name.empty()) config_.listeners.push_back(std::move(listener));
  }

  void read_clients(const ConfigNode& node) {
    if (node.kind == Kind::nothing) return;
    if (node.kind != Kind::map) return mistake_.expected(node, {}, "a mapping from names to clients");
    mistake_.repeated(node);
    for (const auto& [key, value] : node.members) {
      ClientConfig client;
      if (key.text.empty()) mistake_(key, "a client needs a name");
      read_endpoint(value, "client \"" + key.written.substr(0, 100) + '"', client);
      // One that has a mistake is there, too: who asks for its name has made none.
      if (key.is_filled) config_.clients.insert_or_assign(key.text, std::move(client));
    }
  }

  /// A URL, or a mapping with a URL and options beside it. Returns false if there is none.
  template <class Endpoint>
  bool read_endpoint(const ConfigNode& node, const std::string& what, Endpoint& endpoint) {
    endpoint.origin = mistake_.where(node);
    if (node.kind == Kind::text) return read_url(node, endpoint);
    if (node.kind != Kind::map) {
      mistake_.expected(node, what, "a URL or a mapping with \"url\"");
      return false;
    }
    mistake_.repeated(node);
    const ConfigNode* url = nullptr;
    std::vector<std::string> keys;
    for (const auto& [key, value] : node.members) {
      keys.push_back(key.text);
      if (key.text == "url") url = &value;
    }
    if (!url) {
      const std::string meant = nearest("url", keys);
      mistake_(node,
               what + ": the key \"url\" is missing" + (meant.empty() ? "" : "; is \"" + meant + "\" meant to be it?"));
      return false;
    }
    if (url->kind != Kind::text) {
      mistake_.expected(*url, what, "a URL");
      return false;
    }
    const bool is_read = read_url(*url, endpoint);  // what stands beside a wrong one is read as well
    for (const auto& [key, value] : node.members) {
      if (key.text == "username" || key.text == "password") {
        set_credential(key, value, key.text == "username" ? endpoint.url.user : endpoint.url.password);
      } else if (key.text == "middleware") {
        constexpr bool k_is_client = std::is_same_v<Endpoint, ClientConfig>;
        read_middleware_list(value, k_is_client ? Context::Side::client : Context::Side::service, endpoint.middleware);
      } else if (key.text != "url") {
        add_options(key, key.text, value, endpoint);
      }
    }
    return is_read;
  }

  /// Beside the URL a user and a password stand as they are: nothing in them needs to be encoded.
  void set_credential(const ConfigNode& key, const ConfigNode& value, std::string& credential) {
    if (!value.is_text()) return mistake_.expected(value, '"' + key.text + '"', "a single value");
    if (!credential.empty()) return mistake_(key, "the " + key.text + " is in the URL already");
    credential = value.text;
  }

  template <class Endpoint>
  bool read_url(const ConfigNode& node, Endpoint& endpoint) {
    in_url_.clear();
    if (!node.is_filled) return false;
    auto url = parse_url(node.text, node.variables.empty() ? node.text : node.written);
    if (!url) {
      Mistakes found;
      append_mistakes(url.error(), {}, found);
      for (const std::string& text : found) mistake_(node, text);
      return false;
    }
    for (const auto& [name, value] : url->options) {
      in_url_.push_back(name);
      if (!node.variables.empty()) url->unshown.insert(name);
    }
    endpoint.url = *std::move(url);
    take_core_options(node, endpoint);
    return true;
  }

  /// One option beside the URL; a mapping stands for options with a common prefix ("native: {linger.ms: 5}").
  template <class Endpoint>
  void add_options(const ConfigNode& key, const std::string& name, const ConfigNode& value, Endpoint& endpoint) {
    if (value.kind == Kind::map) {
      mistake_.repeated(value);
      for (const auto& [inner, inner_value] : value.members) {
        add_options(inner, name + '.' + inner.text, inner_value, endpoint);
      }
      return;
    }
    if (!key.is_filled || !value.is_filled) return;
    const std::string option = "option \"" + name.substr(0, 100) + '"';
    if (value.kind == Kind::list && nearest(name, std::vector<std::string>{"middleware"}) == "middleware") {
      return mistake_(key, option + ": expected a single value, found a list; did you mean \"middleware\"?");
    }
    if (!value.is_text()) return mistake_.expected(value, option, "a single value");
    const bool is_in_url = std::find(in_url_.begin(), in_url_.end(), name) != in_url_.end();
    if (is_in_url || endpoint.url.option(name)) return mistake_(key, option + " is in the URL already");
    // Core's options are read one by one, so that each mistake gets the line of its option.
    auto others = std::move(endpoint.url.options);
    endpoint.url.options = {{name, value.text}};
    if (!value.variables.empty()) endpoint.url.unshown.insert(name);
    take_core_options(key, endpoint);
    for (auto& left : endpoint.url.options) others.push_back(std::move(left));
    endpoint.url.options = std::move(others);
    endpoint.option_origins[name] = mistake_.where(key);
  }

  template <class Endpoint>
  void take_core_options(const ConfigNode& node, Endpoint& endpoint) {
    Mistakes found;
    take_options(endpoint, found);
    for (const std::string& text : found) mistake_(node, text);
  }

  /// A list, outermost first; each item is a name, or a name with its options.
  void read_middleware_list(const ConfigNode& node, Context::Side side, std::vector<MiddlewareConfig>& into) {
    if (node.kind == Kind::nothing) return;
    if (node.kind != Kind::list) {
      return mistake_.expected(node, "middleware", "a list (\"- retry: { attempts: 3 }\")");
    }
    for (const ConfigNode& item : node.items) {
      if (std::optional<MiddlewareConfig> made = read_middleware_item(item, side)) {
        made->origin = mistake_.where(item);
        into.push_back(*std::move(made));
      }
    }
  }

  std::optional<MiddlewareConfig> read_middleware_item(const ConfigNode& item, Context::Side side) {
    if (item.is_text()) {
      ConfigNode none;
      none.line = item.line;
      return read_middleware(item.written, none, side, mistake_);
    }
    if (item.kind != Kind::map) {
      mistake_.expected(item, {}, "a middleware's name, or its name with options (\"retry: { attempts: 3 }\")");
      return std::nullopt;
    }
    if (item.members.size() != 1) {
      mistake_(item.members.size() > 1 ? item.members[1].key : item,
               "one item of the list is one middleware: its options are indented below its name, the next has a \"-\"");
      return std::nullopt;
    }
    return read_middleware(item.members.front().key.written, item.members.front().value, side, mistake_);
  }

  std::span<const ConfigSection> sections_;
  Config& config_;
  Mistakes& mistakes_;
  ConfigMistakes mistake_;
  std::vector<std::string> in_url_;  // the options of the endpoint that is read
};

}  // namespace

void read_tree(const ConfigNode& tree, std::string_view name, std::span<const ConfigSection> sections, Config& config,
               Mistakes& mistakes) {
  FileReader(name, sections, config, mistakes).read(tree);
}

}  // namespace waybill::detail
