// Services over the transport: the delivery policy.
#include "conformance.hpp"

#include <asio/steady_timer.hpp>

#include <set>

namespace waybill::conformance {
namespace {

using std::chrono_literals::operator""ms;

DeliveryPolicy quick_policy(int attempts, std::string dead_letter = {}) {
  DeliveryPolicy policy;
  policy.attempts = attempts;
  policy.backoff = 1ms;
  policy.most_backoff = 4ms;
  policy.dead_letter = std::move(dead_letter);
  return policy;
}

TEST_P(TransportConformance, AFailingEventIsTriedAgainThenParked) {
  WAYBILL_CONFORMANCE_NEEDS(capabilities().redelivery != Support::impossible);
  WAYBILL_CONFORMANCE_NEEDS(capabilities().dead_letters != Support::impossible);
  const auto service = make_service({.delivery = quick_policy(3, stage->dead_letter())});
  std::vector<int> attempts;
  service->on_event("work", [&](const std::string& text, Context& context) {
    attempts.push_back(context.attempt());
    throw Error("E7", "cannot do " + text);
  });
  start(*service);
  const auto client = make_client(*service);
  emit(*client, "work", std::string("poison"));
  ASSERT_TRUE(wait_for([&] { return service->stats().dead_lettered == 1; }));
  EXPECT_EQ(attempts, (std::vector<int>{1, 2, 3}));
  EXPECT_EQ(service->stats().retried, 2u);
  const auto letters = wait_for_dead_letters(1);
  ASSERT_EQ(letters.size(), 1u);
  EXPECT_EQ(letters[0].attempts, 3);
  EXPECT_NE(letters[0].error.find("cannot do poison"), std::string::npos) << letters[0].error;
  EXPECT_EQ(decode(letters[0].packet), "poison");
}

TEST_P(TransportConformance, APermanentErrorIsNotTriedAgain) {
  WAYBILL_CONFORMANCE_NEEDS(capabilities().redelivery != Support::impossible);
  const auto service = make_service({.delivery = quick_policy(5)});
  int permanent = 0;
  int undecodable = 0;
  service->on_event("permanent", [&] {
    ++permanent;
    throw Error("never").permanent();
  });
  service->on_event("number", [&](int) { ++undecodable; });
  start(*service);
  const auto client = make_client(*service);
  emit(*client, "permanent", 1);
  emit(*client, "number", std::string("no number"));
  ASSERT_TRUE(wait_for([&] { return service->stats().dropped == 2; }));
  test::run_ready(loop);
  EXPECT_EQ(permanent, 1);
  EXPECT_EQ(undecodable, 0);
  EXPECT_EQ(service->stats().retried, 0u);
}

TEST_P(TransportConformance, APoisonedMessageDoesNotBlockItsNeighbours) {
  WAYBILL_CONFORMANCE_NEEDS(capabilities().redelivery != Support::impossible);
  DeliveryPolicy patient = quick_policy(5);
  patient.backoff = patient.most_backoff = std::chrono::hours(1);
  const auto service = make_service({.delivery = patient});
  std::size_t done = 0;
  service->on_event("work", [&](int number) {
    if (number == 0) throw Error("not now");
    ++done;
  });
  start(*service);
  const auto client = make_client(*service);
  constexpr std::size_t k_events = 20;
  for (std::size_t i = 0; i <= k_events; ++i) emit(*client, "work", static_cast<int>(i));
  ASSERT_TRUE(wait_for([&] { return done == k_events; }));
  EXPECT_EQ(service->stats().retried, 1u);
  EXPECT_EQ(service->stats().dropped, 0u);
}

TEST_P(TransportConformance, ADependencyThatIsAwayForASecondCostsNoEvent) {
  WAYBILL_CONFORMANCE_NEEDS(capabilities().redelivery != Support::impossible);
  const auto service = make_service();  // default settings
  constexpr std::size_t k_events = 3'000;
  std::set<std::size_t> done;
  bool is_away = true;
  asio::steady_timer dependency(loop);
  service->on_event("work", [&](std::size_t number) {
    if (dependency.expiry() == asio::steady_timer::time_point()) {
      dependency.expires_after(std::chrono::seconds(1));
      dependency.async_wait([&is_away](std::error_code) { is_away = false; });
    }
    if (is_away) throw Error("the dependency is away");
    done.insert(number);
  });
  start(*service);
  const auto client = make_client(*service);
  std::size_t accepted = 0;
  for (std::size_t i = 0; i < k_events; ++i) {
    client->emit("work", i, [&accepted](const Result<Accepted>& outcome) { accepted += outcome ? 1 : 0; });
  }
  EXPECT_TRUE(wait_for([&] { return done.size() == k_events; })) << done.size() << " of " << accepted << " handled";
  EXPECT_TRUE(wait_for([&] { return accepted == k_events; })) << accepted << " accepted";
  EXPECT_EQ(service->stats().dropped, 0u);
  EXPECT_FALSE(is_away);
}

TEST_P(TransportConformance, AWaitingRetryIsGivenBackByDrain) {
  WAYBILL_CONFORMANCE_NEEDS(capabilities().redelivery != Support::impossible);
  WAYBILL_CONFORMANCE_NEEDS(capabilities().groups != Support::impossible);
  DeliveryPolicy patient = quick_policy(5);
  patient.backoff = patient.most_backoff = std::chrono::hours(1);
  const auto leaving = make_service({.group = "g", .delivery = patient});
  leaving->on_event("work", [] { throw Error("not now"); });
  start(*leaving);
  const auto client = make_client(*leaving);
  emit(*client, "work", 1);
  ASSERT_TRUE(wait_for([&] { return leaving->stats().retried == 1; }));
  const auto heir = make_service({.group = "g"});
  int attempt = 0;
  heir->on_event("work", [&](Context& context) { attempt = context.attempt(); });
  start(*heir);
  auto drained = make_outcome<DrainReport>();
  leaving->drain(std::chrono::seconds(5), keep(drained));
  ASSERT_TRUE(wait_for(drained));
  EXPECT_GE((*drained)->value().given_back, 1u);  // more where the heir made the group share out anew
  ASSERT_TRUE(wait_for([&] { return attempt > 0; }));
}

TEST_P(TransportConformance, DeadLettersAreRefusedWhereTheyAreImpossible) {
  if (capabilities().dead_letters != Support::impossible) WAYBILL_NOT_APPLICABLE("the transport has dead letters");
  const auto service = make_service({.delivery = quick_policy(5, "dead")});
  service->on_event("work", [] {});
  const auto started = try_start(*service);
  ASSERT_FALSE(started);
  EXPECT_TRUE(started.error().code() == errc::unsupported);
  EXPECT_NE(started.error().message().find("dead_letter"), std::string_view::npos) << started.error().message();
}

}  // namespace
}  // namespace waybill::conformance
