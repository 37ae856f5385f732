// What ends slowly ends beside the loop.
#include "protocol/undertaker.hpp"

#include <asio/io_context.hpp>
#include <gtest/gtest.h>

#include <future>
#include <thread>
#include <utility>

namespace waybill::kafka {
namespace {

TEST(KafkaUndertaker, TakesWhatBlocksWithoutBlocking) {
  std::promise<void> broker_is_back;
  std::promise<std::thread::id> ended;
  auto back = broker_is_back.get_future();
  {
    asio::io_context loop(1);
    std::shared_ptr<int> slow(new int(0), [&back, &ended](const int* instance) {
      back.wait();
      delete instance;
      ended.set_value(std::this_thread::get_id());
    });
    Undertaker& undertaker = Undertaker::of(loop.get_executor());
    undertaker.take(std::move(slow));
    EXPECT_EQ(&Undertaker::of(loop.get_executor()), &undertaker) << "one for a loop";
    broker_is_back.set_value();
  }
  EXPECT_NE(ended.get_future().get(), std::this_thread::get_id());
}

}  // namespace
}  // namespace waybill::kafka
