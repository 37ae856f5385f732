// The Redis transport on a real server: what the conformance suite does not ask of every carrier.
#include "redis_rig.hpp"
#include "support/chaos_proxy.hpp"

namespace waybill {
namespace {

using std::chrono::milliseconds;
using test::Redis;

TEST_F(Redis, EventsTellHowManyGotThem) {
  const auto one = listen(url(), {route("a")});
  const auto other = listen(url(), {route("*")});
  const auto caller = connect(url());
  send(*caller, PacketKind::event, "a", "1", 1);
  send(*caller, PacketKind::event, "nobody.here", "1", 2);
  ASSERT_TRUE(wait([&] { return caller->sink.sent.size() == 2; }));
  const Accepted both = caller->sink.sent.find(1)->second.value();
  EXPECT_EQ(both.by, Accepted::By::taken);
  EXPECT_EQ(both.receivers, 2u);
  // A glob's * crosses dots, so the server counts the second listener, which looks again and drops it.
  EXPECT_EQ(caller->sink.sent.find(2)->second.value().receivers, 1u);
}

TEST_F(Redis, SeveralServicesThatAnswerAreWarnedOfOnce) {
  const auto one = listen(url(), {route("a")});
  const auto other = listen(url(), {route("a")});
  for (auto* service : {one.get(), other.get()})
    service->sink.on_each = [](Delivery&& delivery) { answer(std::move(delivery), "1"); };
  const auto caller = connect(url());
  for (int i = 0; i < 10; ++i) send(*caller, PacketKind::request, "a", "1", 0, "id-" + std::to_string(i));
  ASSERT_TRUE(wait([&] { return caller->sink.replies.size() == 10; }));
  test::run_until(loop_, caller->connection->flush());
  EXPECT_EQ(caller->sink.replies.size(), 10u) << "the second answer to a call is none";
  EXPECT_EQ(logs_.count("2 subscribers"), 1u);
}

TEST_F(Redis, ARequestToNobodyFailsAtOnceAlsoAsTheFirst) {
  const auto caller = connect(url());
  send(*caller, PacketKind::request, "nobody", "1", k_failure_only | 1);
  ASSERT_TRUE(wait([&] { return !caller->sink.sent.empty(); }));
  const auto& outcome = caller->sink.sent.begin()->second;
  ASSERT_FALSE(outcome);
  EXPECT_TRUE(outcome.error().code() == errc::no_receiver);
}

TEST_F(Redis, WithoutBeliefInReceiversARequestToNobodyWaits) {
  const auto caller = connect(url("&receivers=false"));
  EXPECT_EQ(caller->transport->capabilities().receivers, Support::impossible);
  send(*caller, PacketKind::request, "nobody", "1", k_failure_only | 1);
  send(*caller, PacketKind::event, "nobody", "1", 2);
  ASSERT_TRUE(wait([&] { return !caller->sink.sent.empty(); }));
  EXPECT_EQ(caller->sink.sent.count(2), 1u);
  EXPECT_EQ(caller->sink.sent.size(), 1u);
}

TEST_F(Redis, MessagesKeepTheirOrderWhileASubscriptionIsUnderWay) {
  const auto service = listen(url(), {route("**")});
  const auto caller = connect(url());
  std::vector<std::string> got;
  service->sink.on_each = [&](Delivery&& delivery) { got.emplace_back(delivery.packet.payload.view()); };
  for (int i = 0; i < 50; ++i) {
    const std::string name = "r" + std::to_string(i % 7);
    send(*caller, i % 3 ? PacketKind::event : PacketKind::request, name, std::to_string(i), 0, std::to_string(i));
  }
  ASSERT_TRUE(wait([&] { return got.size() == 50; }));
  for (int i = 0; i < 50; ++i) EXPECT_EQ(got[static_cast<std::size_t>(i)], std::to_string(i));
}

TEST_F(Redis, ManyPatternsGiveUpTheReplyChannelsOfOthers) {
  const auto service = listen(url(), {route("**")});
  service->sink.on_each = [](Delivery&& delivery) { answer(std::move(delivery), "1"); };
  const auto caller = connect(url("&max_reply_channels=4"));
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 20; ++i)
      send(*caller, PacketKind::request, "r" + std::to_string(i), "1", 0, std::to_string(round * 100 + i));
    const auto all = static_cast<std::size_t>((round + 1) * 20);
    ASSERT_TRUE(wait([&] { return caller->sink.replies.size() == all; })) << caller->sink.replies.size();
  }
}

TEST_F(Redis, ForeignPayloadsAreEvents) {
  const auto service = listen(url(), {route("a")});
  publish_by_hand("a", R"({"foo":1,"id":"x"})");
  publish_by_hand("a", "plain text");
  publish_by_hand("a", "\xFF\xFE");
  publish_by_hand("a", "[1,2]");
  ASSERT_TRUE(wait([&] { return service->sink.deliveries.size() == 3; }));
  for (const Delivery& delivery : service->sink.deliveries) EXPECT_EQ(delivery.packet.kind, PacketKind::event);
  EXPECT_EQ(service->sink.deliveries[0].packet.payload.view(), R"({"foo":1,"id":"x"})");
  EXPECT_EQ(service->sink.deliveries[1].packet.payload.view(), "\"plain text\"");
  EXPECT_TRUE(logs_.contains("dropped a message on a"));
}

TEST_F(Redis, AWildcardServiceDoesNotHearItsOwnReplies) {
  const auto service = listen(url("&wildcards=true"), {route("all.*")});
  std::vector<std::string> heard;
  service->sink.on_each = [&](Delivery&& delivery) {
    heard.emplace_back(delivery.packet.pattern.text);
    EXPECT_EQ(delivery.packet.route, "all.*");
    if (delivery.packet.kind == PacketKind::request) answer(std::move(delivery), "1");
  };
  const auto caller = connect(url());
  send(*caller, PacketKind::request, "all.x.y", "1");
  ASSERT_TRUE(wait([&] { return !caller->sink.replies.empty(); }));
  send(*caller, PacketKind::event, "all.reply", "1");
  ASSERT_TRUE(wait([&] { return heard.size() >= 2; }));
  EXPECT_EQ(heard, (std::vector<std::string>{"all.x.y", "all.reply"}));
}

TEST_F(Redis, BeyondItsQueueASlowServiceDropsAndSaysSo) {
  max_in_flight_ = 1;
  const auto service = listen(url("&max_queue=10000"), {route("a")});
  const auto caller = connect(url());
  const std::string payload = "\"" + std::string(1'000, 'x') + "\"";
  for (Ticket i = 1; i <= 50; ++i) send(*caller, PacketKind::event, "a", payload, i);
  send(*caller, PacketKind::request, "a", payload, k_failure_only | 99, "late");
  ASSERT_TRUE(wait([&] { return !caller->sink.replies.empty(); }));
  EXPECT_EQ(caller->sink.replies.front().kind, PacketKind::error) << "a dropped request is told";
  const Packet& told = caller->sink.replies.front();
  const Error error = Error::from_peer(told.payload, *told.serializer);
  EXPECT_TRUE(error.code() == errc::overloaded) << error.what();
  EXPECT_EQ(error.end(), End::rejected);
  std::size_t handled = 0;
  while (!service->sink.deliveries.empty()) {
    service->sink.take();
    ++handled;
    test::run_ready(loop_);
  }
  EXPECT_GE(handled, 8u);
  EXPECT_LE(handled, 11u);
  EXPECT_TRUE(logs_.contains("max_queue"));
  send(*caller, PacketKind::event, "a", "1");
  EXPECT_TRUE(wait([&] { return !service->sink.deliveries.empty(); })) << "it goes on";
}

TEST_F(Redis, HandlersHaveNoMoreBytesThanAllowed) {
  const auto service = listen(url("&max_in_hand=10000"), {route("a")});
  const auto caller = connect(url());
  const std::string payload = "\"" + std::string(1'000, 'x') + "\"";
  for (Ticket i = 1; i <= 40; ++i)
    send(*caller, i % 2 ? PacketKind::event : PacketKind::request, "a", payload, 0, "id");
  ASSERT_TRUE(wait([&] { return service->sink.deliveries.size() >= 9; }));
  test::run_until(loop_, caller->connection->flush());
  test::run_ready(loop_);
  EXPECT_LE(service->sink.deliveries.size(), 11u);
  std::size_t handled = 0;
  ASSERT_TRUE(wait([&] {
    for (; !service->sink.deliveries.empty(); ++handled) service->sink.take().settle(Settlement::ack);
    return handled == 40;
  })) << handled;
}

TEST_F(Redis, ARequestThatOnlyAGlobMatchesIsToldThatNobodyHandlesIt) {
  const auto service = listen(url(), {route("order.*")});
  const auto caller = connect(url());
  send(*caller, PacketKind::request, "order.a.b", "1");
  ASSERT_TRUE(wait([&] { return !caller->sink.replies.empty(); }));
  EXPECT_EQ(caller->sink.replies.front().kind, PacketKind::no_handler);
  EXPECT_EQ(service->sink.delivered, 0u);
}

TEST_F(Redis, AServiceThatDoesNotHandleARequestDoesNotSpeakForOneThatDoes) {
  const auto wide = listen(url(), {route("order.*")});
  const auto right = listen(url(), {route("order.a.b")});
  const auto caller = connect(url());
  send(*caller, PacketKind::request, "order.a.b", "1");
  ASSERT_TRUE(wait([&] { return !right->sink.deliveries.empty(); }));
  send(*caller, PacketKind::request, "order.a.c", "1", 0, "id-2");
  ASSERT_TRUE(wait([&] { return !caller->sink.replies.empty(); })) << "the refusals of both have come by now";
  EXPECT_EQ(caller->sink.replies.size(), 1u);
  EXPECT_EQ(caller->sink.replies.front().id.text, "id-2");
  answer(right->take(), "7");
  ASSERT_TRUE(wait([&] { return caller->sink.replies.size() == 2; }));
  EXPECT_EQ(caller->sink.replies.back().payload.view(), "7");
}

TEST_F(Redis, ARefusalThatASubscriberWhoIsNoServiceHoldsUpIsSaid) {
  const auto service = listen(url(), {route("order.*")});
  asio::ip::tcp::socket monitor(loop_);
  monitor.connect({asio::ip::make_address("127.0.0.1"), server_.port});
  asio::write(monitor, asio::buffer("PSUBSCRIBE " + prefix_ + "*\r\n"));
  char answer[256];
  monitor.read_some(asio::buffer(answer));
  const auto caller = connect(url());
  send(*caller, PacketKind::request, "order.a.b", "1", 0, "id-1");
  send(*caller, PacketKind::request, "order.a", "1", 0, "id-2");  // behind it
  ASSERT_TRUE(wait([&] { return !service->sink.deliveries.empty(); }));
  Redis::answer(service->take(), "7");
  ASSERT_TRUE(wait([&] { return caller->sink.replies.size() == 1; })) << "the refusal came before";
  EXPECT_EQ(caller->sink.replies.front().id.text, "id-2");
  caller->connection->forget({"id-1", false});  // as at its deadline
  EXPECT_TRUE(logs_.contains("order.a.b was refused by 1 of 2 subscribers"));
  caller->connection->forget({"id-2", false});
}

TEST_F(Redis, OneServiceIsOneSubscriberHoweverManyOfItsPatternsMatch) {
  const auto service = listen(url(), {route("order.created"), route("order.*"), route("order.**")});
  const auto caller = connect(url());
  send(*caller, PacketKind::event, "order.created", "1", 1);
  ASSERT_TRUE(wait([&] { return caller->sink.sent.size() == 1 && !service->sink.deliveries.empty(); }));
  EXPECT_EQ(caller->sink.sent.begin()->second.value().receivers, 1u);
  EXPECT_EQ(service->take().packet.route, "order.created");
}

TEST_F(Redis, RequestsThatComeBetweenUnsubscribeAndItsEffectAreRefused) {
  asio::io_context other{1};  // the service's: it does not read while the requests come
  Environment apart = environment();
  apart.executor = other.get_executor();
  test::KeepingListenerSink sink;
  const auto transport = test::transport_of(url());
  const auto listener = transport->make_listener(apart);
  test::run_until(other, listener->open({route("sum"), route("all.*")}, sink)).value();
  const auto caller = connect(url());
  constexpr std::size_t k_requests = 40;
  for (std::size_t i = 0; i < k_requests; ++i)
    send(*caller, PacketKind::request, i % 2 ? "sum" : "all.x", "1", k_failure_only | (i + 1), std::to_string(i));
  test::run_until(loop_, caller->connection->flush());  // the server has pushed them
  listener->stop_intake();
  test::run_until(other, listener->flush());
  listener->close();
  ASSERT_TRUE(wait([&] { return caller->sink.replies.size() == k_requests; })) << caller->sink.replies.size();
  for (const Packet& told : caller->sink.replies) {
    const Error error = Error::from_peer(told.payload, *told.serializer);
    EXPECT_TRUE(error.code() == errc::refused) << error.what();
    EXPECT_EQ(error.end(), End::rejected);
  }
  EXPECT_EQ(sink.delivered, 0u);
  send(*caller, PacketKind::request, "sum", "1", k_failure_only | 99, "late");
  ASSERT_TRUE(wait([&] { return caller->sink.sent.contains(k_failure_only | 99); })) << "nobody is subscribed";
}

TEST_F(Redis, AServerThatStopsAnsweringIsGivenUp) {
  test::ChaosProxy proxy(server_.port);
  const std::string text = "redis://127.0.0.1:" + std::to_string(proxy.port()) + "/?prefix=" + prefix_ +
                           "&ping_interval=50ms&ping_timeout=100ms";
  const auto service = listen(text, {route("a")});
  const auto caller = connect(text);
  const auto pausing = connect(text);
  pausing->connection->pause();  // it reads no answers itself
  // Silent, but answering: nobody is lost.
  const auto later = std::chrono::steady_clock::now() + milliseconds(400);
  ASSERT_TRUE(wait([&] { return std::chrono::steady_clock::now() >= later; }));
  EXPECT_TRUE(service->sink.lost.empty());
  EXPECT_TRUE(caller->sink.lost.empty());
  EXPECT_TRUE(pausing->sink.lost.empty());
  proxy.stall(true);
  ASSERT_TRUE(wait([&] { return !service->sink.lost.empty() && !caller->sink.lost.empty(); }));
  EXPECT_TRUE(caller->sink.lost.front().code() == errc::connection_lost);
  EXPECT_NE(caller->sink.lost.front().message().find("PING"), std::string_view::npos);
  test::run_ready(loop_);
  EXPECT_EQ(service->sink.lost.size(), 1u);
  EXPECT_EQ(caller->sink.lost.size(), 1u);
}

TEST_F(Redis, AMessageBeyondTheCapCostsOneConnection) {
  const auto service = listen(url("&max_message=100KiB"), {route("a")});
  publish_by_hand("a", std::string(1u << 20, 'x'));
  ASSERT_TRUE(wait([&] { return !service->sink.lost.empty(); }));
  EXPECT_NE(service->sink.lost.front().message().find("max_message"), std::string_view::npos);
  test::run_until(loop_, service->listener->open({route("a")}, service->sink)).value();
  publish_by_hand("a", "1");
  EXPECT_TRUE(wait([&] { return !service->sink.deliveries.empty(); }));
}

}  // namespace
}  // namespace waybill
