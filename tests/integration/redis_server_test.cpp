// The Redis transport on servers that are not at their best, or not alone: one that cannot save, replicas, full ones,
// users of few rights. Each test brings its own.
#include "own_redis.hpp"
#include "redis_rig.hpp"
#include "support/source_tree.hpp"
#include "waybill/waybill.hpp"

#include <asio/co_spawn.hpp>

#include <fstream>
#include <regex>

namespace waybill {
namespace {

using std::chrono::milliseconds;
using test::OwnRedis;
using test::Redis;

#define WAYBILL_NEEDS_OWN_REDIS(server)                                             \
  if (!(server).is_up()) {                                                          \
    if (!test::may_skip()) FAIL() << "redis-server is not here, or does not start"; \
    GTEST_SKIP() << "redis-server is not here, or does not start";                  \
  }

class RedisServers : public Redis {
 protected:
  std::string at(const std::string& hosts, const std::string& more = "") const {
    return "redis://" + hosts + "/?prefix=" + prefix_ + more;
  }
  /// A request goes through.
  void expect_answer(test::Service& service, test::Caller& caller, std::string_view route) {
    service.sink.on_each = [](Delivery&& delivery) { answer(std::move(delivery), "3"); };
    const std::size_t before = caller.sink.replies.size();
    send(caller, PacketKind::request, route, "1", k_failure_only | 1, "id-" + std::to_string(before));
    ASSERT_TRUE(wait([&] { return caller.sink.replies.size() > before || !caller.sink.sent.empty(); }));
    EXPECT_TRUE(caller.sink.sent.empty()) << caller.sink.sent.begin()->second.error().what();
    EXPECT_EQ(caller.sink.replies.back().payload.view(), "3");
  }
  /// How a request fails that nobody receives.
  Error to_nobody(test::Caller& caller) {
    send(caller, PacketKind::request, "nobody", "1", k_failure_only | 9, "id-nobody");
    if (!wait([&] { return caller.sink.sent.contains(k_failure_only | 9); }))
      return Error(errc::internal, "no outcome");
    return caller.sink.sent.find(k_failure_only | 9)->second.error();
  }
};

TEST_F(RedisServers, OneThatCannotSaveServesPubSub) {
  OwnRedis server({"--save", "3600 1"});
  WAYBILL_NEEDS_OWN_REDIS(server);
  std::filesystem::remove_all(server.folder());
  ASSERT_EQ(server.ask({"SET", "a", "1"}), "+OK");
  server.ask({"BGSAVE"});
  ASSERT_TRUE(wait([&] { return server.ask({"PING"}).starts_with("-MISCONF"); }));
  const std::string url = at(server.host(), "&ping_interval=20ms&ping_timeout=10s");
  const auto service = listen(url, {route("sum")});
  const auto caller = connect(url);
  expect_answer(*service, *caller, "sum");
  const auto later = std::chrono::steady_clock::now() + milliseconds(200);  // some pings, all answered so
  ASSERT_TRUE(wait([&] { return std::chrono::steady_clock::now() >= later; }));
  expect_answer(*service, *caller, "sum");
  EXPECT_TRUE(service->sink.lost.empty());
  EXPECT_TRUE(caller->sink.lost.empty());
  EXPECT_EQ(logs_.count("refused"), 0u);
}

TEST_F(RedisServers, AReplicaIsPassedOverForThePrimary) {
  OwnRedis primary({"--save", ""});
  WAYBILL_NEEDS_OWN_REDIS(primary);
  const auto alone = connect(at(primary.host()));
  const Error sure = to_nobody(*alone);
  EXPECT_TRUE(sure.code() == errc::no_receiver) << sure.what();
  EXPECT_EQ(sure.end(), End::rejected);

  OwnRedis replica({"--save", "", "--replicaof", "127.0.0.1 " + std::to_string(primary.port())});
  WAYBILL_NEEDS_OWN_REDIS(replica);
  const Error refused = refusal(at(replica.host()));
  EXPECT_TRUE(refused.code() == errc::refused) << refused.what();
  EXPECT_NE(refused.message().find("is a replica"), std::string_view::npos) << refused.what();
  const std::string url = at(replica.host() + "," + primary.host());
  const auto service = listen(url, {route("sum")});
  for (int i = 0; i < 5; ++i) {
    const auto caller = connect(url);
    expect_answer(*service, *caller, "sum");
  }
  // Where a replica's subscribers may have got it, nobody can be sure that nobody did.
  ASSERT_TRUE(wait([&] {
    const auto caller = connect(url);
    const Error error = to_nobody(*caller);
    return error.code() == errc::no_receiver && error.end() == End::unknown;
  }));
}

TEST_F(RedisServers, APrimaryThatBecomesAReplicaIsLeft) {
  OwnRedis one({"--save", ""}), other({"--save", ""});
  WAYBILL_NEEDS_OWN_REDIS(one);
  WAYBILL_NEEDS_OWN_REDIS(other);
  const std::string url = at(one.host() + "," + other.host(), "&ping_interval=20ms&ping_timeout=10s");
  const auto service = listen(url, {route("sum")});
  const auto caller = connect(url);
  ASSERT_EQ(one.ask({"REPLICAOF", "127.0.0.1", std::to_string(other.port())}), "+OK");
  ASSERT_TRUE(wait([&] { return !service->sink.lost.empty() && !caller->sink.lost.empty(); }));
  EXPECT_NE(service->sink.lost.front().message().find("replica"), std::string_view::npos);
  test::run_until(loop_, service->listener->open({route("sum")}, service->sink)).value();
  test::run_until(loop_, caller->connection->open(caller->sink)).value();
  expect_answer(*service, *caller, "sum");
}

TEST_F(RedisServers, OneThatStandsStillIsAStatusAndServesAgain) {
  OwnRedis server({"--save", ""});
  WAYBILL_NEEDS_OWN_REDIS(server);
  const std::string url = at(server.host(), "&ping_interval=50ms&ping_timeout=100ms&start_timeout=500ms");
  waybill::Service service(loop_.get_executor(), Config::listen({url}));
  service.log_to(logs_.sink());
  service.on_request("ask", [](int n) { return n + 1; });
  test::run_until(loop_, service.start());
  Client client(loop_.get_executor(), ClientConfig::from_url(url + "&timeout=300s"), default_registry(), logs_.log());
  EXPECT_EQ(test::run_until(loop_, client.request<int>("ask", 1)), 2);
  // Those who leave meanwhile, on a loop of their own, which has to end.
  asio::io_context other_loop(1);
  waybill::Service leaving(other_loop.get_executor(), Config::listen({url}));
  leaving.log_to(logs_.sink());
  test::run_until(other_loop, leaving.start());
  Client hasty(other_loop.get_executor(), ClientConfig::from_url(url + "&timeout=300ms"), default_registry(),
               logs_.log());
  test::run_until(other_loop, hasty.connect());
  server.freeze(true);
  std::optional<Result<void>> flushed;
  bool is_drained = false;
  hasty.emit("event", 1, [](const Result<Accepted>&) {});
  hasty.flush([&flushed](const Result<void>& outcome) { flushed = outcome; });
  leaving.drain(std::chrono::seconds(1), [&is_drained](const Result<DrainReport>&) { is_drained = true; });
  EXPECT_TRUE(test::eventually(other_loop, [&] { return flushed && is_drained; }));
  leaving.close();
  hasty.close();
  other_loop.restart();
  other_loop.run_for(std::chrono::seconds(20));
  EXPECT_TRUE(other_loop.stopped()) << "something holds the loop";
  CallOptions options;
  options.timeout = milliseconds(50);
  std::optional<Result<int>> early;
  client.request<int>("ask", 5, options, [&early](const Result<int>& answer) { early = answer; });
  EXPECT_TRUE(wait([&] { return early && !*early; })) << "it ends at its deadline";
  EXPECT_TRUE(wait([&] { return client.status() == Status::interrupted; }));
  EXPECT_TRUE(wait([&] { return logs_.contains("lost redis://"); })) << "the service says it as well";
  server.freeze(false);
  EXPECT_TRUE(wait([&] { return client.status() == Status::ready; }));
  // The service is back as soon as somebody receives.
  EXPECT_TRUE(wait([&] {
    try {
      return test::run_until(loop_, client.request<int>("ask", 2)) == 3;
    } catch (const Error&) {
      return false;
    }
  }));
  client.close();
  service.close();
  test::run_ready(loop_);
}

/// A slow one is not greeted as other kinds of servers are.
TEST_F(RedisServers, OneThatIsSlowAtTheFirstLoginGetsNoOtherConnections) {
  OwnRedis server({"--save", ""});
  WAYBILL_NEEDS_OWN_REDIS(server);
  const auto connections = [&server] {
    const std::string stats = server.ask({"INFO", "stats"});
    const std::string name = "total_connections_received:";
    return std::stoul(stats.substr(stats.find(name) + name.size()));
  };
  const std::size_t before = connections();
  server.freeze(true);
  test::KeepingConnectionSink sink;
  const auto transport = test::transport_of(at(server.host(), "&start_timeout=15s"));
  const auto connection = transport->make_connection(environment());
  bool is_open = false;
  asio::co_spawn(loop_, connection->open(sink),
                 [&is_open](std::exception_ptr, const Result<void>& opened) { is_open = bool(opened); });
  const auto later = std::chrono::steady_clock::now() + milliseconds(2'200);
  ASSERT_TRUE(wait([&] { return std::chrono::steady_clock::now() >= later; }));
  server.freeze(false);
  EXPECT_TRUE(wait([&] { return is_open; }));
  EXPECT_EQ(connections(), before + 2 + 1) << "two of the link, one of who asks";
  connection->close();
  test::run_ready(loop_);
}

TEST_F(RedisServers, OneThatIsFullIsTriedAgainAlsoWithAPassword) {
  OwnRedis server({"--save", "", "--maxclients", "4", "--requirepass", "secret"});
  WAYBILL_NEEDS_OWN_REDIS(server);
  std::vector<asio::ip::tcp::socket> guests;
  for (int i = 0; i < 4; ++i) {
    guests.emplace_back(loop_).connect({asio::ip::address_v4::loopback(), server.port()});
  }
  ASSERT_TRUE(wait([&] { return server.ask({"PING"}).find("max number of clients") != std::string::npos; }));
  const std::string url = "redis://:secret@" + server.host() + "/?prefix=" + prefix_;
  test::KeepingListenerSink sink;
  const auto listener = test::transport_of(url)->make_listener(environment());
  const auto opened = test::run_until(loop_, listener->open({route("sum")}, sink));
  ASSERT_FALSE(opened);
  const Error full = opened.error();
  EXPECT_TRUE(full.code() == errc::refused) << full.what();
  EXPECT_TRUE(full.is_retryable());
  guests.clear();
  ASSERT_TRUE(wait([&] { return server.ask({"PING"}).find("max number of clients") == std::string::npos; }));
  EXPECT_TRUE(test::run_until(loop_, listener->open({route("sum")}, sink)));
  listener->close();
}

TEST_F(RedisServers, AUserOfFewRightsWorksAndNeedsNoPassword) {
  OwnRedis server({"--save", "", "--user", "app", "on", "nopass", "&*", "+ping", "+publish", "+subscribe",
                   "+unsubscribe", "+psubscribe", "+punsubscribe", "+pubsub"});
  WAYBILL_NEEDS_OWN_REDIS(server);
  const std::string url = at("app@" + server.host(), "&ping_interval=20ms&ping_timeout=10s");
  const auto service = listen(url, {route("sum"), route("all.*")});
  const auto caller = connect(url);
  expect_answer(*service, *caller, "sum");
  expect_answer(*service, *caller, "all.x");
  EXPECT_EQ(to_nobody(*caller).end(), End::unknown) << "whether there are replicas is not for this user";
  service->listener->stop_intake();
  test::run_until(loop_, service->listener->flush());
}

TEST_F(RedisServers, AUserWhoMayNotUnsubscribeLosesNoCall) {
  OwnRedis server({"--save", "", "--user", "app", "on", ">secret", "&*", "+@all", "-unsubscribe"});
  WAYBILL_NEEDS_OWN_REDIS(server);
  const auto service = listen(at("app:secret@" + server.host()), {route("**")});
  const auto caller = connect(at("app:secret@" + server.host(), "&max_reply_channels=1"));
  for (int i = 0; i < 5; ++i) expect_answer(*service, *caller, "r" + std::to_string(i));
}

TEST_F(RedisServers, ItsClientsHaveAName) {
  OwnRedis server({"--save", ""});
  WAYBILL_NEEDS_OWN_REDIS(server);
  const auto service = listen(at(server.host()), {route("sum")});
  const std::string clients = server.ask({"CLIENT", "LIST"});
  const std::size_t one = clients.find("name=waybill");
  ASSERT_NE(one, std::string::npos) << clients;
  EXPECT_NE(clients.find("name=waybill", one + 1), std::string::npos) << clients;
}

/// The words of `command: [...]` of the service redis.
std::vector<std::string> compose_command() {
  std::ifstream file(test::source_tree() / "compose.yaml");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const std::size_t from = text.find("command: [", text.find("  redis:\n"));
  const std::string list = text.substr(from, text.find(']', from) - from);
  const std::regex quoted("\"([^\"]*)\"");
  std::vector<std::string> words;
  for (std::sregex_iterator at(list.begin(), list.end(), quoted), end; at != end; ++at) words.push_back((*at)[1]);
  return words;
}

TEST_F(RedisServers, TheContainersCommandLineStartsAServerWithBothUsers) {
  std::vector<std::string> words = compose_command();
  ASSERT_FALSE(words.empty());
  EXPECT_EQ(words.front(), "redis-server");
  words.erase(words.begin());
  OwnRedis server(words);
  WAYBILL_NEEDS_OWN_REDIS(server);
  EXPECT_EQ(server.ask({"PING"}), "+PONG");
  EXPECT_EQ(server.ask({"AUTH", "waybill", "secret"}), "+OK");
  EXPECT_TRUE(server.ask({"AUTH", "waybill", "wrong"}).starts_with("-WRONGPASS"));
  const auto service = listen(at(server.host()), {route("sum")});
  const auto caller = connect(at("waybill:secret@" + server.host()));
  expect_answer(*service, *caller, "sum");
}

}  // namespace
}  // namespace waybill
