// Contract, roles used directly: requests, replies, and what travels with them.
#include "conformance.hpp"

namespace waybill::conformance {
namespace {

TEST_P(TransportConformance, AMessageSentRightAfterOpenIsReceived) {
  const auto listener = listen({request_route("sum")});
  const auto connection = connect(*listener);
  send_request(*connection, "sum", "id-1", "first");
  ASSERT_TRUE(wait_for([&] { return !listener->sink.deliveries.empty(); }));
  const auto delivery = listener->take();
  EXPECT_EQ(delivery.packet.kind, PacketKind::request);
  EXPECT_EQ(delivery.packet.pattern.text, "sum");
  EXPECT_TRUE(delivery.packet.id.text.starts_with("id-1"));  // a transport may add to it on the way
  EXPECT_EQ(decode(delivery.packet), "first");
  EXPECT_EQ(delivery.attempt, 1);
  EXPECT_FALSE(delivery.redelivered);
}

TEST_P(TransportConformance, AReplyReachesItsRequester) {
  const auto listener = listen({request_route("sum")});
  const auto connection = connect(*listener);
  send_request(*connection, "sum", "id-1", "question");
  ASSERT_TRUE(wait_for([&] { return !listener->sink.deliveries.empty(); }));
  answer(listener->take(), "answer");
  ASSERT_TRUE(wait_for([&] { return !connection->sink.replies.empty(); }));
  const auto& reply = connection->sink.replies.front();
  EXPECT_EQ(reply.kind, PacketKind::value);
  EXPECT_TRUE(reply.last);
  EXPECT_EQ(reply.id.text, "id-1");
  EXPECT_EQ(decode(reply), "answer");
}

TEST_P(TransportConformance, RepliesFindTheirRequestsInAnyOrder) {
  const auto listener = listen({request_route("sum")});
  const auto connection = connect(*listener);
  constexpr std::size_t k_requests = 20;
  for (std::size_t i = 0; i < k_requests; ++i) {
    send_request(*connection, "sum", "id-" + std::to_string(i), std::to_string(i));
  }
  ASSERT_TRUE(wait_for([&] { return listener->sink.deliveries.size() == k_requests; }));
  while (!listener->sink.deliveries.empty()) {  // the last first
    const auto text = "re " + decode(listener->sink.deliveries.back().packet);
    answer(std::move(listener->sink.deliveries.back()), text);
    listener->sink.deliveries.pop_back();
  }
  ASSERT_TRUE(wait_for([&] { return connection->sink.replies.size() == k_requests; }));
  for (const auto& reply : connection->sink.replies) {
    EXPECT_EQ("id-" + decode(reply).substr(3), reply.id.text);
  }
}

TEST_P(TransportConformance, RequestersDoNotSeeEachOthersReplies) {
  const auto listener = listen({request_route("sum")});
  const auto one = connect(*listener);
  const auto other = connect(*listener);
  send_request(*one, "sum", "same", "one");
  send_request(*other, "sum", "same", "other");
  ASSERT_TRUE(wait_for([&] { return listener->sink.deliveries.size() == 2; }));
  for (int i = 0; i < 2; ++i) {
    const auto text = decode(listener->sink.deliveries.front().packet);
    answer(listener->take(), text);
  }
  ASSERT_TRUE(wait_for([&] { return !one->sink.replies.empty() && !other->sink.replies.empty(); }));
  test::run_ready(loop);
  ASSERT_EQ(one->sink.replies.size(), 1u);
  ASSERT_EQ(other->sink.replies.size(), 1u);
  EXPECT_EQ(decode(one->sink.replies.front()), "one");
  EXPECT_EQ(decode(other->sink.replies.front()), "other");
}

TEST_P(TransportConformance, ManyValuesThenTheEndComeInOrder) {
  const auto listener = listen({request_route("count")});
  const auto connection = connect(*listener);
  send_request(*connection, "count", "id-1", "");
  ASSERT_TRUE(wait_for([&] { return !listener->sink.deliveries.empty(); }));
  auto delivery = listener->take();
  constexpr int k_values = 100;
  for (int i = 0; i < k_values; ++i) {
    delivery.reply(reply_packet(delivery, PacketKind::value, encode(std::to_string(i))));
  }
  delivery.reply(reply_packet(delivery, PacketKind::end, Slice()));
  delivery.settle(Settlement::ack);
  ASSERT_TRUE(wait_for([&] { return connection->sink.replies.size() == k_values + 1; }));
  for (int i = 0; i < k_values; ++i) {
    const auto& reply = connection->sink.replies[static_cast<std::size_t>(i)];
    EXPECT_EQ(reply.kind, PacketKind::value);
    EXPECT_FALSE(reply.last);
    EXPECT_EQ(decode(reply), std::to_string(i));
  }
  const auto& end = connection->sink.replies.back();
  EXPECT_EQ(end.kind, PacketKind::end);
  EXPECT_FALSE(end.has_payload);
}

TEST_P(TransportConformance, AnErrorReplyKeepsItsBody) {
  const auto listener = listen({request_route("sum")});
  const auto connection = connect(*listener);
  send_request(*connection, "sum", "id-1", "");
  ASSERT_TRUE(wait_for([&] { return !listener->sink.deliveries.empty(); }));
  auto delivery = listener->take();
  delivery.reply(reply_packet(delivery, PacketKind::error, encode("sold out")));
  delivery.settle(Settlement::ack);
  ASSERT_TRUE(wait_for([&] { return !connection->sink.replies.empty(); }));
  EXPECT_EQ(connection->sink.replies.front().kind, PacketKind::error);
  EXPECT_EQ(connection->sink.replies.front().id.text, "id-1");
  EXPECT_EQ(decode(connection->sink.replies.front()), "sold out");
}

TEST_P(TransportConformance, ObjectPatternsAndHostileIdsArriveAsTheyAre) {
  const Pattern pattern({"cmd", "sum"}, {"version", 2});
  const auto listener = listen({request_route(pattern)});
  const auto connection = connect(*listener);
  const std::string id = "a\"b\\c\n\xC3\xA9 ";
  send_request(*connection, pattern, id, "x");
  ASSERT_TRUE(wait_for([&] { return !listener->sink.deliveries.empty(); }));
  auto delivery = listener->take();
  std::string route;
  ASSERT_TRUE(lookup_route(delivery.packet.pattern, route));
  EXPECT_EQ(route, pattern.route());
  answer(std::move(delivery), "y");
  ASSERT_TRUE(wait_for([&] { return !connection->sink.replies.empty(); }));
  EXPECT_EQ(connection->sink.replies.front().id.text, id);
}

TEST_P(TransportConformance, LargePayloadsArriveWhole) {
  const auto listener = listen({request_route("echo")});
  const auto connection = connect(*listener);
  std::string large(1u << 20, ' ');
  for (std::size_t i = 0; i < large.size(); ++i) large[i] = static_cast<char>('a' + i % 26);
  send_request(*connection, "echo", "id-1", large);
  ASSERT_TRUE(wait_for([&] { return !listener->sink.deliveries.empty(); }));
  EXPECT_TRUE(decode(listener->sink.deliveries.front().packet) == large);
  answer(listener->take(), large);
  ASSERT_TRUE(wait_for([&] { return !connection->sink.replies.empty(); }));
  EXPECT_TRUE(decode(connection->sink.replies.front()) == large);
}

TEST_P(TransportConformance, HeadersPassThroughBothWays) {
  WAYBILL_CONFORMANCE_NEEDS(capabilities().headers == Support::native);
  const auto listener = listen({request_route("sum")});
  const auto connection = connect(*listener);
  Packet request;
  request.kind = PacketKind::request;
  request.has_pattern = request.has_payload = true;
  request.pattern.text = request.route = "sum";
  request.id.text = "id-1";
  request.payload = encode("x");
  request.serializer = serializer;
  request.headers.set(header::k_message_id, "message-7");
  request.headers.set("tenant", std::string_view("a\0b\xFF", 4));
  connection->connection->send(request, k_request_ticket);
  ASSERT_TRUE(wait_for([&] { return !listener->sink.deliveries.empty(); }));
  auto delivery = listener->take();
  ASSERT_NE(delivery.packet.headers.find(header::k_message_id), nullptr);
  EXPECT_EQ(*delivery.packet.headers.find(header::k_message_id), "message-7");
  ASSERT_NE(delivery.packet.headers.find("tenant"), nullptr);
  EXPECT_EQ(*delivery.packet.headers.find("tenant"), std::string("a\0b\xFF", 4));
  auto reply = reply_packet(delivery, PacketKind::value, encode("y"), true);
  reply.headers.set("took", "3ms");
  delivery.reply(reply);
  delivery.settle(Settlement::ack);
  ASSERT_TRUE(wait_for([&] { return !connection->sink.replies.empty(); }));
  ASSERT_NE(connection->sink.replies.front().headers.find("took"), nullptr);
  EXPECT_EQ(*connection->sink.replies.front().headers.find("took"), "3ms");
}

TEST_P(TransportConformance, ARequestThatNobodyReceivesIsRejected) {
  WAYBILL_CONFORMANCE_NEEDS(capabilities().receivers != Support::impossible);
  const auto listener = listen({request_route("sum")});
  const auto connection = connect(*listener);
  send_request(*connection, "other", "id-1", "");
  ASSERT_TRUE(wait_for([&] { return !connection->sink.sent.empty(); }));
  const auto& [ticket, outcome] = *connection->sink.sent.begin();
  EXPECT_EQ(ticket, k_request_ticket);
  ASSERT_FALSE(outcome);
  EXPECT_TRUE(outcome.error().code() == errc::no_receiver);
  EXPECT_EQ(outcome.error().end(), End::rejected);
}

TEST_P(TransportConformance, AForgottenRequestDisturbsNobody) {
  const auto listener = listen({request_route("sum")});
  const auto connection = connect(*listener);
  send_request(*connection, "sum", "id-1", "one");
  ASSERT_TRUE(wait_for([&] { return !listener->sink.deliveries.empty(); }));
  connection->connection->forget(Term{"id-1", false});
  connection->connection->forget(Term{"never sent", false});
  answer(listener->take(), "late");
  send_request(*connection, "sum", "id-2", "two");
  ASSERT_TRUE(wait_for([&] { return !listener->sink.deliveries.empty(); }));
  answer(listener->take(), "in time");
  const auto is_answered = [&] {
    return !connection->sink.replies.empty() && connection->sink.replies.back().id.text == "id-2";
  };
  EXPECT_TRUE(wait_for(is_answered));
}

}  // namespace
}  // namespace waybill::conformance
