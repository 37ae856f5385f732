// Who reads the log may stand still or be gone: whoever writes goes on.
#include "stderr_line.hpp"

#include "waybill/log.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <string>

namespace waybill {
namespace {

/// Standard error is a pipe while it exists.
class PipeAsStderr {
 public:
  PipeAsStderr() : before_(::dup(STDERR_FILENO)) {
    std::array<int, 2> ends{};
    EXPECT_EQ(::pipe(ends.data()), 0);
    reader_ = ends[0];
    ::dup2(ends[1], STDERR_FILENO);
    ::close(ends[1]);
    ::fcntl(reader_, F_SETFL, O_NONBLOCK);
  }
  ~PipeAsStderr() {
    ::dup2(before_, STDERR_FILENO);
    ::close(before_);
    leave();
  }
  PipeAsStderr(const PipeAsStderr&) = delete;
  PipeAsStderr& operator=(const PipeAsStderr&) = delete;

  /// Nobody reads any more.
  void leave() {
    if (reader_ >= 0) ::close(reader_);
    reader_ = -1;
  }
  std::string read_all() {
    std::string text;
    std::array<char, 4096> some;
    for (ssize_t got; (got = ::read(reader_, some.data(), some.size())) > 0;)
      text.append(some.data(), static_cast<std::size_t>(got));
    return text;
  }

 private:
  int before_;
  int reader_ = -1;
};

TEST(StderrLine, AReaderThatStandsStillHoldsNobodyUpAndIsToldWhatItMissed) {
  const Log log(stderr_log(), LogLevel::info);
  PipeAsStderr error;
  const std::string line(1'000, 'x');
  for (int i = 0; i < 500; ++i) log.info(line);  // more than a pipe holds
  const std::string first = error.read_all();
  log.info("after");
  const std::string then = error.read_all();
  EXPECT_EQ(first.substr(0, 14), "waybill info x");
  EXPECT_EQ(first.back(), '\n') << "whole lines";
  const std::size_t read = first.size() / (line.size() + 14);
  EXPECT_EQ(then, "waybill warning " + std::to_string(500 - read) +
                      " lines were lost here: nobody read them\nwaybill info after\n");
}

TEST(StderrLine, AReaderThatIsGoneEndsNoProgram) {
  const Log log(stderr_log(), LogLevel::info);
  {
    PipeAsStderr error;
    error.leave();
    for (int i = 0; i < 3; ++i) log.info("nobody reads this");
  }
  PipeAsStderr error;
  log.info("after");
  EXPECT_EQ(error.read_all(), "waybill warning 3 lines were lost here: nobody read them\nwaybill info after\n");
}

TEST(StderrLine, LongLinesComeAsAWhole) {
  const Log log(stderr_log(), LogLevel::info);
  PipeAsStderr error;
  log.info(std::string(20'000, 'y'));
  EXPECT_EQ(error.read_all(), "waybill info " + std::string(20'000, 'y') + '\n');
}

}  // namespace
}  // namespace waybill
