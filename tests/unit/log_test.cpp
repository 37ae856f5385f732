// Log lines: what reaches the sink.
#include "support/log_capture.hpp"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace waybill::test
