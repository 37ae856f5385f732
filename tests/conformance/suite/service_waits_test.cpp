// Services and clients over the transport: what waits, for how long, and how it is called off.
#include "conformance.hpp"
#include "reading.hpp"

#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/detached.hpp>

namespace waybill::conformance {
namespace {

using namespace std::chrono_literals;

TEST_P(TransportConformance, AFlushBeforeThereIsALinkWaitsForAllThatWasSent) {
  const auto service = make_service();
  int events = 0;
  service->on_event("noted", [&events](int) { ++events; });
  start(*service);
  const auto client = make_client(*service);
  for (int i = 0; i < 20; ++i) client->emit("noted", i, asio::detached);
  const auto flushed = make_outcome<void>();
  client->flush(keep(flushed));
  ASSERT_TRUE(wait_for(flushed));
  EXPECT_TRUE((*flushed)->has_value()) << (*flushed)->error().what();
  client->close();  // nothing of it is lost by that any more
  EXPECT_TRUE(wait_for([&] { return events == 20; })) << events;
}

TEST_P(TransportConformance, ACallWithoutADeadlineIsAnswered) {
  const auto service = make_service();
  service->on_request("deadline", [](Context& context) { return context.deadline().has_value(); });
  start(*service);
  const auto client = make_client(*service);
  CallOptions for_ever;
  for_ever.timeout = std::chrono::milliseconds::max();
  const auto call = request<bool>(*client, "deadline", 0, for_ever);
  ASSERT_TRUE(wait_for(call));
  EXPECT_TRUE((*call)->has_value()) << (*call)->error().what();
  Reading<bool> reading(client->stream<bool>("deadline", 0, for_ever));
  ASSERT_TRUE(wait_for([&] { return reading.is_ended; }));
  EXPECT_FALSE(reading.error) << reading.error->what();
  EXPECT_EQ(reading.values.size(), 1u);
  const auto event = emit(*client, "deadline", 0, for_ever);
  ASSERT_TRUE(wait_for(event));
}

/// Begins an operation, lets it run for a while, and calls it off: it ends, once.
template <class T, class Begin>
Outcome<T> call_off(asio::io_context& loop, int turns, Begin begin) {
  auto outcome = make_outcome<T>();
  asio::cancellation_signal signal;
  begin(asio::bind_cancellation_slot(signal.slot(), keep(outcome)));
  for (int i = 0; i < turns; ++i) loop.poll_one();
  signal.emit(asio::cancellation_type::terminal);
  EXPECT_TRUE(test::eventually(loop, [&outcome] { return outcome->has_value(); }));
  return outcome;
}

/// What cannot have ended by itself was cancelled.
template <class T>
void expect_cancelled(const Outcome<T>& outcome, const char* what) {
  ASSERT_TRUE(outcome->has_value()) << what;
  ASSERT_FALSE((*outcome)->has_value()) << what;
  EXPECT_TRUE((*outcome)->error().code() == errc::cancelled) << what << ": " << (*outcome)->error().what();
}

/// What may have ended by itself before.
template <class T>
void expect_done_or_cancelled(const Outcome<T>& outcome, const char* what) {
  if (outcome->has_value() && !(*outcome)->has_value()) expect_cancelled(outcome, what);
}

TEST_P(TransportConformance, EachOperationOfAClientCanBeCalledOff) {
  Gate gate(loop);
  const auto service = make_service();
  service->on_request("never", [&]() -> asio::awaitable<int> {
    co_await gate.pass();
    co_return 7;
  });
  service->on_event("noted", [](int) {});
  start(*service);
  const auto client = make_client(*service);
  for (const int turns : {0, 1, 5, 50}) {
    const auto fresh = make_client(*service);  // without a link so far
    expect_cancelled(
        call_off<int>(loop, turns, [&](auto handler) { fresh->request<int>("never", 1, std::move(handler)); }),
        "request");
    expect_done_or_cancelled(
        call_off<Accepted>(loop, turns, [&](auto handler) { fresh->emit("noted", 1, std::move(handler)); }), "emit");
    expect_done_or_cancelled(call_off<void>(loop, turns, [&](auto handler) { fresh->flush(std::move(handler)); }),
                             "flush");
    const auto other = make_client(*service);
    expect_done_or_cancelled(call_off<void>(loop, turns, [&](auto handler) { other->connect(std::move(handler)); }),
                             "connect");
    auto stream = client->stream<int>("never", 1);
    expect_cancelled(call_off<std::optional<int>>(loop, turns, [&](auto handler) { stream.next(std::move(handler)); }),
                     "next");
  }
  const auto kept = request<int>(*client, "never", 1);
  gate.open();
  ASSERT_TRUE(wait_for(kept));
  EXPECT_EQ((*kept)->value(), 7) << "what was called off took others along";
}

TEST_P(TransportConformance, AStartAndADrainCanBeCalledOff) {
  for (const int turns : {0, 1, 5}) {
    const auto service = make_service();
    service->on_request("double", [](int x) { return 2 * x; });
    expect_done_or_cancelled(call_off<void>(loop, turns, [&](auto handler) { service->start(std::move(handler)); }),
                             "start");
  }
  const auto service = make_service();
  Gate gate(loop);
  bool is_handling = false;
  service->on_request("busy", [&]() -> asio::awaitable<int> {
    is_handling = true;
    co_await gate.pass();
    co_return 7;
  });
  start(*service);
  const auto client = make_client(*service);
  const auto call = request<int>(*client, "busy", 0);
  ASSERT_TRUE(wait_for([&] { return is_handling; }));
  expect_cancelled(call_off<DrainReport>(loop, 5, [&](auto handler) { service->drain(20s, std::move(handler)); }),
                   "drain");
  gate.open();
  ASSERT_TRUE(wait_for(call));
  EXPECT_EQ((*call)->value(), 7) << "the drain went on, and so did what was in hand";
}

}  // namespace
}  // namespace waybill::conformance
