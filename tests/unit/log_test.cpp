// Log lines: what reaches the sink.
#include "support/log_capture.hpp"
#include "waybill/testing.hpp"
#include "waybill/waybill.hpp"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <vector>

namespace waybill::test {
namespace {

TEST(Log, KeepsLinesBelowItsLevelFromTheSink) {
  LogCapture capture;
  const Log log = capture.log(LogLevel::warning);
  log.info("no");
  log.warning("yes");
  log.error("that too");
  EXPECT_EQ(capture.lines().size(), 2u);
}

TEST(Log, APeerCannotForgeALine) {
  LogCapture capture;
  capture.log().warning("gave up the event a\nwaybill error forged\x1B[31m\r\x7F\xC3\xA4 after attempt 1");
  ASSERT_EQ(capture.lines().size(), 1u);
  EXPECT_EQ(capture.lines().front().text, "gave up the event a?waybill error forged?[31m??\xC3\xA4 after attempt 1");
}

/// What a JSON reader makes of it is compared in documents of tests/unit/json_text_test.cpp; here it is the text.
TEST(Log, ALineOfJsonForEachRecordWithWhatItIsAbout) {
  std::vector<std::string> lines;
  const Log log([&lines](const LogRecord& record) { lines.push_back(json_line_of(record)); }, LogLevel::info);
  log.debug("no");
  log.info("listening");
  log.about("order.created", "id-1", "4bf92f3577b34da6a3ce929d0e0e4736").warning("gave \"up\"\n");
  log.about("a\xff\"b", "", "").error("\xc3");
  ASSERT_EQ(lines.size(), 3u);
  // {"time":"2026-01-31T12:00:00.000Z",
  for (std::string& line : lines) {
    ASSERT_EQ(line.find("{\"time\":\"20"), 0u) << line;
    EXPECT_EQ(line.substr(32, 3), "Z\",") << line;
    line.erase(0, 35);
  }
  EXPECT_EQ(lines[0], R"("level":"info","message":"listening"})");
  EXPECT_EQ(lines[1], R"("level":"warning","message":"gave \"up\"?","pattern":"order.created","id":"id-1",)"
                      R"("trace":"4bf92f3577b34da6a3ce929d0e0e4736"})");
  EXPECT_EQ(lines[2], "\"level\":\"error\",\"message\":\"\xEF\xBF\xBD\",\"pattern\":\"a\xEF\xBF\xBD\\\"b\"}");
}

TEST(Log, LinesOfHandlersSayWhichMessageTheyAreAbout) {
  TestBed bed;
  std::vector<std::string> lines;
  Service service(bed.executor(), bed.config("attempts=1"), bed.registry());
  service.log_to([&lines](const LogRecord& record) {
    lines.push_back(std::string(record.pattern) + ' ' + (record.id.empty() ? "-" : std::string(record.id)) + ' ' +
                    (record.trace.empty() ? "-" : std::string(record.trace)) + ' ' + std::string(record.line));
  });
  service.on_request("hello", [](Context& context) {
    context.log().info("greets");
    return 1;
  });
  service.on_event("breaks", [](int) { throw std::runtime_error("broken"); });
  bed.run(service.start());
  Client client = bed.client();
  CallOptions options;
  options.headers.set("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
  options.headers.set("x-request-id", "curl-1");
  lines.clear();
  bed.run(client.request<int>("hello", 1, options));
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0], "hello curl-1 4bf92f3577b34da6a3ce929d0e0e4736 greets");
  lines.clear();
  bed.run(client.request<int>("hello", 1));
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0].find("hello "), 0u);
  EXPECT_NE(lines[0].find(" - greets"), std::string::npos) << "with the id on the wire, and no trace: " << lines[0];
  EXPECT_GT(lines[0].size(), 30u);
  lines.clear();
  bed.run(client.emit("breaks", 1, options));
  bed.settle();
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0], "breaks curl-1 4bf92f3577b34da6a3ce929d0e0e4736 the handler of breaks failed: broken");
  EXPECT_EQ(lines[1].find("breaks "), 0u) << lines[1];
}

TEST(Log, TheConfigurationChoosesItsForm) {
  EXPECT_FALSE(make_log(Config::parse("log: info")).wants_records());
  EXPECT_TRUE(make_log(Config::parse("log: { format: json }")).wants_records());
  const Log log = make_log(Config::parse("log: { format: json, level: error }"));
  EXPECT_TRUE(log.wants_records());
  EXPECT_FALSE(log.wants(LogLevel::warning));
  EXPECT_TRUE(make_log(Config::parse("log_format: json")).wants_records());
  const auto mistake_of = [](std::string_view yaml) {
    try {
      Config::parse(yaml);
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_NE(mistake_of("log: { format: xml }").find("log_format: expected text or json, found \"xml\""),
            std::string::npos);
  EXPECT_NE(mistake_of("log: { levl: info }").find("unknown key \"levl\"; known: level, format"), std::string::npos);
}

TEST(Log, LevelsMayBeChangedBeforeTheyAreLookedAt) {
  const auto lower = [](LogLevel level) { return level == LogLevel::warning ? LogLevel::debug : level; };
  std::vector<std::string> lines;
  const Log plain([&lines](LogLevel, std::string_view line) { lines.emplace_back(line); });
  const Log records(LogRecordSink([&lines](const LogRecord& record) {
    lines.push_back(std::string(record.line) + " of " + std::string(record.pattern));
  }));
  for (const Log& log : {plain.with_levels(lower), records.with_levels(lower).about("p", "", "")}) {
    log.warning("lowered");
    log.error("kept");
  }
  EXPECT_EQ(lines, (std::vector<std::string>{"kept", "kept of p"}));
  Log().with_levels(lower).error("to nobody");
}

}  // namespace
}  // namespace waybill::test
