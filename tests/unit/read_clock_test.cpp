// What observers are told of times: one for all that one read of a socket brought.
#include "read_clock.hpp"

#include <asio/io_context.hpp>
#include <gtest/gtest.h>

#include <optional>

namespace waybill::detail {
namespace {

using namespace std::chrono_literals;

struct ReadClockTest : testing::Test {
  ReadClockTest() {
    time.drive(loop);
    clock = Clock::of(loop.get_executor());
  }
  asio::io_context loop{1};
  VirtualTime time;
  Clock clock;
  ReadClock read_clock{clock};
};

TEST_F(ReadClockTest, GivesOneTimeToAllThatOneReadBrought) {
  const ReadScope read;
  const auto first = read_clock.of_read();
  time.advance(5ms);
  EXPECT_EQ(read_clock.of_read(), first);
  EXPECT_EQ(read_clock.now(), first + 5ms);
  time.advance(5ms);
  EXPECT_EQ(read_clock.of_read(), first + 5ms) << "the last that is known";
}

TEST_F(ReadClockTest, GivesEachReadItsOwn) {
  std::optional<ReadScope> read(std::in_place);
  const auto first = read_clock.of_read();
  time.advance(5ms);
  read.reset();
  read.emplace();
  EXPECT_EQ(read_clock.of_read(), first + 5ms);
  const ReadScope within;  // a handler that runs the loop
  time.advance(5ms);
  EXPECT_EQ(read_clock.of_read(), first + 10ms);
}

TEST_F(ReadClockTest, ReadsTheClockWhereThereIsNoRead) {
  const auto first = read_clock.of_read();
  time.advance(5ms);
  EXPECT_EQ(read_clock.of_read(), first + 5ms);
}

}  // namespace
}  // namespace waybill::detail
