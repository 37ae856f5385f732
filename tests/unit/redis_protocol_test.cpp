// RESP without a socket: every split of a server's bytes, hostile ones, commands, and what answers to a login mean.
#include "command.hpp"
#include "login.hpp"
#include "resp_reader.hpp"

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
  void on_count(std::string_view channel, std::int64_t count) noexcept override {
    lines.push_back("count " + std::string(channel) + "=" + std::to_string(count));
  }
  void on_counts_end() noexcept override { lines.push_back("counts end"); }

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
      ":0\r\n:12\r\n-NOPERM no\r\n+PONG\r\n*4\r\n$7\r\na.reply\r\n:0\r\n$7\r\nb.reply\r\n:3\r\n:7\r\n*0\r\n:8\r\n";
  const std::vector<std::string> lines{"integer 0",       "integer 12",      "error NOPERM no", "status PONG",
                                       "count a.reply=0", "count b.reply=3", "counts end",      "integer 7",
                                       "counts end",      "integer 8"};
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

TEST(RedisReader, UnknownAndNestedArraysAreIgnored) {
  const Read result = read(Role::subscriber,
                           "*3\r\n$4\r\nelse\r\n$1\r\na\r\n:3\r\n*2\r\n*2\r\n$7\r\nmessage\r\n:1\r\n$1\r\nb\r\n"
                           "*1\r\n$7\r\nmessage\r\n*-1\r\n$-1\r\n*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\nx\r\n");
  ASSERT_TRUE(result.is_whole) << result.problem;
  EXPECT_EQ(result.lines, std::vector<std::string>{"message |c|x"});
}

TEST(RedisCommand, WordsAreBulks) {
  Buffer out;
  append_command(out, {"SUBSCRIBE", "a b\r\n"});
  EXPECT_EQ(out.view(), "*2\r\n$9\r\nSUBSCRIBE\r\n$5\r\na b\r\n\r\n");
  EXPECT_EQ(publish_head("news"), "*3\r\n$7\r\nPUBLISH\r\n$4\r\nnews\r\n");
}

TEST(RedisLogin, SaysAuthOnlyWithAPassword) {
  Options options;
  Buffer out;
  Login::append_commands(options, out);
  EXPECT_EQ(out.view(), "*1\r\n$4\r\nPING\r\n");
  options.password = "secret";
  out.clear();
  Login::append_commands(options, out);
  EXPECT_EQ(out.view(), "*2\r\n$4\r\nAUTH\r\n$6\r\nsecret\r\n*1\r\n$4\r\nPING\r\n");
  options.user = "bob";
  out.clear();
  Login::append_commands(options, out);
  EXPECT_EQ(out.view(), "*3\r\n$4\r\nAUTH\r\n$3\r\nbob\r\n$6\r\nsecret\r\n*1\r\n$4\r\nPING\r\n");
}

TEST(RedisLogin, ItsRefusalsSayWhatToChange) {
  Options options;
  options.password = "secret";
  const Login with(options);
  const Login without{Options()};
  const auto refusal = [](const Login& login, const char* answer) { return login.refusal(answer, "host:6379"); };
  EXPECT_TRUE(refusal(with, "WRONGPASS invalid username-password pair").code() == errc::unauthorized);
  EXPECT_TRUE(refusal(with, "ERR AUTH <password> called without any password configured").code() == errc::unauthorized);
  EXPECT_TRUE(refusal(without, "NOAUTH Authentication required.").code() == errc::unauthorized);
  EXPECT_TRUE(refusal(without, "DENIED Redis is running in protected mode").code() == errc::unauthorized);
  EXPECT_TRUE(refusal(without, "LOADING Redis is loading the dataset in memory").code() == errc::refused);
  EXPECT_TRUE(refusal(without, "ERR max number of clients reached").code() == errc::refused);
  for (const char* answer : {"WRONGPASS x", "NOAUTH x", "LOADING x"}) {
    const Error error = refusal(with, answer);
    EXPECT_NE(error.message().find("host:6379"), std::string_view::npos);
    EXPECT_EQ(error.message().find("secret"), std::string_view::npos);
    EXPECT_EQ(error.end(), End::rejected);
  }
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
