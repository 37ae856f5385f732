// The bits of correlation ids: the published function, no value twice, and nothing in common between threads.
#include "random_bits.hpp"

#include <gtest/gtest.h>

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
