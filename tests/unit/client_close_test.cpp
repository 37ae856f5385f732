// Clients that are closed, and what their calls see of it.
#include "waybill/testing.hpp"

#include <asio/post.hpp>
#include <gtest/gtest.h>

namespace waybill {
namespace {

using namespace std::chrono_literals;

TEST(ClientClose, TheCallsThatItEndsMayDestroyTheClient) {
  TestBed bed;
  auto client = std::make_unique<Client>(bed.client());
  bed.broker().stop();
  int ended = 0;
  for (int i = 0; i < 3; ++i) {
    client->request<int>("anything", i, [&](const Result<int>& result) {
      ++ended;
      EXPECT_EQ(result.error().end(), End::rejected);
      client.reset();
    });
  }
  bed.settle();
  asio::post(bed.loop(), [&] { client->close(); });
  bed.settle();
  EXPECT_EQ(ended, 3);
  EXPECT_FALSE(client);
}

TEST(ReplyStreamBesideATimer, TheErrorThatEndedItIsToldAgain) {
  TestBed bed;
  Service service(bed.executor(), bed.config(), bed.registry());
  service.on_request("late", [](Context& context) -> Stream<int> {
    Timer timer(context.executor());
    co_await timer.async_wait();
    co_yield 1;
  });
  service.on_request("broken", []() -> Stream<int> {
    co_yield 1;
    throw Error("E1", "broken");
  });
  bed.run(service.start());
  Client client = bed.client("timeout=50ms");
  const auto read_to_the_end = [&](const char* pattern) -> asio::awaitable<std::string> {
    auto stream = client.stream<int>(pattern, 0);
    std::string told;
    for (int i = 0; i < 4; ++i) {
      try {
        const auto value = co_await stream.next();
        told += value ? "value " : "end ";
      } catch (const Error& error) {
        told += error.code() == errc::timeout ? "timeout " : std::string(error.name()) + " ";
      }
    }
    co_return told;
  };
  EXPECT_EQ(bed.run(read_to_the_end("late")), "timeout timeout timeout timeout ");
  EXPECT_EQ(bed.run(read_to_the_end("broken")), "value E1 E1 E1 ");
  service.close();
}

}  // namespace
}  // namespace waybill
