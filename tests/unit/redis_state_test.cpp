// What a listener subscribes to, which reply channels a client keeps, and where calls belong: without a socket.
#include "flow/call_table.hpp"
#include "flow/reply_channels.hpp"
#include "wire/subscriptions.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>
#include <vector>

namespace waybill::redis {
namespace {

using Strings = std::vector<std::string>;

Route on(const Pattern& pattern) { return Route{pattern, true, false}; }

/// "route" of a message, "-" when another subscription brings it, "too far" when it is for nobody here.
std::string find(const Subscriptions& subscriptions, std::string_view glob, std::string_view channel) {
  const auto target = subscriptions.target_of(glob, channel);
  if (target.fit == Subscriptions::Fit::overshot) return "too far";
  return target.fit == Subscriptions::Fit::wanted ? std::string(target.route) : "-";
}

TEST(RedisSubscriptions, NamesAreChannelsAndWildcardsAreGlobs) {
  const Subscriptions made({on("sum"), on(Pattern({"cmd", "x"})), on("order.*"), on("audit.**"), on(native("h?llo"))},
                           "p.", false);
  EXPECT_EQ(made.channels(), (Strings{"p.sum", R"(p.{"cmd":"x"})"}));
  EXPECT_EQ(made.globs(), (Strings{"p.order.*", "p.audit.*", "p.h?llo"}));
  EXPECT_EQ(find(made, "", "p.sum"), "sum");
  EXPECT_EQ(find(made, "p.order.*", "p.order.created"), "order.created");
  EXPECT_EQ(find(made, "p.order.*", "p.order.a.b"), "too far") << "one word";
  EXPECT_EQ(find(made, "p.order.*", "p.order."), "too far");
  EXPECT_EQ(find(made, "p.audit.*", "p.audit.a.b"), "audit.a.b");
  EXPECT_EQ(find(made, "p.h?llo", "p.hallo"), "h?llo") << "a native one is found by its own text";
  EXPECT_EQ(made.target_of("p.h?llo", "p.hallo").name, "hallo");
}

TEST(RedisSubscriptions, OneMessageFindsOnePatternOfOurs) {
  const Subscriptions made({on("order.created"), on("order.*"), on("order.**"), on("order.*.x")}, "", false);
  EXPECT_EQ(made.globs(), (Strings{"order.*"})) << "two are the same glob, which brings what the third one matches";
  EXPECT_EQ(made.channels(), Strings{}) << "nor is the name subscribed to once more: senders count one subscriber";
  EXPECT_EQ(find(made, "order.*", "order.created"), "order.created");
  EXPECT_TRUE(made.target_of("order.*", "order.created").is_exact);
  EXPECT_EQ(find(made, "order.*", "order.closed"), "order.closed");
  EXPECT_EQ(find(made, "order.*", "order.a.x"), "order.a.x");
  const Subscriptions crossing({on("a.*"), on("*.b")}, "", false);
  EXPECT_EQ(crossing.globs(), (Strings{"a.*", "*.b"}));
  EXPECT_EQ(find(crossing, "a.*", "a.b"), "a.b");
  EXPECT_EQ(find(crossing, "*.b", "a.b"), "-") << "the first one brings it";
  EXPECT_EQ(find(crossing, "*.b", "c.b"), "c.b");
  EXPECT_EQ(find(crossing, "a.*", "a.x.b"), "too far") << "told once";
  EXPECT_EQ(find(crossing, "*.b", "a.x.b"), "-");
  const Subscriptions same({on("x.*"), on("*.y")}, "p[1].", false);
  EXPECT_EQ(find(same, R"(p\[1\].*.y)", "p[1].x.y"), "-");
  EXPECT_EQ(find(same, R"(p\[1\].x.*)", "p[1].x.y"), "x.y");
}

TEST(RedisSubscriptions, ANameThatNoGlobBringsIsSubscribedToItself) {
  const Subscriptions made({on("order.*"), on("sum"), on("order"), on(native("su?"))}, "p.", false);
  EXPECT_EQ(made.channels(), (Strings{"p.sum", "p.order"}));
  EXPECT_EQ(find(made, "p.su?", "p.sum"), "su?") << "native ones are Redis's own: each gets the message";
  EXPECT_EQ(find(made, "p.order.*", "p.order.a.b"), "too far");
  const Subscriptions both({on("order.*"), on(native("order.a.?"))}, "", false);
  EXPECT_EQ(find(both, "order.*", "order.a.b"), "-") << "the native one has it";
}

TEST(RedisSubscriptions, GlobsMatchAsRedisMatches) {
  const auto yes = [](const char* glob, const char* text) {
    EXPECT_TRUE(glob_matches(glob, text)) << glob << " " << text;
  };
  const auto no = [](const char* glob, const char* text) {
    EXPECT_FALSE(glob_matches(glob, text)) << glob << " " << text;
  };
  yes("", ""), yes("*", ""), yes("*", "a.b"), yes("a*b*c", "axxbyybc"), yes("h?llo", "hello"), yes("**", "a");
  no("", "a"), no("a*b*c", "axxbyyb"), no("h?llo", "hllo"), no("?", ""), no("a", "ab"), no("ab", "a");
  yes("[ab]", "b"), yes("[^ab]", "c"), yes("[a-c]x", "bx"), yes("[c-a]", "b"), yes("\\*", "*"), yes("[\\]]", "]");
  no("[ab]", "c"), no("[^ab]", "a"), no("[a-c]", "d"), no("\\*", "a"), no("[^a-c]", "b");
  no("a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
}

TEST(RedisSubscriptions, WithNestsOptionEveryPatternIsAGlob) {
  const Subscriptions made({on("users.*"), on("exact"), on("set.[ab]"), on("q?"), on("users.get")}, "", true);
  EXPECT_EQ(made.channels(), (Strings{"exact", "users.get"}));
  EXPECT_EQ(made.globs(), (Strings{"users.*", "set.[ab]", "q?"}));
  EXPECT_EQ(find(made, "users.*", "users.a.b"), "users.*") << "a glob's * does not stop at dots";
  EXPECT_EQ(find(made, "users.*", "users.get"), "users.*") << "two subscriptions, two handlers, as with NestJS";
  EXPECT_EQ(find(made, "", "users.get"), "users.get");
}

TEST(RedisSubscriptions, WhatIsNoWildcardIsEscapedInGlobs) {
  EXPECT_EQ(glob_of("a[1]?\\.*"), "a\\[1\\]\\?\\\\.*");
  EXPECT_EQ(glob_of("*.**"), "*.*");
  EXPECT_EQ(glob_of("a*b.*"), "a\\*b.*");
  const Subscriptions made({on("order.*")}, "p[1].", false);
  EXPECT_EQ(made.globs(), (Strings{"p\\[1\\].order.*"}));
  EXPECT_EQ(find(made, "p\\[1\\].order.*", "p[1].order.x"), "order.x");
}

TEST(RedisReplyChannels, AreSubscribedOnceAndKept) {
  ReplyChannels channels("p.", 1'024);
  const auto first = channels.find_or_add("sum");
  EXPECT_TRUE(first.is_new);
  EXPECT_EQ(first.channel->replies, "p.sum.reply");
  EXPECT_EQ(first.channel->head, "*3\r\n$7\r\nPUBLISH\r\n$5\r\np.sum\r\n");
  const auto again = channels.find_or_add("sum");
  EXPECT_FALSE(again.is_new);
  EXPECT_EQ(again.channel, first.channel);
  EXPECT_EQ(channels.by_replies("p.sum.reply"), first.channel);
  EXPECT_EQ(channels.by_replies("p.other.reply"), nullptr);
}

TEST(RedisReplyChannels, TheLongestUnusedIsGivenUpAndNeverOneWithCalls) {
  ReplyChannels channels("", 3);
  const auto add = [&](const char* route) {
    const auto found = channels.find_or_add(route);
    found.channel->state = ReplyChannel::State::subscribed;
    return found;
  };
  channels.call_begins(1, *add("a").channel);
  add("b");
  add("c");
  add("b");
  EXPECT_EQ(add("d").unsubscribe, "c.reply") << "a has a call, b was used again";
  EXPECT_EQ(channels.size(), 3u);
  channels.call_begins(2, *add("b").channel);
  channels.call_begins(3, *add("d").channel);
  EXPECT_EQ(add("e").unsubscribe, "") << "all have calls: there are more than usual";
  EXPECT_EQ(channels.size(), 4u);
  EXPECT_TRUE(channels.call_ends(1));
  EXPECT_FALSE(channels.call_ends(1));
  EXPECT_EQ(add("f").unsubscribe, "a.reply");
  EXPECT_EQ(channels.by_replies("a.reply"), nullptr);
}

TEST(RedisCallTable, AgreesWithAMap) {
  std::mt19937_64 random(7);
  CallTable table;
  std::map<std::uint64_t, ReplyChannel*> map;
  std::vector<ReplyChannel> channels(4);
  for (int i = 0; i < 200'000; ++i) {
    // Few bits, and those low: many collisions.
    const std::uint64_t key = 1 + random() % 97 * (random() % 2 ? 64 : 1);
    ReplyChannel& channel = channels[random() % channels.size()];
    if (random() % 2) {
      EXPECT_EQ(table.insert(key, channel), map.emplace(key, &channel).second);
    } else {
      const auto found = map.find(key);
      ReplyChannel* const expected = found == map.end() ? nullptr : found->second;
      ASSERT_EQ(table.find(key), expected);
      ASSERT_EQ(table.erase(key), expected);
      map.erase(key);
    }
    ASSERT_EQ(table.size(), map.size());
  }
  for (const auto& [key, channel] : map) EXPECT_EQ(table.find(key), channel);
}

}  // namespace
}  // namespace waybill::redis
