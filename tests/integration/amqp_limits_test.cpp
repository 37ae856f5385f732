// A RabbitMQ of the test's own with a small limit on messages, and with other users: what it refuses costs that message.
#include "amqp_few_rights.hpp"
#include "support/amqp_admin.hpp"
#include "support/broker_url.hpp"
#include "support/eventually.hpp"
#include "support/log_capture.hpp"
#include "support/own_broker.hpp"
#include "waybill/dead_letters.hpp"
#include "waybill/waybill.hpp"

#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>
#include <gtest/gtest.h>

#include <map>

namespace waybill::test {
namespace {

class AmqpLimits : public testing::Test {
 public:
  static void end() { broker_.reset(); }

 protected:
  static void SetUpTestSuite() {
    if (broker_ || broker_url("WAYBILL_TEST_AMQP_URL").empty()) return;
    broker_ = std::make_unique<OwnBroker>("rabbitmq", "WAYBILL_TEST_AMQP_URL");
    if (broker_->url().empty()) return;
    // Limits: the first where RabbitMQ 3 looks, the second where 4 does. Then as `add_user` and `set_permissions`.
    std::string users = R"({<<"other">>,<<".*">>,<<".*">>,<<".*">>})";
    for (const FewRights& one : k_few_rights) {
      users += ",{<<\"" + std::string(one.user) + "\">>";
      for (const char* right : {one.configure, one.write, one.read}) users += ",<<\"" + named(right) + "\">>";
      users += '}';
    }
    broker_->rabbitmqctl(
        "eval 'application:set_env(rabbit, max_message_size, 100000), "
        "persistent_term:put(max_message_size, 100000), B = rabbit_auth_backend_internal, "
        "[begin B:add_user(U, <<\"secret\">>, <<\"test\">>), "
        "B:set_permissions(U, <<\"/\">>, C, W, R, <<\"test\">>) end || {U,C,W,R} <- [" +
        users + "]].'");
  }
  void SetUp() override {
    const std::string others = broker_url("WAYBILL_TEST_AMQP_URL");
    WAYBILL_NEEDS_BROKER(others, "WAYBILL_TEST_AMQP_URL");
    ASSERT_FALSE(broker_->url().empty()) << "scripts/brokers.sh up rabbitmq failed";
  }
  std::string url(const std::string& options) const { return broker_->url() + "/?queue=" + queue + options; }
  bool wait_for(std::function<bool()> condition) { return eventually(loop, std::move(condition)); }

  asio::io_context loop{1};
  LogCapture logs;
  const std::string queue = fresh_name();
  static std::unique_ptr<OwnBroker> broker_;
};
std::unique_ptr<OwnBroker> AmqpLimits::broker_;

/// Both suites have one broker.
class BrokerEnd : public testing::Environment {
  void TearDown() override { AmqpLimits::end(); }
};
const auto* const k_broker_end = testing::AddGlobalTestEnvironment(new BrokerEnd);

TEST_F(AmqpLimits, ARequestIsTooLargeAndAReplyIsTooLargeAndNobodyElseNotices) {
  Service service(loop.get_executor(), Config::listen({url("&max_in_flight=8")}));
  service.log_to(logs.sink());
  std::map<std::string, int> handled;
  service.on_request("give", [&handled](std::size_t size) {
    ++handled["give"];
    return std::string(size, 'x');
  });
  service.on_event("innocent", [&handled](const std::string&) -> asio::awaitable<void> {
    ++handled["innocent"];
    asio::steady_timer timer(co_await asio::this_coro::executor, std::chrono::seconds(1));
    co_await timer.async_wait(asio::use_awaitable);
  });
  run_until(loop, service.start());
  Client client(loop.get_executor(), ClientConfig::from_url(url("")), default_registry(), logs.log());
  run_until(loop, client.connect());
  std::optional<Result<Accepted>> sent;
  client.emit("innocent", std::string("x"), [&sent](const Result<Accepted>& outcome) { sent = outcome; });
  std::map<std::size_t, std::optional<Result<std::string>>> answers;
  for (const std::size_t size : {10u, 200'000u, 20u, 90'000u, 300'000u, 30u}) {
    client.request<std::string>("give", size,
                                [&answers, size](const Result<std::string>& answer) { answers[size] = answer; });
  }
  ASSERT_TRUE(wait_for([&] { return answers.size() == 6 && sent; }));
  for (const auto& [size, answer] : answers) {
    if (size > 100'000) {
      ASSERT_FALSE(*answer) << size;
      EXPECT_TRUE(answer->error().code() == errc::remote) << answer->error().what();
      EXPECT_EQ(answer->error().name(), "too_large");
    } else {
      ASSERT_TRUE(*answer) << size << ": " << answer->error().what();
      EXPECT_EQ((*answer)->size(), size);
    }
  }
  EXPECT_EQ(handled["give"], 6) << "each of them once";
  // Too large on its way there: told, and surely not taken.
  std::optional<Result<std::string>> refused, fine;
  client.request<std::string>("give", std::string(200'000, 'y'),
                              [&refused](const Result<std::string>& answer) { refused = answer; });
  client.request<std::string>("give", std::size_t{7}, [&fine](const Result<std::string>& answer) { fine = answer; });
  ASSERT_TRUE(wait_for([&] { return refused && fine; }));
  ASSERT_FALSE(*refused);
  EXPECT_TRUE(refused->error().code() == errc::too_large) << refused->error().what();
  EXPECT_EQ(refused->error().end(), End::rejected);
  EXPECT_TRUE(*fine) << fine->error().what();
  EXPECT_EQ(handled["innocent"], 1);
  EXPECT_EQ(client.stats().reconnects, 0u);
  EXPECT_FALSE(logs.contains("lost amqp"));
  client.close();
  service.close();
  run_ready(loop);
}

class AmqpRights : public AmqpLimits {
 protected:
  void expect_says(const FewRights& row, std::string_view text) {
    for (const std::string& word :
         {named(row.what), std::string(row.right), std::string(row.user), std::string("set_permissions")})
      EXPECT_NE(text.find(word), std::string_view::npos) << row.user << " is told: " << text << " without: " << word;
  }
  void expect_says(const FewRights& row, const Error& error) {
    EXPECT_TRUE(error.code() == errc::unauthorized) << row.user << ": " << error.what();
    EXPECT_EQ(error.end(), End::rejected) << row.user;
    expect_says(row, error.message());
  }
  void try_service(const FewRights& row, const std::string& url);
  void try_events(const FewRights& row, const std::string& url);
  void try_client(const FewRights& row, const std::string& url);
  void try_dead_letters(const FewRights& row, const std::string& url);
};

void AmqpRights::try_service(const FewRights& row, const std::string& url) {
  Service service(loop.get_executor(), Config::listen({url}));
  service.log_to(logs.sink());
  service.on_request("ask", [] { return 1; });
  try {
    run_until(loop, service.start());
    ADD_FAILURE() << row.user << " has started";
  } catch (const Error& error) {
    expect_says(row, error);
  }
  service.close();
}

/// What only happens now and then is told when it does; meanwhile the message waits.
void AmqpRights::try_events(const FewRights& row, const std::string& url) {
  AmqpAdmin admin(broker_->url());
  admin.purge_queue(named("Q"));
  LogCapture log;
  Service service(loop.get_executor(), Config::listen({url}));
  service.log_to(log.sink());
  int handled = 0, good = 0;
  service.on_event("bad", [&handled](const std::string&) {
    ++handled;
    throw Error("no");
  });
  service.on_event("good", [&good](const std::string&) { ++good; });
  run_until(loop, service.start());
  admin.publish(named("Q"), R"({"pattern":"bad","data":"x"})");
  EXPECT_TRUE(wait_for([&] { return log.contains("set_permissions"); })) << row.user;
  for (int i = 0; i < 300; ++i) admin.publish(named("Q"), R"({"pattern":"good","data":"x"})");
  EXPECT_TRUE(wait_for([&] { return good == 300; })) << row.user;
  EXPECT_EQ(handled, 1) << row.user;
  EXPECT_FALSE(log.contains("lost amqp")) << row.user;
  for (const auto& line : log.lines())
    if (line.text.find("set_permissions") != std::string::npos) expect_says(row, line.text);
  EXPECT_LE(log.count("set_permissions"), 2u) << row.user;
  run_until(loop, service.drain(std::chrono::seconds(5)));
  EXPECT_TRUE(wait_for([&] { return admin.ready(named("Q")) == 1u; })) << row.user << " has lost it";
}

void AmqpRights::try_client(const FewRights& row, const std::string& url) {
  Client client(loop.get_executor(), ClientConfig::from_url(url), default_registry(), logs.log());
  try {
    run_until(loop, client.connect());
    EXPECT_EQ(row.role, FewRights::talker) << row.user << " has connected";
  } catch (const Error& error) {
    EXPECT_EQ(row.role, FewRights::client) << row.user;
    expect_says(row, error);
  }
  if (row.role == FewRights::talker) {
    for (int turn = 0; turn < 2; ++turn) {
      std::optional<Result<int>> answer;
      std::optional<Result<Accepted>> sent;
      client.request<int>("ask", 1, [&answer](const Result<int>& told) { answer = told; });
      EXPECT_TRUE(wait_for([&] { return answer.has_value(); }));
      client.emit("event", 1, [&sent](const Result<Accepted>& told) { sent = told; });
      EXPECT_TRUE(wait_for([&] { return sent.has_value(); }));
      if (!answer || !sent || *answer || *sent) {
        ADD_FAILURE() << row.user << " has no error";
        break;
      }
      EXPECT_TRUE(answer->error().code() == errc::unauthorized) << row.user << ": " << answer->error().what();
      expect_says(row, answer->error().message());
      expect_says(row, sent->error());
    }
    EXPECT_EQ(client.stats().reconnects, 0u) << row.user;
  }
  client.close();
  run_ready(loop);
}

void AmqpRights::try_dead_letters(const FewRights& row, const std::string& url) {
  AmqpAdmin admin(broker_->url());
  admin.purge_queue(named("D"));
  amqp_table_entry_t origin;
  origin.key = amqp_cstring_bytes("waybill-origin");
  origin.value.kind = AMQP_FIELD_KIND_UTF8;
  origin.value.value.bytes = amqp_cstring_bytes("Q-rights");
  amqp_basic_properties_t properties{};
  properties._flags = AMQP_BASIC_HEADERS_FLAG;
  properties.headers = {1, &origin};
  admin.publish(named("D"), R"({"pattern":"bad","data":"x"})", properties);
  EXPECT_TRUE(wait_for([&] { return admin.ready(named("D")) == 1u; }));
  DeadLetters letters(loop.get_executor(), Config::listen({url}).listeners.front(), default_registry(), logs.log());
  const auto listed = run_until(loop, letters.list());
  if (row.role == FewRights::looker) {
    EXPECT_FALSE(listed) << row.user;
    if (!listed) expect_says(row, listed.error());
  } else if (listed && listed->size() == 1) {
    const auto replayed = run_until(loop, letters.replay(listed->front()));
    EXPECT_FALSE(replayed) << row.user;
    if (!replayed) expect_says(row, replayed.error());
  } else {
    ADD_FAILURE() << row.user << " sees nothing";
  }
  letters.close();
  EXPECT_TRUE(wait_for([&] { return admin.ready(named("D")) == 1u; })) << row.user << " has lost it";
}

/// Both directions: its queue may answer again before the service ends, or not.
TEST_F(AmqpLimits, ADeadLetterQueueThatStandsStillIsNamedAndNothingIsLost) {
  const std::string dead = queue + ".dead";
  AmqpAdmin admin(broker_->url());
  Service service(loop.get_executor(), Config::listen({url("&attempts=1&start_timeout=2s&dead_letter=" + dead)}));
  service.log_to(logs.sink());
  int bad = 0, good = 0;
  service.on_event("bad", [&bad](const std::string&) {
    ++bad;
    throw Error("no");
  });
  service.on_event("good", [&good](const std::string&) { ++good; });
  run_until(loop, service.start());
  const std::string of_dead =
      "{ok, Q} = rabbit_amqqueue:lookup(rabbit_misc:r(<<\"/\">>, queue, <<\"" + dead + "\">>)), sys:";
  const auto queue_process = [&](const char* what) {
    meanwhile(loop, [&] { broker_->rabbitmqctl("eval '" + of_dead + what + "(amqqueue:get_pid(Q)).'"); });
  };
  queue_process("suspend");
  admin.publish(queue, R"({"pattern":"bad","data":"x"})");
  ASSERT_TRUE(wait_for([&] { return logs.contains("neither takes nor refuses what is sent to the queue " + dead); }));
  for (int i = 0; i < 200; ++i) admin.publish(queue, R"({"pattern":"good","data":"x"})");
  ASSERT_TRUE(wait_for([&] { return good == 200; }));
  const DrainReport report = run_until(loop, service.drain(std::chrono::minutes(5)));  // which is not waited for
  EXPECT_EQ(report.given_back, 1u);
  EXPECT_EQ(report.abandoned, 0u);
  EXPECT_TRUE(logs.contains("1 messages that were given up are not in " + dead + " yet"));
  EXPECT_TRUE(wait_for([&] { return admin.ready(queue) == 1u; })) << "it is not given back";
  EXPECT_EQ(bad, 1);
  queue_process("resume");
  run_ready(loop);
}

/// The broker then closes the channel and takes back all that was delivered on it.
TEST_F(AmqpLimits, HandlersThatOutlastTheConsumerTimeoutRunOnceAndSettleTheirMessages) {
  const auto limit = [&](const std::string& timeout, const std::string& tick) {
    meanwhile(loop, [&] {
      broker_->rabbitmqctl("eval 'application:set_env(rabbit, consumer_timeout, " + timeout +
                           "), application:set_env(rabbit, channel_tick_interval, " + tick + ").'");
    });
  };
  limit("1000", "300");
  for (const std::string type : {"classic", "quorum"}) {
    AmqpAdmin admin(broker_->url());
    const std::string name = queue + type;
    const std::string own = broker_->url() + "/?queue=" + name + "&queue_type=" + type;
    LogCapture log;
    Config config = Config::listen({own});
    config.log_level = "debug";  // the second time it is said in a minute
    Service service(loop.get_executor(), config);
    service.log_to(log.sink());
    std::map<std::string, int> handled;
    bool may_end = false;
    const auto work = [&](std::string what) -> asio::awaitable<void> {
      ++handled[what];
      asio::steady_timer timer(co_await asio::this_coro::executor);
      while (!may_end) {
        timer.expires_after(std::chrono::milliseconds(10));
        co_await timer.async_wait(asio::use_awaitable);
      }
    };
    service.on_event("long", [&](const std::string&) { return work("long"); });
    service.on_event("quick", [&](const std::string&) { ++handled["quick"]; });
    service.on_request("ask", [&](int value) -> asio::awaitable<int> {
      co_await work("ask");
      co_return value;
    });
    run_until(loop, service.start());
    Client client(loop.get_executor(), ClientConfig::from_url(own), default_registry(), logs.log());
    run_until(loop, client.connect());
    for (int i = 0; i < 2; ++i) admin.publish(name, R"({"pattern":"long","data":"the same"})");
    std::optional<Result<int>> answer;
    CallOptions options;
    options.timeout = std::chrono::seconds(60);
    client.request<int>("ask", 7, options, [&answer](const Result<int>& told) { answer = told; });
    ASSERT_TRUE(wait_for([&] { return log.count("It has taken back") == 2; })) << type;
    admin.publish(name, R"({"pattern":"quick","data":"x"})");
    ASSERT_TRUE(wait_for([&] { return handled["quick"] == 1; }));
    may_end = true;
    EXPECT_TRUE(wait_for([&] { return answer.has_value(); }));
    EXPECT_TRUE(answer && *answer && **answer == 7);
    run_until(loop, service.drain(std::chrono::seconds(5)));
    client.close();
    run_ready(loop);
    EXPECT_EQ(admin.ready(name), 0u) << type << ": all is acknowledged";
    EXPECT_EQ(handled["long"], 2) << type;
    EXPECT_EQ(handled["ask"], 1) << type;
    EXPECT_TRUE(log.contains("has ended, but took longer than the broker's consumer_timeout")) << "it is named";
    EXPECT_FALSE(log.contains("lost amqp"));
  }
  limit("1800000", "60000");
}

TEST_F(AmqpRights, AUserWhoLacksOneIsToldWhichOneOfWhatAndNothingLoops) {
  AmqpAdmin admin(broker_->url());
  for (const char* one : {"Q", "D"}) admin.declare_queue(named(one));
  const std::string at = "127.0.0.1:" + std::to_string(Url::parse(broker_->url()).value().hosts.front().port) + "/?";
  for (const FewRights& row : k_few_rights) {
    const std::string url = "amqp://" + std::string(row.user) + ":secret@" + at + named(row.options);
    switch (row.role) {
      case FewRights::service: try_service(row, url); break;
      case FewRights::events: try_events(row, url); break;
      case FewRights::looker:
      case FewRights::player: try_dead_letters(row, url); break;
      default: try_client(row, url);
    }
  }
}

TEST_F(AmqpLimits, AMessageOfAnotherUserIsRetriedAndParked) {
  const std::string parked = queue + ".parked";
  Service service(loop.get_executor(), Config::listen({url("&attempts=3&backoff=1ms&dead_letter=" + parked)}));
  service.log_to(logs.sink());
  int handled = 0;
  service.on_event("bad", [&handled](const std::string&) {
    ++handled;
    throw Error("no");
  });
  run_until(loop, service.start());
  const Url own = Url::parse(broker_->url()).value();
  AmqpAdmin other("amqp://other:secret@127.0.0.1:" + std::to_string(own.hosts.front().port));
  amqp_basic_properties_t properties{};
  properties._flags = AMQP_BASIC_USER_ID_FLAG;
  properties.user_id = amqp_cstring_bytes("other");
  other.publish(queue, R"({"pattern":"bad","data":"x"})", properties);
  std::optional<AmqpAdmin::Message> letter;
  ASSERT_TRUE(wait_for([&] { return (letter = other.get(parked)).has_value(); }));
  EXPECT_EQ(handled, 3);
  EXPECT_NE(letter->headers.find("waybill-user-id=other"), std::string::npos) << letter->headers;
  service.close();
  run_ready(loop);
}

}  // namespace
}  // namespace waybill::test
