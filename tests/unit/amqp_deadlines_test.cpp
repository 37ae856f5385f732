// Whatever a broker does not answer, be it frozen or only one of its processes: every step of an opening and of looking
// after dead letters ends in time.
#include "amqp_fake_broker.hpp"
#include "support/broker_url.hpp"
#include "support/eventually.hpp"
#include "support/keeping_sinks.hpp"
#include "support/log_capture.hpp"

#include <set>

namespace waybill::amqp {
namespace {

class AmqpDeadlines : public testing::Test {
 protected:
  std::unique_ptr<Transport> transport(const std::string& start_timeout = "200ms") const {
    return test::transport_of("amqp://127.0.0.1:" + std::to_string(broker.port()) +
                              "/?queue=q&wildcards=true&exchange=e&start_timeout=" + start_timeout);
  }
  Environment environment() {
    Environment environment;
    environment.executor = loop.get_executor();
    environment.serializer = &json_format();
    environment.log = logs.log();
    environment.dead_letter = "dead";
    return environment;
  }
  /// From now on a question of this kind is not answered, and nothing that is asked behind it on its channel.
  void leave_out(amqp_method_number_t id) {
    broker.answers = [id, stuck = std::set<ChannelId>()](const FakeBroker::Asked& one) mutable {
      if (one.id == id) stuck.insert(one.channel);
      return one.id == AMQP_CONNECTION_CLOSE_METHOD || !stuck.contains(one.channel);
    };
  }
  template <class T>
  static void expect_late(const Result<T>& outcome, std::string_view what) {
    ASSERT_FALSE(outcome);
    EXPECT_NE(outcome.error().message().find(what), std::string_view::npos) << outcome.error().what();
  }

  asio::io_context loop{1};
  test::LogCapture logs;
  FakeBroker broker{loop};
};

struct Withheld {
  amqp_method_number_t id;
  const char* name;
};
void PrintTo(const Withheld& one, std::ostream* out) { *out << one.name; }

class AmqpOpeningStep : public AmqpDeadlines, public testing::WithParamInterface<Withheld> {};

TEST_P(AmqpOpeningStep, OfAListenerEndsInTime) {
  leave_out(GetParam().id);
  const auto described = transport();
  test::KeepingListenerSink sink;
  const auto listener = described->make_listener(environment());
  const Routes routes{{Pattern("p"), true, true}};
  expect_late(test::run_until(loop, listener->open(routes, sink)), "in time");
  listener->close();
}

TEST_P(AmqpOpeningStep, OfAClientEndsInTime) {
  leave_out(GetParam().id == AMQP_QUEUE_DECLARE_METHOD || GetParam().id == AMQP_QUEUE_BIND_METHOD
                ? AMQP_EXCHANGE_DECLARE_METHOD  // in this mode it declares nothing else
                : GetParam().id);
  const auto described = transport();
  test::KeepingConnectionSink sink;
  const auto connection = described->make_connection(environment());
  expect_late(test::run_until(loop, connection->open(sink)), "in time");
  connection->close();
}

INSTANTIATE_TEST_SUITE_P(All, AmqpOpeningStep,
                         testing::Values(Withheld{AMQP_CONNECTION_START_OK_METHOD, "tune"},
                                         Withheld{AMQP_CONNECTION_OPEN_METHOD, "open-ok"},
                                         Withheld{AMQP_QUEUE_DECLARE_METHOD, "queue.declare-ok"},
                                         Withheld{AMQP_EXCHANGE_DECLARE_METHOD, "exchange.declare-ok"},
                                         Withheld{AMQP_QUEUE_BIND_METHOD, "queue.bind-ok"},
                                         Withheld{AMQP_BASIC_QOS_METHOD, "qos-ok"},
                                         Withheld{AMQP_BASIC_CONSUME_METHOD, "consume-ok"}));

TEST_F(AmqpDeadlines, OpeningLookingReplayingAndDroppingDeadLettersEnd) {
  const auto described = transport("1s");
  const auto box = described->make_dead_letter_box(environment());
  leave_out(AMQP_CONFIRM_SELECT_METHOD);
  expect_late(test::run_until(loop, box->list(10)), "asking for confirms");
  leave_out(AMQP_BASIC_GET_METHOD);
  expect_late(test::run_until(loop, box->list(10)), "looking into the queue dead");
  const std::string letter = R"({"pattern":"p","data":1})";
  broker.letter = letter;
  leave_out(0);
  auto letters = test::run_until(loop, box->list(10)).value();
  ASSERT_EQ(letters.size(), 1u);
  expect_late(test::run_until(loop, box->replay(letters[0])), "did not answer in time");  // nobody confirms it
  broker.letter = letter;
  letters = test::run_until(loop, box->list(10)).value();
  ASSERT_EQ(letters.size(), 1u);
  leave_out(AMQP_BASIC_QOS_METHOD);
  expect_late(test::run_until(loop, box->drop(letters[0])), "in time");
  box->close();
}

TEST_F(AmqpDeadlines, ReplayingIsToldWhenTheBrokerTakesNothing) {
  const auto described = transport("4s");
  const auto box = described->make_dead_letter_box(environment());
  broker.letter = R"({"pattern":"p","data":1})";
  const auto letters = test::run_until(loop, box->list(10)).value();
  broker.on_published = [this](ChannelId, const std::string&) {
    const amqp_connection_blocked_t blocked{amqp_cstring_bytes("low on memory")};
    broker.say(0, AMQP_CONNECTION_BLOCKED_METHOD, blocked);
  };
  const auto outcome = test::run_until(loop, box->replay(letters.at(0)));
  expect_late(outcome, "low on memory");
  EXPECT_TRUE(outcome.error().code() == errc::overloaded);
  EXPECT_EQ(outcome.error().end(), End::unknown);
  box->close();
}

}  // namespace
}  // namespace waybill::amqp
