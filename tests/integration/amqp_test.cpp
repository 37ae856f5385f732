// What only AMQP does, on a real RabbitMQ: topologies, returns, broken channels, deleted queues, dead lettering by the
// broker.
#include "amqp_rig.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace waybill {
namespace {

TEST_F(AmqpIntegration, AServiceAnswersAndItsHandlersSeeHeadersAndProperties) {
  const std::string queue = fresh_queue();
  Service service(loop.get_executor(), Config::listen({url("queue=" + queue)}));
  service.log_to(logs.sink());
  service.on_request("meta", [](Context& context) {
    const auto text = [](const std::string* value) { return value ? *value : std::string("none"); };
    return text(context.header("tenant")) + ' ' + text(context.properties().find("priority")) + ' ' +
           text(context.properties().find("messageId")) + ' ' + text(context.properties().find("persistent")) + ' ' +
           (context.deadline() ? "waited for" : "no deadline");
  });
  test::run_until(loop, service.start());
  Client client(loop.get_executor(), ClientConfig::from_url(url("queue=" + queue)), default_registry(), logs.log());
  CallOptions options;
  options.headers.set("tenant", "acme");
  options.properties.set("priority", "3");
  options.properties.set("messageId", "m-1");
  std::optional<Result<std::string>> answer;
  client.request<std::string>("meta", 1, options, [&](const Result<std::string>& value) { answer = value; });
  ASSERT_TRUE(wait_for([&] { return answer.has_value(); }));
  ASSERT_TRUE(*answer) << answer->error().what();
  EXPECT_EQ(**answer, "acme 3 m-1 none waited for");
  client.close();
  service.close();
}

TEST_F(AmqpIntegration, EventsArePersistentAndRequestsAreNot) {
  const std::string queue = fresh_queue();
  const auto client = connect(url("queue=" + queue));
  send(*client, "work", "event", 1);
  send(*client, "work", "request", k_failure_only | 2, {}, PacketKind::request);
  test::run_until(loop, client->connection->flush());
  std::vector<int> modes;
  ASSERT_TRUE(wait_for([&] {
    while (const auto message = admin->get(queue))
      modes.push_back(message->delivery_mode * 10 + !message->correlation_id.empty());
    return modes.size() == 2;
  }));
  std::sort(modes.begin(), modes.end());
  EXPECT_EQ(modes, (std::vector<int>{11, 20}));
}

TEST_F(AmqpIntegration, WhatReachesNoQueueIsRejected) {
  const std::string queue = fresh_queue();
  remove_exchange_at_end(queue);
  const auto client = connect(url("queue=" + queue + "&wildcards=true"));
  send(*client, "nobody.listens", "event", 1);
  send(*client, "nobody.listens", "request", k_failure_only | 2, {}, PacketKind::request);
  ASSERT_TRUE(wait_for([&] { return client->sink.sent.size() == 2; }));
  for (const auto& [ticket, outcome] : client->sink.sent) {
    ASSERT_FALSE(outcome);
    expect_says(outcome.error(), errc::no_receiver, {"nobody.listens"});
  }
}

TEST_F(AmqpIntegration, WhatAQueueIsTooFullForWasSurelyNotTaken) {
  const std::string limited = "queue=" + fresh_queue() + "&max_length=1&arguments.x-overflow=reject-publish";
  const auto client = connect(url(limited));
  for (Ticket ticket = 1; ticket <= 3; ++ticket) send(*client, "work", "one", ticket);
  ASSERT_TRUE(wait_for([&] { return client->sink.sent.size() == 3; }));
  EXPECT_TRUE(client->sink.sent.find(1)->second);
  const Error refused = client->sink.sent.find(3)->second.error();
  expect_says(refused, errc::overloaded, {"full"});
  EXPECT_EQ(refused.end(), End::rejected);
}

TEST_F(AmqpIntegration, AQueueDeletedUnderAClientIsDeclaredAgain) {
  const std::string queue = fresh_queue();
  const auto client = connect(url("queue=" + queue));
  admin->delete_queue(queue);
  send(*client, "work", "one", 1);
  ASSERT_TRUE(wait_for([&] { return client->sink.sent.count(1) == 1; }));
  EXPECT_TRUE(client->sink.sent.find(1)->second.error().code() == errc::no_receiver);
  ASSERT_TRUE(wait_for([&] { return admin->ready(queue).has_value(); }));
  send(*client, "work", "two", 2);
  ASSERT_TRUE(wait_for([&] { return client->sink.sent.count(2) == 1; }));
  EXPECT_TRUE(client->sink.sent.find(2)->second);
  EXPECT_TRUE(client->sink.lost.empty());
}

TEST_F(AmqpIntegration, AQueueDeletedUnderAServiceIsServedAgain) {
  const std::string queue = fresh_queue();
  Service service(loop.get_executor(), Config::listen({url("queue=" + queue)}));
  service.log_to(logs.sink());
  service.on_request("double", [](int number) { return 2 * number; });
  test::run_until(loop, service.start());
  Client client(loop.get_executor(), ClientConfig::from_url(url("queue=" + queue)), default_registry(), logs.log());
  test::run_until(loop, client.connect());
  admin->delete_queue(queue);
  ASSERT_TRUE(wait_for([&] { return admin->ready(queue).has_value(); }));
  std::optional<Result<int>> answer;
  client.request<int>("double", 21, [&](const Result<int>& value) { answer = value; });
  ASSERT_TRUE(wait_for([&] { return answer.has_value(); }));
  ASSERT_TRUE(*answer) << answer->error().what();
  EXPECT_EQ(**answer, 42);
  client.close();
  service.close();
}

// Clients declare it again before the broker has told anybody: RabbitMQ 3 then moves the consumer to the new queue by
// itself, and delivers nothing to it. Classic queues are asked to tell; of quorum queues it is noticed.
class AmqpDeletions : public AmqpIntegration, public testing::WithParamInterface<const char*> {};

TEST_P(AmqpDeletions, AQueueDeletedUnderLoadIsServedAgain) {
  const std::string queue = fresh_queue() + "&queue_type=" + GetParam();
  Service service(loop.get_executor(), Config::listen({url("queue=" + queue)}));
  service.log_to(logs.sink());
  std::set<int> handled;
  std::map<int, std::string> rejected;
  service.on_event("work", [&handled](int number) { handled.insert(number); });
  test::run_until(loop, service.start());
  Client client(loop.get_executor(), ClientConfig::from_url(url("queue=" + queue)), default_registry(), logs.log());
  test::run_until(loop, client.connect());
  asio::steady_timer timer(loop);
  int last = 0;
  std::function<void()> load = [&] {
    client.emit("work", ++last, [&rejected, number = last](const Result<Accepted>& outcome) {
      if (!outcome && outcome.error().end() == End::rejected) rejected[number] = outcome.error().what();
    });
    timer.expires_after(milliseconds(2));
    timer.async_wait([&load](std::error_code ec) {
      if (!ec) load();
    });
  };
  load();
  for (int turn = 0; turn < (GetParam() == std::string("quorum") ? 3 : 8); ++turn) {
    ASSERT_TRUE(wait_for([&, before = handled.size()] { return handled.size() > before + 10; })) << turn;
    test::meanwhile(loop, [&] { admin->delete_queue(queue.substr(0, queue.find('&'))); });
  }
  EXPECT_TRUE(wait_for([&, before = handled.size()] { return handled.size() > before + 100; }));
  load = [] {};
  test::run_ready(loop);
  timer.cancel();
  client.close();
  service.close();
  test::run_ready(loop);
  for (const auto& [number, why] : rejected) EXPECT_FALSE(handled.count(number)) << number << ": " << why;
}

INSTANTIATE_TEST_SUITE_P(Queues, AmqpDeletions, testing::Values("classic", "quorum"),
                         [](const auto& each) { return std::string(each.param); });

TEST_F(AmqpIntegration, AQuorumQueueOfSomebodyElseIsServed) {
  const std::string queue = fresh_queue();
  amqp_table_entry_t type{};
  type.key = amqp_cstring_bytes("x-queue-type");
  type.value.kind = AMQP_FIELD_KIND_UTF8;
  type.value.value.bytes = amqp_cstring_bytes("quorum");
  admin->declare_queue(queue, true, {1, &type});
  const auto listener = listen(url("queue=" + queue + "&no_assert=true"), {event_route("work")});
  const auto client = connect(url("queue=" + queue + "&no_assert=true"));
  send(*client, "work", "one", 1);
  EXPECT_TRUE(wait_for([&] { return listener->sink.delivered == 1; }));
}

TEST_F(AmqpIntegration, AMessageThatTheBrokerRefusesCostsNoOther) {
  const std::string queue = fresh_queue();
  const auto client = connect(url("queue=" + queue));
  Headers somebody_else;
  somebody_else.set("userId", "somebody-else");
  for (Ticket ticket = 1; ticket <= 20; ++ticket) {
    send(*client, "work", std::to_string(ticket), ticket, ticket == 7 ? somebody_else : Headers());
  }
  ASSERT_TRUE(wait_for([&] { return client->sink.sent.size() == 20; }));
  for (const auto& [ticket, outcome] : client->sink.sent) EXPECT_EQ(outcome.has_value(), ticket != 7) << ticket;
  EXPECT_EQ(client->sink.sent.find(7)->second.error().end(), End::rejected);
  EXPECT_TRUE(client->sink.lost.empty()) << "the link is as it was";
}

TEST_F(AmqpIntegration, AnExchangeDeletedUnderAClientIsDeclaredAgain) {
  const std::string exchange = fresh_exchange();
  const std::string queue = fresh_queue();
  const auto client = connect(url("exchange=" + exchange + "&exchange_type=fanout&mandatory=false"));
  admin->delete_exchange(exchange);
  send(*client, "news", "one", 1);
  ASSERT_TRUE(wait_for([&] { return client->sink.sent.size() == 1; }));
  EXPECT_TRUE(client->sink.sent.begin()->second) << client->sink.sent.begin()->second.error().what();
  EXPECT_TRUE(client->sink.lost.empty());
}

TEST_F(AmqpIntegration, FanoutReachesEveryGroup) {
  const std::string exchange = fresh_exchange();
  const std::string options = "exchange=" + exchange + "&exchange_type=fanout";
  const auto one = listen(url(options + "&exclusive=true"), {event_route("news")});
  const auto other = listen(url(options + "&exclusive=true"), {event_route("news")});
  const auto client = connect(url(options));
  send(*client, "news", "hello", 1);
  ASSERT_TRUE(wait_for([&] { return one->sink.delivered == 1 && other->sink.delivered == 1; }));
  EXPECT_EQ(text_of(one->sink.deliveries.front()), "hello");
}

TEST_F(AmqpIntegration, NativeWildcardsAreMatchedAsNestjsDoes) {
  const std::string queue = fresh_queue();
  remove_exchange_at_end(queue);
  const std::string options = "queue=" + queue + "&wildcards=true";
  const auto listener = listen(url(options), {event_route(native("all.#")), event_route(native("mid.#.end"))});
  const auto client = connect(url(options));
  for (const char* route : {"all", "all.a.b", "mid.x.end"}) send(*client, route, route, 1);
  ASSERT_TRUE(wait_for([&] { return listener->sink.delivered == 3; }));
  std::vector<std::string> routes;
  for (const auto& delivery : listener->sink.deliveries) routes.emplace_back(delivery.packet.route);
  EXPECT_EQ(routes, (std::vector<std::string>{"all.#", "all.#", ""}));
}

TEST_F(AmqpIntegration, RejectedMessagesGoToTheBrokersDeadLetterExchange) {
  const std::string dlx = fresh_exchange();
  const std::string graveyard = fresh_queue();
  const std::string queue = fresh_queue();
  admin->declare_exchange(dlx, "fanout");
  admin->declare_queue(graveyard);
  admin->bind_queue(graveyard, dlx, "");
  const auto listener = listen(url("queue=" + queue + "&deadLetterExchange=" + dlx), {event_route("work")});
  const auto client = connect(url("queue=" + queue + "&deadLetterExchange=" + dlx));
  send(*client, "work", "poison", 1);
  ASSERT_TRUE(wait_for([&] { return listener->sink.delivered == 1; }));
  listener->sink.take().settle(Settlement::reject);
  const auto described = test::transport_of(url("queue=" + queue));
  const auto box = described->make_dead_letter_box(environment(graveyard));
  std::vector<DeadLetter> letters;
  ASSERT_TRUE(wait_for([&] {
    letters = test::run_until(loop, box->list(10)).value();
    return !letters.empty();
  }));
  EXPECT_EQ(letters[0].origin, queue);
  EXPECT_EQ(letters[0].error, "rejected");
  box->close();
}

TEST_F(AmqpIntegration, HeadersOfAnyTypeAreTextsAndKeepTheirTypes) {
  const std::string queue = fresh_queue();
  const auto listener = listen(url("queue=" + queue), {event_route("work")});
  amqp_table_entry_t entry;
  entry.key = amqp_cstring_bytes("n");
  entry.value.kind = AMQP_FIELD_KIND_I32;
  entry.value.value.i32 = -7;
  amqp_basic_properties_t properties{};
  properties._flags = AMQP_BASIC_HEADERS_FLAG | AMQP_BASIC_TYPE_FLAG;
  properties.headers = {1, &entry};
  properties.type = amqp_cstring_bytes("t");
  admin->publish(queue, R"({"pattern":"work","data":"x"})", properties);
  ASSERT_TRUE(wait_for([&] { return listener->sink.delivered == 1; }));
  const Packet& packet = listener->sink.deliveries.front().packet;
  EXPECT_EQ(*packet.headers.find("n"), "-7");
  EXPECT_EQ(*packet.properties.find("headers"), R"({"n":-7})");
  EXPECT_EQ(*packet.properties.find("type"), "t");
}

TEST_F(AmqpIntegration, WhatIsNoPacketIsParkedAsItIs) {
  const std::string queue = fresh_queue();
  const std::string parked = fresh_queue();
  auto config = Config::listen({url("queue=" + queue + "&dead_letter=" + parked)});
  Service service(loop.get_executor(), config);
  service.log_to(logs.sink());
  service.on_event("work", [] {});
  test::run_until(loop, service.start());
  admin->publish(queue, "not a packet \xff");
  std::optional<test::AmqpAdmin::Message> message;
  ASSERT_TRUE(wait_for([&] { return (message = admin->get(parked)).has_value(); }));
  EXPECT_EQ(message->body, "not a packet \xff");
  EXPECT_NE(message->headers.find("waybill-origin=" + queue), std::string::npos) << message->headers;
  service.close();
}

TEST_F(AmqpIntegration, AtMostOnceAcknowledgesNothingAndHoldsBack) {
  const std::string queue = fresh_queue();
  const std::string options = "queue=" + queue + "&noAck=true";
  const auto described = test::transport_of(url(options));
  EXPECT_FALSE(described->capabilities().confirms);
  EXPECT_EQ(described->capabilities().redelivery, Support::impossible);
  const auto client = connect(url(options));
  auto small = environment();
  small.max_in_flight = 4;
  test::KeepingListenerSink sink;
  const auto listener = described->make_listener(small);
  test::run_until(loop, listener->open({event_route("work")}, sink)).value();
  for (Ticket ticket = 1; ticket <= 100; ++ticket) send(*client, "work", std::to_string(ticket), ticket);
  ASSERT_TRUE(wait_for([&] { return client->sink.sent.size() == 100; }));
  std::size_t most = 0;
  ASSERT_TRUE(wait_for([&] {
    most = std::max(most, sink.deliveries.size());
    if (!sink.deliveries.empty()) sink.take().settle(Settlement::ack);
    return sink.delivered == 100 && sink.deliveries.empty();
  }));
  EXPECT_LE(most, 4u);
  listener->close();
}

TEST_F(AmqpIntegration, ASilentBrokerIsNoticed) {
  const std::string queue = fresh_queue();
  test::ChaosProxy proxy(port());
  const auto client = connect(url_through(proxy, "queue=" + queue + "&heartbeat=1s"));
  proxy.stall(true);
  ASSERT_TRUE(wait_for([&] { return !client->sink.lost.empty(); }));
  EXPECT_NE(client->sink.lost.front().message().find("silent"), std::string_view::npos);
}

TEST_F(AmqpIntegration, HeartbeatsGoOnWhileNothingElseDoes) {
  const std::string queue = fresh_queue();
  test::ChaosProxy proxy(port());
  const auto client = connect(url_through(proxy, "queue=" + queue + "&heartbeat=1s"));
  const std::size_t before = proxy.bytes_to_server();
  ASSERT_TRUE(wait_for([&] { return proxy.bytes_to_server() >= before + 5 * 8; }));  // five of them
  EXPECT_TRUE(client->sink.lost.empty());
}

TEST_F(AmqpIntegration, ADrainGivesBackWhatWasNotBegun) {
  const std::string queue = fresh_queue();
  const auto client = connect(url("queue=" + queue));
  for (Ticket ticket = 1; ticket <= 30; ++ticket) send(*client, "work", std::to_string(ticket), ticket);
  ASSERT_TRUE(wait_for([&] { return client->sink.sent.size() == 30; }));
  auto listener = listen(url("queue=" + queue + "&prefetch=10"), {event_route("work")});
  ASSERT_TRUE(wait_for([&] { return listener->sink.delivered == 10; }));
  listener->listener->stop_intake();
  for (int i = 0; i < 4; ++i) listener->sink.take().settle(Settlement::ack);
  listener->sink.deliveries.clear();  // unsettled: given back
  test::run_until(loop, listener->listener->flush());
  listener->listener->close();
  ASSERT_TRUE(wait_for([&] { return admin->ready(queue) == 26u; })) << admin->ready(queue).value_or(0);
  const auto first = admin->get(queue);
  EXPECT_NE(first->body.find("\"5\""), std::string::npos) << "in their old place: " << first->body;
}

}  // namespace
}  // namespace waybill
