// Drains whose broker does not answer: each ends at its limit, also when a start or another drain waits beside it.
#include "waybill/testing.hpp"

#include <gtest/gtest.h>

namespace waybill {
namespace {

using namespace std::chrono_literals;

class DrainDeadline : public testing::Test {
 protected:
  /// The moment at which a drain with that limit ended; max() if it did not.
  std::shared_ptr<VirtualTime::Duration> drain(std::chrono::milliseconds limit) {
    auto ended = std::make_shared<VirtualTime::Duration>(VirtualTime::Duration::max());
    service.drain(limit, [this, ended](const Result<DrainReport>&) { *ended = bed.time().now(); });
    return ended;
  }
  TestBed bed;
  Service service{bed.executor(), bed.config(), bed.registry()};
};

TEST_F(DrainDeadline, AStartThatIsUnderWayDoesNotMoveIt) {
  bed.broker().freeze();
  service.start([](const Result<void>&) {});
  bed.settle();
  const auto ended = drain(500ms);
  bed.advance(1s);
  EXPECT_EQ(*ended, 500ms);
}

TEST_F(DrainDeadline, AStartThatPausesDoesNotMoveIt) {
  bed.broker().stop();
  service.start([](const Result<void>&) {});
  bed.settle();
  bed.broker().freeze();
  const auto ended = drain(500ms);
  bed.advance(1s);
  EXPECT_EQ(*ended, 500ms);
}

TEST_F(DrainDeadline, AHandlerThatEndsDuringTheFlushDoesNotMoveIt) {
  service.on_event("held", [](Context& context) -> asio::awaitable<void> {
    Timer timer(context.executor(), 550ms);
    co_await timer.async_wait();
  });
  bed.run(service.start());
  Client client = bed.client();
  bed.run(client.emit("held", 1));
  bed.settle();
  bed.broker().freeze();
  const auto ended = drain(500ms);
  bed.advance(2s);
  EXPECT_EQ(*ended, 600ms);
}

TEST_F(DrainDeadline, TheEarliestOfSeveralDrainsCloses) {
  bed.run(service.start());
  bed.broker().freeze();
  const auto patient = drain(10s);
  bed.advance(100ms);
  const auto hasty = drain(500ms);
  bed.advance(100ms);
  const auto third = drain(20s);
  bed.advance(1s);
  EXPECT_EQ(*hasty, 600ms);
  EXPECT_EQ(*patient, 600ms);
  EXPECT_EQ(*third, 600ms);
}

}  // namespace
}  // namespace waybill
