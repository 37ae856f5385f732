// The command line at a queue: what it takes away, and what it shows of dead letters.
#include "amqp_rig.hpp"
#include "cli_process.hpp"

namespace waybill {
namespace {

using test::Cli;

TEST_F(AmqpIntegration, ListenWithACountTakesThatManyMessagesAndNoMore) {
  const std::string queue = fresh_queue();
  admin->declare_queue(queue);
  for (int i = 0; i < 200; ++i) admin->publish(queue, R"({"pattern":"p","data":)" + std::to_string(i) + "}");
  ASSERT_TRUE(test::eventually(loop, [&] { return admin->ready(queue) == 200u; }));
  Cli one({"listen", url("queue=" + queue), "p", "--count", "1"});
  EXPECT_EQ(one.rest().size(), 1u);
  EXPECT_EQ(one.exit_code(), 0);
  EXPECT_TRUE(test::eventually(loop, [&] { return admin->ready(queue) == 199u; })) << admin->ready(queue).value_or(0);
  Cli forty({"listen", url("queue=" + queue), "p", "--count", "40"});
  EXPECT_EQ(forty.rest().size(), 40u);
  EXPECT_TRUE(test::eventually(loop, [&] { return admin->ready(queue) == 159u; })) << admin->ready(queue).value_or(0);
}

TEST_F(AmqpIntegration, DlqShowPrintsALineOfJsonWhateverLiesThere) {
  const std::string queue = fresh_queue();
  const std::string dead = fresh_queue();
  admin->declare_queue(queue);
  admin->declare_queue(dead);
  admin->publish(dead, R"({"pattern":"p","data":{"a":1}}})");
  admin->publish(dead, "{\"pattern\":\"p\",\"data\":{\"a\" 1}}");
  admin->publish(dead, "no \xff JSON");
  ASSERT_TRUE(test::eventually(loop, [&] { return admin->ready(dead) == 3u; }));
  Cli show({"dlq", "show", url("queue=" + queue + "&dead_letter=" + dead)});
  const auto lines = show.rest();
  EXPECT_EQ(lines.size(), 3u);
  const Serializer& json = *default_registry()->find_serializer("json");
  for (const std::string& line : lines) {
    Payload whole;
    EXPECT_TRUE(Payload(Slice::copy(line), json).decode_into(ValueOut::of(whole))) << line;
  }
  Cli drop({"dlq", "drop", url("queue=" + queue + "&dead_letter=" + dead), "nope"});
  EXPECT_NE(drop.error_line("error").find("no dead letter has the id nope"), std::string::npos);
  EXPECT_EQ(drop.exit_code(), 2);
}

}  // namespace
}  // namespace waybill
