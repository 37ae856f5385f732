// Sections of a file that other components read: what they are given, and that their mistakes are as good as core's.
#include "waybill/config_section.hpp"

#include "config_rig.hpp"

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace waybill {
namespace {

using namespace std::chrono_literals;

using Read = std::function<void(const ConfigNode&, const Config&, const ConfigMistakes&)>;

std::vector<ConfigSection> section(Read read) {
  std::vector<ConfigSection> sections;
  sections.push_back({"http", std::move(read)});
  return sections;
}

void ignore(const ConfigNode&, const Config&, const ConfigMistakes&) {}

std::string mistakes_with(std::string_view yaml, Read read) {
  return mistakes_of([&] { Config::parse(yaml, "orders.yaml", section(std::move(read))); });
}

class ConfigSectionFile : public ConfigFile {};

TEST_F(ConfigSectionFile, IsGivenItsNodeWhenAllElseIsRead) {
  const ScopedVariable port("CONFIG_TEST_PORT", "8800");
  const ScopedVariable client("WAYBILL_CLIENTS_ORDERS_URL", "memory://x");
  int calls = 0;
  const auto read = [&calls](const ConfigNode& node, const Config& config, const ConfigMistakes& mistakes) {
    ++calls;
    ASSERT_TRUE(node.is_map());
    EXPECT_EQ(node.line, 1u);
    const ConfigNode* port_node = node.find("port");
    ASSERT_TRUE(port_node && port_node->is_text());
    EXPECT_EQ(port_node->text, "8800");
    EXPECT_EQ(port_node->written, "${CONFIG_TEST_PORT}");
    EXPECT_EQ(port_node->line, 2u);
    EXPECT_EQ(mistakes.where(*port_node), "gateway.yaml:2");
    const ConfigNode* routes = node.find("routes");
    ASSERT_TRUE(routes && routes->is_list());
    EXPECT_EQ(routes->items.at(1).members.at(0).key.text, "GET /8800");
    EXPECT_FALSE(node.find("other"));
    EXPECT_EQ(config.client("orders").url.scheme, "memory");
    EXPECT_EQ(config.listeners.size(), 1u);
    EXPECT_EQ(config.variables.number("CONFIG_TEST_PORT", 1), 8800u);
  };
  Config::parse(R"(http:
  port: ${CONFIG_TEST_PORT}
  routes:
    - GET /
    - GET /${CONFIG_TEST_PORT}: { cmd: "${CONFIG_TEST_UNSET:-hello}" }
listeners: tcp://h
)",
                "gateway.yaml", section(read));
  EXPECT_EQ(calls, 1);
}

TEST_F(ConfigSectionFile, ThatIsNotThereIsNotRead) {
  int calls = 0;
  const auto read = [&calls](const ConfigNode&, const Config&, const ConfigMistakes&) { ++calls; };
  Config::parse("log: debug", "orders.yaml", section(read));
  EXPECT_EQ(calls, 0);
  const auto expect_nothing = [&calls](const ConfigNode& node, const Config&, const ConfigMistakes& mistakes) {
    ++calls;
    EXPECT_TRUE(node.is_nothing());
    EXPECT_EQ(mistakes.where(node), "orders.yaml:2");
  };
  Config::parse("log: debug\nhttp:\nthreads: 1", "orders.yaml", section(expect_nothing));
  EXPECT_EQ(calls, 1);
}

TEST_F(ConfigSectionFile, IsKnownOnlyToThoseThatHaveIt) {
  EXPECT_TRUE(contains(mistakes_in("http: {}"), "orders.yaml:1: unknown key \"http\""));
  EXPECT_TRUE(contains(mistakes_with("htpp: {}", ignore), "unknown key \"htpp\"; did you mean \"http\"?"));
  EXPECT_TRUE(contains(mistakes_with("http: 1\nhttp: 2", ignore), "orders.yaml:2: the key \"http\" is in line 1"));
  const auto twice = [] {
    std::vector<ConfigSection> sections = section(ignore);
    sections.push_back(sections.front());
    Config::parse("log: debug", "orders.yaml", sections);
  };
  EXPECT_TRUE(contains(mistakes_of(twice), "the section \"http\" has a reader already"));
}

TEST_F(ConfigSectionFile, MistakesAreToldTogetherWithCoresOwn) {
  const ScopedVariable secret("CONFIG_TEST_SECRET", "hunter2");
  const auto read = [](const ConfigNode& node, const Config& config, const ConfigMistakes& mistakes) {
    mistakes(2, "by its line");
    mistakes(*node.find("port"), "by its node");
    mistakes(*node.find("unset"), "of a variable that is not set");
    mistakes.expected(*node.find("list"), "list", "a single value");
    config.client("ordres");
  };
  const std::string text = mistakes_with(R"(http:
  port: "${CONFIG_TEST_SECRET}"
  unset: ${CONFIG_TEST_UNSET}
  list:
    - 1
clients: { orders: 'tcp://h:x' }
threads: none
)",
                                         read);
  for (const char* expected :
       {"orders.yaml:2: by its line", "orders.yaml:2: by its node", "CONFIG_TEST_UNSET is not set",
        "orders.yaml:4: list: expected a single value, found a list", "orders.yaml:6: tcp://h:***: a port must be",
        "orders.yaml:7: threads: expected",
        "orders.yaml:1: no client \"ordres\" is configured; did you mean \"orders\"?"}) {
    EXPECT_TRUE(contains(text, expected)) << expected << "\nis missing in\n" << text;
  }
  EXPECT_FALSE(contains(text, "of a variable")) << text;
  EXPECT_FALSE(contains(text, "hunter2")) << text;
}

TEST_F(ConfigSectionFile, MembersAreReadByTheirNames) {
  std::string host = "localhost";
  std::uint16_t port = 1;
  std::vector<std::string> origins, methods;
  std::chrono::milliseconds limit{0}, first{0}, most{0};
  std::size_t body = 0, mode = 0;
  bool is_on = false;
  double share = 0;
  const std::string_view choices[] = {"lines", "events"};
  const auto read = [&](const ConfigNode& node, const Config&, const ConfigMistakes& mistakes) {
    ConfigReader reader(node, "server", mistakes);
    reader.text("host", host);
    reader.number("port", port, 1);
    reader.texts("origins", origins);
    reader.texts("methods", methods);
    reader.duration("limit", limit);
    reader.durations("backoff", first, most);
    reader.size("body", body);
    reader.choice("mode", choices, mode);
    reader.flag("on", is_on);
    reader.share("share", share);
    EXPECT_TRUE(reader.node("routes") && reader.node("routes")->is_map());
    EXPECT_FALSE(reader.has("absent"));
    EXPECT_FALSE(reader.node("absent"));
    reader.finish();
    EXPECT_TRUE(reader.is_good());
  };
  Config::parse(R"(http:
  port: 8800
  origins: [a, b]
  methods: GET
  limit: 5s
  backoff: 1s..2s
  body: 1MiB
  mode: events
  on: yes
  share: 50%
  routes: { a: b }
)",
                "orders.yaml", section(read));
  EXPECT_EQ(host, "localhost");
  EXPECT_EQ(port, 8800);
  EXPECT_EQ(origins, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(methods, std::vector<std::string>{"GET"});
  EXPECT_EQ(limit, 5s);
  EXPECT_EQ(first, 1s);
  EXPECT_EQ(most, 2s);
  EXPECT_EQ(body, std::size_t{1} << 20);
  EXPECT_EQ(mode, 1u);
  EXPECT_TRUE(is_on);
  EXPECT_EQ(share, 0.5);
}

TEST_F(ConfigSectionFile, EveryMistakeInMembersHasItsLine) {
  const ScopedVariable secret("CONFIG_TEST_SECRET", "hunter2");
  std::uint16_t port = 1;
  const auto read = [&port](const ConfigNode& node, const Config&, const ConfigMistakes& mistakes) {
    ConfigReader reader(node, "server", mistakes);
    std::vector<std::string> origins;
    std::chrono::milliseconds limit{0};
    std::string text;
    reader.number("port", port);
    reader.texts("origins", origins);
    reader.duration("limit", limit);
    reader.text("password", text);
    reader.text("unset", text);
    reader.finish();
    EXPECT_FALSE(reader.is_good());
  };
  EXPECT_EQ(mistakes_with(R"(http:
  port: 65536
  origins: [a, [b]]
  limit: ${CONFIG_TEST_SECRET}
  password: { a: b }
  unset: ${CONFIG_TEST_UNSET}
  limt: 5s
  port: 2
)",
                          read),
            "orders.yaml:6: the environment variable CONFIG_TEST_UNSET is not set; did you mean CONFIG_TEST_SECRET?\n"
            "orders.yaml:8: the key \"port\" is in line 2 already\n"
            "orders.yaml:2: server: option \"port\": expected a whole number from 0 to 65535, found \"65536\"\n"
            "orders.yaml:3: server: option \"origins\": expected a text, or a list of texts, found a list\n"
            "orders.yaml:4: server: option \"limit\": expected a duration such as 5s, 250ms or 2m, found "
            "\"${CONFIG_TEST_SECRET}\" (CONFIG_TEST_SECRET is set)\n"
            "orders.yaml:5: server: option \"password\": expected a single value, found a mapping\n"
            "orders.yaml:7: server: unknown option \"limt\"; did you mean \"limit\"?");
  EXPECT_EQ(port, 1);
  EXPECT_EQ(mistakes_with("http: amqp://u:hunter2@h", read),
            "orders.yaml:1: server: expected its options, found a single value");
}

TEST(Variables, AreTextsAndNumbersWithDefaults) {
  Variables variables;
  variables.set("PORT", "8800");
  variables.set("EMPTY", "");
  variables.set("NONE", "many");
  variables.set("API_TOKEN", "hunter2");
  EXPECT_EQ(variables.text("PORT"), "8800");
  EXPECT_EQ(variables.text("EMPTY", "other"), "other");
  EXPECT_EQ(variables.text("UNSET"), "");
  EXPECT_EQ(variables.number("PORT", 1), 8800u);
  EXPECT_EQ(variables.number("EMPTY", 2), 2u);
  EXPECT_EQ(variables.number("UNSET", 3, 10, 20), 3u);
  EXPECT_EQ(*variables.find("EMPTY"), "");
  EXPECT_FALSE(variables.find("UNSET"));
  EXPECT_EQ(mistakes_of([&] { variables.number("NONE", 1); }),
            "the variable NONE: expected a whole number, found \"many\"");
  EXPECT_EQ(mistakes_of([&] { variables.number("PORT", 1, 1, 80); }),
            "the variable PORT: expected a whole number from 1 to 80, found \"8800\"");
  EXPECT_FALSE(contains(mistakes_of([&] { variables.number("API_TOKEN", 1); }), "hunter2"));
}

TEST_F(ConfigSectionFile, ProgramsFindVariablesOfTheDotenvBesideTheFile) {
  const Folder folder;
  folder.write(".env", "PORT_OF_TEST=8800\nHOST_OF_TEST=127.0.0.1\n");
  const std::string file = folder.write("gateway.yaml", "listeners: tcp://${HOST_OF_TEST}\n");
  const ScopedVariable host("HOST_OF_TEST", "::1");
  const Variables variables = Config::load(folder.write("empty.yaml", "")).variables;
  EXPECT_EQ(variables.number("PORT_OF_TEST", 1, 1, 65535), 8800u);
  EXPECT_EQ(variables.text("HOST_OF_TEST"), "::1");
}

TEST(Config, ProgramsFindVariablesOfTheEnvironment) {
  const ScopedVariable port("PORT_OF_TEST", "8800");
  EXPECT_EQ(Config::from_env().variables.number("PORT_OF_TEST", 1), 8800u);
  EXPECT_TRUE(Config::listen({}).variables.all().empty());
}

}  // namespace
}  // namespace waybill
