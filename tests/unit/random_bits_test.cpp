// The bits of correlation ids: the published function, no value twice, and nothing in common between threads.
#include "random_bits.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <set>
#include <thread>
#include <vector>

namespace waybill::detail {
namespace {

TEST(RandomBits, AreMadeByThePublishedFunction) {
  // The first block of the test vector whose key and nonce are zeros (ChaCha8, 256 bits).
  ChaChaBlock block;
  chacha8({}, 0, block);
  const ChaChaBlock published{0xd6405f892fef003e, 0xa1a5091fe8b85b7f, 0x3b7f9acec30e842c, 0x1e1a71ef88e11b18,
                              0x416f21b972e14c98, 0x19566d456753449f, 0x01b086daa3424a31, 0x42fe0c0eb8fd7b38};
  EXPECT_EQ(block, published);
}

TEST(RandomBits, OfASeedAreTheSameAgain) {
  std::vector<std::uint64_t> first, second;
  for (auto* bits : {&first, &second}) {
    std::thread([bits] {
      seed_random_bits(7);
      for (int i = 0; i < 20; ++i) bits->push_back(random_bits());
    }).join();
  }
  EXPECT_EQ(first, second);
  EXPECT_EQ(first[0], siphash({7, ~std::uint64_t{7}}, UINT32_MAX));
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
