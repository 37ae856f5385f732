// Contract, roles used directly: closing, draining, losing links and finding them again.
#include "conformance.hpp"

namespace waybill::conformance {
namespace {

TEST_P(TransportConformance, ClosingTwiceIsClosingOnce) {
  const auto listener = listen({request_route("sum")});
  const auto connection = connect(*listener);
  connection->connection->close();
  connection->connection->close();
  listener->listener->close();
  listener->listener->close();
  test::run_ready(loop);
  EXPECT_TRUE(connection->sink.lost.empty());
  EXPECT_TRUE(listener->sink.lost.empty());
}

TEST_P(TransportConformance, RolesThatWereNeverOpenedCanBeClosed) {
  const auto transport = make_transport(stage->listener_url());
  Environment environment;
  environment.executor = loop.get_executor();
  environment.serializer = serializer;
  const auto listener = transport->make_listener(environment);
  const auto connection = make_transport(stage->client_url(stage->listener_url()))->make_connection(environment);
  listener->close();
  connection->close();
  test::run_ready(loop);
}

TEST_P(TransportConformance, ADeliveryMayOutliveItsListener) {
  auto listener = listen({request_route("sum")});
  const auto connection = connect(*listener);
  send_request(*connection, "sum", "id-1", "x");
  ASSERT_TRUE(wait_for([&] { return !listener->sink.deliveries.empty(); }));
  auto delivery = listener->take();
  listener.reset();
  test::run_ready(loop);
  EXPECT_FALSE(delivery.source().is_connected());
  delivery.reply(reply_packet(delivery, PacketKind::value, encode("too late"), true));
  delivery.settle(Settlement::ack);
  test::run_ready(loop);
}

TEST_P(TransportConformance, AListenerOfNothingIsReady) { EXPECT_TRUE(try_listen({}).has_value()); }

TEST_P(TransportConformance, AClosedListenerHearsNothing) {
  const auto listener = listen({event_route("work")});
  const auto connection = connect(*listener);
  send_event(*connection, "work", "one");
  ASSERT_TRUE(wait_for([&] { return listener->sink.delivered == 1; }));
  send_event(*connection, "work", "two");
  test::run_until(loop, connection->connection->flush());
  const auto heard = listener->sink.delivered;  // the second one perhaps, while it was handed over
  send_event(*connection, "work", "three");
  listener->listener->close();
  test::run_ready(loop);
  EXPECT_EQ(listener->sink.delivered, heard);
}

TEST_P(TransportConformance, AListenerClosedByItsSinkStops) {
  const auto listener = listen({event_route("work")});
  const auto connection = connect(*listener);
  listener->sink.on_each = [&](Delivery&& delivery) {
    delivery.settle(Settlement::ack);
    listener->listener->close();
  };
  for (int i = 0; i < 10; ++i) send_event(*connection, "work", "x");
  ASSERT_TRUE(wait_for([&] { return listener->sink.delivered > 0; }));
  test::run_ready(loop);
  EXPECT_EQ(listener->sink.delivered, 1u);
}

TEST_P(TransportConformance, TheServiceSeesThatItsCallerIsGone) {
  WAYBILL_CONFORMANCE_NEEDS(capabilities().sees_callers);
  const auto listener = listen({request_route("sum")});
  const auto connection = connect(*listener);
  send_request(*connection, "sum", "id-1", "x");
  ASSERT_TRUE(wait_for([&] { return !listener->sink.deliveries.empty(); }));
  auto delivery = listener->take();
  EXPECT_TRUE(delivery.source().is_connected());
  connection->connection->close();
  EXPECT_TRUE(wait_for([&] { return !delivery.source().is_connected(); }));
  delivery.reply(reply_packet(delivery, PacketKind::value, encode("to nobody"), true));
  delivery.settle(Settlement::ack);
}

TEST_P(TransportConformance, AfterStopIntakeWhatWasTakenIsAnswered) {
  const auto listener = listen({request_route("sum")});
  const auto connection = connect(*listener);
  send_request(*connection, "sum", "taken", "x");
  ASSERT_TRUE(wait_for([&] { return listener->sink.delivered == 1; }));
  listener->listener->stop_intake();
  listener->listener->stop_intake();
  send_request(*connection, "sum", "too late", "x");
  test::run_until(loop, connection->connection->flush());
  answer(listener->take(), "y");
  test::run_until(loop, listener->listener->flush());
  ASSERT_TRUE(wait_for([&] { return !connection->sink.replies.empty(); }));
  EXPECT_EQ(connection->sink.replies.front().id.text, "taken");
  EXPECT_EQ(listener->sink.delivered, 1u);
}

TEST_P(TransportConformance, ACutLinkIsReportedOnceAndCanBeOpenedAgain) {
  const auto listener = listen({request_route("sum")});
  const auto connection = connect(*listener);
  send_request(*connection, "sum", "lost", "x");
  ASSERT_TRUE(wait_for([&] { return listener->sink.delivered == 1; }));
  if (!stage->cut_links()) WAYBILL_NOT_APPLICABLE("the stage cannot cut links");
  ASSERT_TRUE(wait_for([&] { return !connection->sink.lost.empty(); }));
  test::run_ready(loop);
  EXPECT_EQ(connection->sink.lost.size(), 1u);
  EXPECT_TRUE(connection->sink.lost.front().code() == errc::connection_lost) << connection->sink.lost.front().what();
  listener->sink.deliveries.clear();

  if (!listener->sink.lost.empty()) {
    test::run_until(loop, listener->listener->open({request_route("sum")}, listener->sink)).value();
  }
  test::run_until(loop, connection->connection->open(connection->sink)).value();
  send_request(*connection, "sum", "found", "x");
  listener->sink.on_each = [&](Delivery&& delivery) { answer(std::move(delivery), "y"); };
  while (!listener->sink.deliveries.empty()) answer(listener->take(), "y");
  ASSERT_TRUE(wait_for([&] { return !connection->sink.replies.empty(); }));
  test::run_ready(loop);
  for (const auto& reply : connection->sink.replies) EXPECT_EQ(reply.id.text, "found");
}

TEST_P(TransportConformance, TheUnsettledOfACutLinkComeBack) {
  WAYBILL_CONFORMANCE_NEEDS(capabilities().redelivery != Support::impossible);
  const auto listener = listen({event_route("work")});
  const auto connection = connect(*listener);
  send_event(*connection, "work", "precious");
  ASSERT_TRUE(wait_for([&] { return listener->sink.delivered == 1; }));
  if (!stage->cut_links()) WAYBILL_NOT_APPLICABLE("the stage cannot cut links");
  ASSERT_TRUE(wait_for([&] { return !listener->sink.lost.empty(); }));
  listener->take().settle(Settlement::ack);  // too late: the link that it came from is gone
  test::run_until(loop, listener->listener->open({event_route("work")}, listener->sink)).value();
  ASSERT_TRUE(wait_for([&] { return !listener->sink.deliveries.empty(); }));
  auto delivery = listener->take();
  EXPECT_EQ(decode(delivery.packet), "precious");
  EXPECT_TRUE(delivery.redelivered);
  delivery.settle(Settlement::ack);
}

TEST_P(TransportConformance, AFrozenCarrierLosesNothing) {
  const auto listener = listen({request_route("sum")});
  const auto connection = connect(*listener);
  if (!stage->freeze()) WAYBILL_NOT_APPLICABLE("the stage cannot freeze");
  send_request(*connection, "sum", "id-1", "x");
  test::run_ready(loop);
  EXPECT_EQ(listener->sink.delivered, 0u);
  EXPECT_TRUE(connection->sink.lost.empty());
  stage->thaw();
  ASSERT_TRUE(wait_for([&] { return listener->sink.delivered == 1; }));
  answer(listener->take(), "y");
  EXPECT_TRUE(wait_for([&] { return !connection->sink.replies.empty(); }));
}

TEST_P(TransportConformance, TheAddressIsTheUrlOfClientsWithoutSecrets) {
  const auto listener = listen({request_route("sum")});
  const auto address = listener->listener->address();
  EXPECT_TRUE(Url::parse(address)) << address;
  EXPECT_EQ(address.find('@'), std::string::npos) << address;
}

}  // namespace
}  // namespace waybill::conformance
