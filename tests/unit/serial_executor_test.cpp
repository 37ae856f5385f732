#include "waybill/detail/serial_executor.hpp"

#include <asio/post.hpp>
#include <asio/thread_pool.hpp>
#include <gtest/gtest.h>

#include <atomic>

namespace waybill::detail {
namespace {

/// Whether it runs handlers one at a time, tried with several threads and many handlers.
bool is_serial(const asio::any_io_executor& executor, asio::thread_pool& threads) {
  int inside = 0;  // not atomic: the thread sanitizer looks as well
  bool is_alone = true;
  for (int i = 0; i < 2000; ++i) {
    asio::post(executor, [&] {
      if (++inside != 1) is_alone = false;
      --inside;
    });
  }
  threads.join();
  return is_alone;
}

TEST(SerialExecutor, KnowsWhatItIsMadeFrom) {
  asio::io_context loop;
  asio::thread_pool pool(1);
  const asio::any_io_executor plain = loop.get_executor();
  const asio::any_io_executor strand = asio::make_strand(loop);
  const asio::any_io_executor strand_of_any = asio::make_strand(plain);
  const asio::any_io_executor threads = pool.get_executor();
  using Loop = asio::io_context::executor_type;
  EXPECT_NE(executor_as<Loop>(plain), nullptr);
  EXPECT_EQ(executor_as<Loop>(strand), nullptr);
  EXPECT_EQ(executor_as<Loop>(strand_of_any), nullptr);
  EXPECT_EQ(executor_as<Loop>(threads), nullptr);
  EXPECT_EQ(executor_as<Loop>(asio::any_io_executor()), nullptr);
  EXPECT_NE(executor_as<asio::strand<Loop>>(strand), nullptr);
  // A loop and strands are taken as they are.
  EXPECT_TRUE(SerialExecutor(plain).get() == plain);
  EXPECT_TRUE(SerialExecutor(strand).get() == strand);
  EXPECT_TRUE(SerialExecutor(strand_of_any).get() == strand_of_any);
  EXPECT_FALSE(SerialExecutor(threads).get() == threads);
}

TEST(SerialExecutor, AThreadPoolIsPutBehindAStrand) {
  asio::thread_pool pool(4);
  const SerialExecutor executor(pool.get_executor());
  EXPECT_TRUE(is_serial(executor.get(), pool));
}

TEST(SerialExecutor, AStrandOfAThreadPoolIsSerial) {
  asio::thread_pool pool(4);
  const SerialExecutor executor(asio::any_io_executor(asio::make_strand(pool)));
  EXPECT_TRUE(is_serial(executor.get(), pool));
}

TEST(SerialExecutor, RunsHereOnlyWithinItself) {
  asio::thread_pool pool(2);
  asio::io_context loop;
  const asio::any_io_executor each[] = {pool.get_executor(), asio::make_strand(pool), loop.get_executor(),
                                        asio::make_strand(loop),
                                        asio::make_strand(asio::any_io_executor(loop.get_executor()))};
  std::atomic<int> right{0};
  std::vector<SerialExecutor> serial(std::begin(each), std::end(each));
  for (const SerialExecutor& one : serial) {
    EXPECT_FALSE(one.runs_here());
    asio::post(one.get(), [&serial, &one, &right] {
      for (const SerialExecutor& other : serial) {
        // The loop itself runs where its strands run.
        const bool is_loop_of_strand = &other == &serial[2] && &one > &serial[2];
        if (other.runs_here() == (&other == &one || is_loop_of_strand)) ++right;
      }
    });
  }
  loop.run();
  pool.join();
  EXPECT_EQ(right, 25);
}

}  // namespace
}  // namespace waybill::detail
