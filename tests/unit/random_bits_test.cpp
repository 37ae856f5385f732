// The bits of correlation ids: the published function, no value twice, and nothing in common between threads.
#include "random_bits.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <set>
#include <thread>

namespace waybill::detail {
namespace {

TEST(RandomBits, AreMadeByThePublishedFunction) {
  // The designers' test vector: a key of the bytes 0 to 15, a message of the bytes 0 to 7.
  EXPECT_EQ(siphash({0x0706050403020100, 0x0f0e0d0c0b0a0908}, 0x0706050403020100), 0x93f5f5799a932462u);
}

TEST(RandomBits, DoNotRepeat) {
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 100'000; ++i) EXPECT_TRUE(seen.insert(random_bits()).second);
}

TEST(RandomBits, DifferFromAProcessToItsChild) {
  random_bits();  // there is a key
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const std::uint64_t bits = random_bits();
    ::_exit(::write(ends[1], &bits, sizeof(bits)) == sizeof(bits) ? 0 : 1);
  }
  const std::uint64_t mine = random_bits();
  std::uint64_t of_child = mine;
  EXPECT_EQ(::read(ends[0], &of_child, sizeof(of_child)), static_cast<ssize_t>(sizeof(of_child)));
  int status = 1;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_NE(mine, of_child) << "a parent and its child give out the same correlation ids";
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST(RandomBits, DifferFromThreadToThread) {
  std::set<std::uint64_t> mine, others;
  for (int i = 0; i < 1'000; ++i) mine.insert(random_bits());
  std::thread([&] {
    for (int i = 0; i < 1'000; ++i) others.insert(random_bits());
  }).join();
  for (const std::uint64_t bits : others) EXPECT_FALSE(mine.contains(bits));
}

}  // namespace
}  // namespace waybill::detail
