// RESP without a socket: every split of a server's bytes, hostile ones, commands, and what answers to a login mean.
#include "protocol/command.hpp"
#include "protocol/login.hpp"
#include "protocol/resp_reader.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace waybill::redis {
namespace {

/// Writes down what it is told, one line each.
class Notes final : public RespSink {
 public:
  void on_message(std::string_view pattern, std::string_view channel, const Slice& body) noexcept override {
    lines.push_back("message " + std::string(pattern) + "|" + std::string(channel) + "|" + std::string(body.view()));
    // The bytes behind a slice may be read by parsers.
    for (std::size_t i = 0; i < k_padding; ++i) padding += body.data()[body.size() + i];
  }
  void on_subscription(Change change, std::string_view name) noexcept override {
    lines.push_back((change == Change::subscribed ? "subscribed " : "unsubscribed ") + std::string(name));
  }
  void on_integer(std::int64_t value) noexcept override { lines.push_back("integer " + std::to_string(value)); }
  void on_status(std::string_view text) noexcept override { lines.push_back("status " + std::string(text)); }
  void on_error(std::string_view text) noexcept override { lines.push_back("error " + std::string(text)); }
  void on_element(std::size_t index, std::string_view text) noexcept override {
    lines.push_back("element " + std::to_string(index) + " " + std::string(text));
  }
  void on_element(std::size_t index, std::int64_t value) noexcept override {
    lines.push_back("element " + std::to_string(index) + " :" + std::to_string(value));
  }
  void on_array(std::size_t index, std::size_t size) noexcept override {
    lines.push_back("element " + std::to_string(index) + " *" + std::to_string(size));
  }
  void on_array_end() noexcept override { lines.push_back("end"); }

  std::vector<std::string> lines;
  std::string padding;
};

using Role = RespReader::Role;

struct Read {
  std::vector<std::string> lines;
  bool is_whole;
  std::string problem;
};

Read read(Role role, const std::string& bytes, std::size_t split = 0, std::size_t max_message = 1u << 20) {
  Notes notes;
  RespReader reader(notes, role, max_message);
  const bool is_whole = reader.feed(bytes.data(), split) && reader.feed(bytes.data() + split, bytes.size() - split);
  return {notes.lines, is_whole, reader.problem()};
}

std::string hostile_body() { return std::string("a\r\nb") + '\0' + "c\xFF"; }

std::string pushed() {
  return "+PONG\r\n"
         "*3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n"
         "*3\r\n$10\r\npsubscribe\r\n$2\r\nn*\r\n:2\r\n"
         "*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$7\r\n" +
         hostile_body() +
         "\r\n"
         "*4\r\n$8\r\npmessage\r\n$2\r\nn*\r\n$4\r\nnews\r\n$0\r\n\r\n"
         "*2\r\n$4\r\npong\r\n$0\r\n\r\n"
         "*3\r\n$7\r\nmessage\r\n$5\r\nother\r\n$1\r\nx\r\n"
         "*3\r\n$11\r\nunsubscribe\r\n$4\r\nnews\r\n:1\r\n"
         "*3\r\n$12\r\npunsubscribe\r\n$-1\r\n:0\r\n"
         "-ERR unknown\r\n";
}

std::vector<std::string> pushed_lines() {
  return {"status PONG",       "subscribed news", "subscribed n*",    "message |news|" + hostile_body(),
          "message n*|news|",  "status PONG",     "message |other|x", "unsubscribed news",
          "unsubscribed news",  // of nothing: no name, and nobody asks for it
          "error ERR unknown"};
}

TEST(RedisReader, ReadsWhatASubscriberGetsAtEverySplit) {
  const std::string bytes = pushed();
  for (std::size_t split = 0; split <= bytes.size(); ++split) {
    const Read result = read(Role::subscriber, bytes, split);
    ASSERT_TRUE(result.is_whole) << split << ": " << result.problem;
    ASSERT_EQ(result.lines, pushed_lines()) << split;
  }
}

TEST(RedisReader, ReadsByteByByte) {
  const std::string bytes = pushed();
  Notes notes;
  RespReader reader(notes, Role::subscriber, 1u << 20);
  for (const char byte : bytes) ASSERT_TRUE(reader.feed(&byte, 1));
  EXPECT_EQ(notes.lines, pushed_lines());
}

TEST(RedisReader, ReadsWhatAPublisherGetsAtEverySplit) {
  const std::string bytes =
      ":0\r\n:12\r\n-NOPERM no\r\n+PONG\r\n*4\r\n$7\r\na.reply\r\n:0\r\n$7\r\nb.reply\r\n:3\r\n:7\r\n*0\r\n:8\r\n"
      "*3\r\n$6\r\nmaster\r\n:14\r\n*2\r\n*3\r\n$1\r\nh\r\n$1\r\n1\r\n$1\r\n0\r\n*0\r\n";
  const std::vector<std::string> lines{
      "integer 0",    "integer 12",        "error NOPERM no",  "status PONG",   "element 0 a.reply",
      "element 1 :0", "element 2 b.reply", "element 3 :3",     "end",           "integer 7",
      "end",          "integer 8",         "element 0 master", "element 1 :14", "element 2 *2",
      "end"};
  for (std::size_t split = 0; split <= bytes.size(); ++split) {
    const Read result = read(Role::publisher, bytes, split);
    ASSERT_TRUE(result.is_whole) << split;
    ASSERT_EQ(result.lines, lines) << split;
  }
}

TEST(RedisReader, ALargeMessageArrivesWholeAndThoseBehindItToo) {
  std::string body(300'000, 'x');
  for (std::size_t i = 0; i < body.size(); i += 7) body[i] = static_cast<char>('a' + i % 26);
  const std::string one = "*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$300000\r\n" + body + "\r\n";
  Notes notes;
  RespReader reader(notes, Role::subscriber, 1u << 20);
  const std::string bytes = one + one + pushed();
  for (std::size_t at = 0; at < bytes.size(); at += 10'000)
    ASSERT_TRUE(reader.feed(bytes.data() + at, std::min<std::size_t>(10'000, bytes.size() - at)));
  ASSERT_EQ(notes.lines.size(), 2 + pushed_lines().size());
  EXPECT_TRUE(notes.lines[0] == "message |c|" + body);
  EXPECT_TRUE(notes.lines[1] == notes.lines[0]);
  EXPECT_EQ(notes.lines.back(), "error ERR unknown");
}

TEST(RedisReader, AMessageBeyondTheCapEndsTheConnectionAndHoldsNoMoreMemory) {
  const std::string head = "*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$500000000\r\n";
  Notes notes;
  RespReader reader(notes, Role::subscriber, 100'000);
  ASSERT_TRUE(reader.feed(head.data(), head.size()));
  const std::string some(10'000, 'x');
  std::size_t fed = 0;
  while (fed < 1'000'000 && reader.feed(some.data(), some.size())) fed += some.size();
  EXPECT_LT(fed, 200'000u);
  EXPECT_NE(reader.problem().find("max_message"), std::string::npos);
}

TEST(RedisReader, WhatIsNoRespIsSaidToBeNone) {
  for (const std::string bytes :
       {"HTTP/1.1 400 Bad Request\r\n\r\n", "AMQP\x01\x01\x09\x01", "\x15\x03\x01", "220 smtp\r\n",
        "*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$-7\r\n", "$99999999999999999999\r\n"}) {
    const Read result = read(Role::subscriber, bytes);
    EXPECT_FALSE(result.is_whole) << bytes;
    EXPECT_FALSE(result.problem.empty());
    EXPECT_TRUE(result.lines.empty()) << bytes;
  }
}

TEST(RedisReader, WhatIsNoPushIsAnAnswerAndWhatIsNestedIsIgnored) {
  const Read result = read(Role::subscriber,
                           "*3\r\n$4\r\nelse\r\n$1\r\na\r\n:3\r\n*2\r\n*2\r\n$7\r\nmessage\r\n:1\r\n$1\r\nb\r\n"
                           "*1\r\n$7\r\nmessage\r\n*-1\r\n$-1\r\n*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\nx\r\n");
  ASSERT_TRUE(result.is_whole) << result.problem;
  const std::vector<std::string> lines{"element 0 else", "element 1 a", "element 2 :3", "end", "message |c|x"};
  EXPECT_EQ(result.lines, lines);
}

TEST(RedisCommand, WordsAreBulks) {
  Buffer out;
  append_command(out, {"SUBSCRIBE", "a b\r\n"});
  EXPECT_EQ(out.view(), "*2\r\n$9\r\nSUBSCRIBE\r\n$5\r\na b\r\n\r\n");
  EXPECT_EQ(publish_head("news"), "*3\r\n$7\r\nPUBLISH\r\n$4\r\nnews\r\n");
}

std::string login_of(const Options& options, bool is_publisher) {
  Buffer out;
  Login::append_commands(options, is_publisher, out);
  return std::string(out.view());
}

TEST(RedisLogin, SaysAuthOnlyWithAUserOrAPassword) {
  const std::string hello = "*4\r\n$5\r\nHELLO\r\n$1\r\n2\r\n$7\r\nSETNAME\r\n$7\r\nwaybill\r\n";
  const std::string ping = "*1\r\n$4\r\nPING\r\n";
  Options options;
  EXPECT_EQ(login_of(options, false), hello + ping);
  EXPECT_EQ(login_of(options, true), hello + "*1\r\n$4\r\nROLE\r\n" + ping);
  options.password = "secret";
  EXPECT_EQ(login_of(options, false), "*2\r\n$4\r\nAUTH\r\n$6\r\nsecret\r\n" + hello + ping);
  options.user = "bob";
  EXPECT_EQ(login_of(options, false), "*3\r\n$4\r\nAUTH\r\n$3\r\nbob\r\n$6\r\nsecret\r\n" + hello + ping);
  options.password.clear();
  EXPECT_EQ(login_of(options, false), "*3\r\n$4\r\nAUTH\r\n$3\r\nbob\r\n$0\r\n\r\n" + hello + ping)
      << "users of an ACL may need none";
}

Options with_password() {
  Options options;
  options.password = "secret";
  return options;
}

/// What the first answer of a server means to a client with or without a password: an error's text, or "goes on".
Error first(const Options& options, const char* answer) {
  Login login(options, true);
  return login.take_error(answer, "host:6379").value_or(Error(errc::internal, "goes on"));
}

TEST(RedisLogin, ItsRefusalsSayWhatToChange) {
  const Options with = with_password();
  const Options without;
  EXPECT_TRUE(first(with, "WRONGPASS invalid username-password pair").code() == errc::unauthorized);
  EXPECT_TRUE(first(with, "ERR AUTH <password> called without any password configured").code() == errc::unauthorized);
  EXPECT_TRUE(first(with, "ERR Client sent AUTH, but no password is set").code() == errc::unauthorized);
  EXPECT_TRUE(first(with, "ERR wrong number of arguments for 'auth' command").code() == errc::unauthorized);
  EXPECT_TRUE(first(without, "NOAUTH HELLO must be called with the client already authenticated").code() ==
              errc::unauthorized);
  EXPECT_TRUE(first(without, "DENIED Redis is running in protected mode").code() == errc::unauthorized);
  EXPECT_TRUE(first(without, "LOADING Redis is loading the dataset in memory").code() == errc::refused);
  for (const char* answer : {"WRONGPASS x", "NOAUTH x", "LOADING x"}) {
    const Error error = first(with, answer);
    EXPECT_NE(error.message().find("host:6379"), std::string_view::npos);
    EXPECT_EQ(error.message().find("secret"), std::string_view::npos);
    EXPECT_EQ(error.end(), End::rejected);
  }
  const std::string long_reason = "NOPERM " + std::string(100, 'x') + " as argument";
  Login login(without, false);
  EXPECT_FALSE(login.take_error(long_reason, "h")) << "HELLO need not be allowed";
  EXPECT_NE(login.take_error(long_reason, "h")->message().find("as argument"), std::string_view::npos);
}

TEST(RedisLogin, TooManyClientsIsNoWrongPassword) {
  const char* answer = "ERR max number of clients reached";
  EXPECT_TRUE(first(with_password(), answer).code() == errc::refused);
  EXPECT_TRUE(first(Options(), answer).code() == errc::refused);
  EXPECT_TRUE(first(with_password(), "ERR max number of clients + cluster connections reached").code() ==
              errc::refused);
  EXPECT_TRUE(first(with_password(), "ERR something that nobody knows").code() == errc::refused);
}

TEST(RedisLogin, AServerThatCannotSaveIsReady) {
  Login login(Options(), false);
  EXPECT_FALSE(login.take_error("ERR unknown command 'HELLO'", "h"));
  EXPECT_FALSE(login.is_done());
  EXPECT_FALSE(login.take_error("MISCONF Redis is configured to save RDB snapshots, but it's unable to", "h"));
  EXPECT_TRUE(login.is_done());
}

TEST(RedisLogin, AnOldServerOrAUserOfFewRightsIsTakenAsItIs) {
  Login login(with_password(), true);
  login.take_status();
  EXPECT_FALSE(login.take_error("ERR unknown command `HELLO`", "h"));
  EXPECT_FALSE(login.take_error("NOPERM this user has no permissions to run the 'role' command", "h"));
  login.take_status();
  EXPECT_TRUE(login.is_done());
  EXPECT_EQ(login.view().zero(), ServerView::Zero::perhaps) << "there may be replicas";
  EXPECT_FALSE(login.view().counts_a_part());
}

/// HELLO's answer as Redis 7 gives it.
std::optional<Error> say_hello(Login& login, const char* mode, const char* role) {
  const char* words[] = {"server", "redis", "version", "7.0.15", "proto", "",       "id",
                         "",       "mode",  mode,      "role",   role,    "modules"};
  for (std::size_t i = 0; i < std::size(words); ++i)
    if (*words[i]) login.take_text(i, words[i]);
  return login.take_end("host:6379");
}
std::optional<Error> say_role(Login& login, std::size_t replicas) {
  login.take_text(0, "master");
  login.take_array(2, replicas);
  return login.take_end("host:6379");
}

TEST(RedisLogin, AReplicaAndASentinelAreRefusedForTheNextHost) {
  for (const char* mode : {"standalone", "cluster"}) {
    Login login(Options(), true);
    const auto replica = say_hello(login, mode, "replica");
    ASSERT_TRUE(replica);
    EXPECT_TRUE(replica->code() == errc::refused);
    EXPECT_NE(replica->message().find("host:6379 is a replica"), std::string_view::npos);
  }
  Login sentinel(Options(), false);
  const auto refused = say_hello(sentinel, "sentinel", "");
  ASSERT_TRUE(refused);
  EXPECT_NE(refused->message().find("Sentinel"), std::string_view::npos);
  Login old(Options(), true);
  EXPECT_FALSE(old.take_error("ERR unknown command", "h"));
  old.take_text(0, "slave");
  EXPECT_TRUE(old.take_end("h")) << "without HELLO it is ROLE that tells";
}

TEST(RedisLogin, WhatZeroReceiversMeanDependsOnTheServer) {
  using Zero = ServerView::Zero;
  Login alone(Options(), true);
  EXPECT_FALSE(say_hello(alone, "standalone", "master"));
  EXPECT_FALSE(say_role(alone, 0));
  EXPECT_EQ(alone.view().zero(), Zero::nobody);
  Login primary(Options(), true);
  EXPECT_FALSE(say_hello(primary, "standalone", "master"));
  EXPECT_FALSE(say_role(primary, 2));
  EXPECT_EQ(primary.view().zero(), Zero::perhaps);
  EXPECT_TRUE(primary.view().counts_a_part());
  Login node(Options(), true);
  EXPECT_FALSE(say_hello(node, "cluster", "master"));
  EXPECT_FALSE(say_role(node, 0));
  EXPECT_EQ(node.view().zero(), Zero::nothing);
}

TEST(RedisLogin, AProxyWhoseServerIsNotThereYetIsAskedAgain) {
  EXPECT_TRUE(no_redis("host:80", "HTTP/1.1 503 Service Unavailable\r\n", false).code() == errc::refused);
  EXPECT_TRUE(no_redis("host:80", "HTTP/1.1 400 Bad Request\r\n", false).code() == errc::invalid_config);
}

TEST(RedisLogin, WhoIsNoRedisServerIsQuotedSafely) {
  const Error http = no_redis("host:80", "HTTP/1.1 400\r\n\x1b[2J", false);
  EXPECT_NE(http.message().find("no Redis server"), std::string_view::npos) << http.message();
  EXPECT_NE(http.message().find("HTTP/1.1 400"), std::string_view::npos);
  EXPECT_EQ(http.message().find('\x1b'), std::string_view::npos);
  EXPECT_NE(no_redis("host:1", "\x15\x03\x03", false).message().find("rediss://"), std::string_view::npos);
}

}  // namespace
}  // namespace waybill::redis
