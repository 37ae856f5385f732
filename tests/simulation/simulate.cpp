// simulate [--seeds N] [--from S] [--tell]: N runs from the seeds S, S+1, ...; ends with 1 at the first in which something did
// not hold, and says how to see it again. --tell prints what happens in each.
#include "world.hpp"

#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

namespace {

/// What is printed if the run of a seed crashes: made before it begins, as a signal handler may only write.
char crash_text[160];
std::size_t crash_size = 0;

extern "C" void on_crash(int) {
  [[maybe_unused]] const auto written = write(STDOUT_FILENO, crash_text, crash_size);
  _exit(1);
}

void expect_crash_of(std::uint64_t seed) {
  const int size = std::snprintf(crash_text, sizeof crash_text,
                                 "seed %llu: it crashed\nagain: scripts/simulate.sh --seeds 1 --from %llu --tell\n",
                                 static_cast<unsigned long long>(seed), static_cast<unsigned long long>(seed));
  crash_size = static_cast<std::size_t>(size);
}

}  // namespace

int main(int count, char** words) {
  std::uint64_t seeds = 1'000;
  std::uint64_t from = 1;
  bool tells = false;
  for (int i = 1; i < count; ++i) {
    const bool has_value = i + 1 < count;
    if (std::strcmp(words[i], "--seeds") == 0 && has_value) {
      seeds = std::strtoull(words[++i], nullptr, 10);
    } else if (std::strcmp(words[i], "--from") == 0 && has_value) {
      from = std::strtoull(words[++i], nullptr, 10);
    } else if (std::strcmp(words[i], "--tell") == 0) {
      tells = true;
    } else {
      std::fprintf(stderr, "usage: simulate [--seeds N] [--from S] [--tell]\n");
      return 2;
    }
  }
#ifndef __SANITIZE_ADDRESS__  // which says more
  for (const int signal : {SIGSEGV, SIGABRT, SIGILL, SIGBUS}) std::signal(signal, on_crash);
#endif
  for (std::uint64_t seed = from; seed < from + seeds; ++seed) {
    expect_crash_of(seed);
    waybill::simulation::World world(seed, tells);
    std::vector<std::string> broken;
    try {
      broken = world.run();
    } catch (const std::exception& thrown) {
      broken.push_back(std::string("it threw: ") + thrown.what());
    } catch (...) {
      broken.push_back("it threw");
    }
    if (tells) {
      for (const std::string& line : world.log_lines()) std::printf("log: %s\n", line.c_str());
    }
    if (broken.empty()) continue;
    for (const std::string& what : broken)
      std::printf("seed %llu: %s\n", static_cast<unsigned long long>(seed), what.c_str());
    std::printf("again: scripts/simulate.sh --seeds 1 --from %llu --tell\n", static_cast<unsigned long long>(seed));
    return 1;
  }
  std::printf("%llu seeds from %llu: all held\n", static_cast<unsigned long long>(seeds),
              static_cast<unsigned long long>(from));
  return 0;
}
