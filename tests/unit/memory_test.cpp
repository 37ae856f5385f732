// The in-process broker: groups, turns, queues and their bounds, redelivery, threads.
#include "memory_rig.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace waybill::memory {
namespace {

TEST(Memory, UrlsNameABrokerAndMistakesAreReportedTogether) {
  const Registry registry;
  EXPECT_TRUE(make_transport(Url::parse("memory://orders?wire=true").value(), registry));
  const auto wrong = make_transport(Url::parse("memory://orders:77/path?wires=true").value(), registry);
  ASSERT_FALSE(wrong);
  EXPECT_TRUE(wrong.error().code() == errc::invalid_config);
  const std::string text(wrong.error().message());
  EXPECT_NE(text.find("port"), std::string::npos) << text;
  EXPECT_NE(text.find("path"), std::string::npos) << text;
  EXPECT_NE(text.find("wires"), std::string::npos) << text;
}

TEST(Memory, TransportsOfOneNameMeetAndOthersDoNot) {
  const Registry registry;
  asio::io_context loop;
  Environment environment;
  environment.executor = loop.get_executor();
  const auto meet = [&](const char* listen, const char* connect) {
    const auto serving = make_transport(Url::parse(listen).value(), registry).value();
    const auto asking = make_transport(Url::parse(connect).value(), registry).value();
    Server server;
    server.role = serving->make_listener(environment);
    test::run_until(loop, server.role->open(MemoryRig::routes("sum"), server.sink)).value();
    Peer peer;
    peer.role = asking->make_connection(environment);
    test::run_until(loop, peer.role->open(peer.sink)).value();
    MemoryRig::emit(peer, "sum", "x");
    test::run_ready(loop);
    EXPECT_EQ(server.role->address(), listen);
    return server.sink.delivered == 1;
  };
  EXPECT_TRUE(meet("memory://a", "memory://a"));
  EXPECT_FALSE(meet("memory://a", "memory://b"));
}

TEST(Memory, ListenersOfAGroupTakeTurns) {
  MemoryRig rig;
  const auto one = rig.serve("work");
  const auto other = rig.serve("work");
  const auto peer = rig.connect();
  for (const auto* text : {"1", "2", "3", "4"}) MemoryRig::emit(*peer, "work", text);
  rig.run();
  EXPECT_EQ(MemoryRig::take_texts(*one), (Texts{"1", "3"}));
  EXPECT_EQ(MemoryRig::take_texts(*other), (Texts{"2", "4"}));
}

TEST(Memory, ABusyListenerIsPassedOver) {
  MemoryRig rig;
  const auto busy = rig.serve("work", {}, 1);
  const auto idle = rig.serve("work", {}, 8);
  const auto peer = rig.connect();
  for (const auto* text : {"1", "2", "3", "4"}) MemoryRig::emit(*peer, "work", text);
  rig.run();
  EXPECT_EQ(busy->sink.deliveries.size(), 1u);
  EXPECT_EQ(idle->sink.deliveries.size(), 3u);
}

TEST(Memory, SendersAreToldHowManyGroupsTookTheirMessage) {
  MemoryRig rig;
  const auto billing = rig.serve("created", "billing");
  const auto shipping = rig.serve("created", "shipping");
  const auto peer = rig.connect();
  MemoryRig::send(*peer, PacketKind::event, "created", "x", {}, 5);
  MemoryRig::send(*peer, PacketKind::event, "unheard", "x", {}, 6);
  rig.run();
  const auto& taken = peer->sink.sent.find(5)->second;
  ASSERT_TRUE(taken);
  EXPECT_EQ(taken->by, Accepted::By::taken);
  EXPECT_EQ(taken->receivers, 2u);
  const auto& unheard = peer->sink.sent.find(6)->second;
  ASSERT_FALSE(unheard);
  EXPECT_TRUE(unheard.error().code() == errc::no_receiver);
}

TEST(Memory, AFullQueueFailsLoudly) {
  BrokerOptions options;
  options.max_waiting_messages = 2;
  MemoryRig rig(options);
  const auto server = rig.serve("work", {}, 1);
  const auto peer = rig.connect();
  for (Ticket ticket = 1; ticket <= 4; ++ticket) MemoryRig::send(*peer, PacketKind::event, "work", "x", {}, ticket);
  rig.run();
  for (Ticket ticket = 1; ticket <= 3; ++ticket) EXPECT_TRUE(peer->sink.sent.find(ticket)->second) << ticket;
  const auto& refused = peer->sink.sent.find(4)->second;
  ASSERT_FALSE(refused);
  EXPECT_TRUE(refused.error().code() == errc::overloaded);
  EXPECT_EQ(refused.error().end(), End::rejected);
  server->sink.take().settle(Settlement::ack);
  MemoryRig::send(*peer, PacketKind::event, "work", "x", {}, 5);
  rig.run();
  EXPECT_TRUE(peer->sink.sent.find(5)->second);
}

TEST(Memory, QueuesAreBoundedInBytesToo) {
  BrokerOptions options;
  options.max_waiting_bytes = 10;
  MemoryRig rig(options);
  const auto server = rig.serve("work", {}, 1);
  const auto peer = rig.connect();
  MemoryRig::send(*peer, PacketKind::event, "work", "in hand", {}, 1);
  MemoryRig::send(*peer, PacketKind::event, "work", "8 bytes.", {}, 2);
  MemoryRig::send(*peer, PacketKind::event, "work", "3 b", {}, 3);
  rig.run();
  EXPECT_TRUE(peer->sink.sent.find(2)->second);
  EXPECT_FALSE(peer->sink.sent.find(3)->second);
}

TEST(Memory, EventsWaitForAGroupWhoseListenerComesBack) {
  MemoryRig rig;
  rig.serve("work").reset();
  const auto peer = rig.connect();
  MemoryRig::emit(*peer, "work", "kept");
  rig.run();
  EXPECT_EQ(rig.broker->counters().waiting, 1u);
  const auto back = rig.serve("work");
  rig.run();
  EXPECT_EQ(MemoryRig::take_texts(*back), (Texts{"kept"}));
}

TEST(Memory, ARetriedMessageKeepsItsPlaceInTheQueue) {
  MemoryRig rig;
  const auto server = rig.serve("work", {}, 1);
  const auto peer = rig.connect();
  for (const auto* text : {"1", "2", "3"}) MemoryRig::emit(*peer, "work", text);
  rig.run();
  server->sink.take().settle(Settlement::retry);
  Texts order;
  for (int i = 0; i < 3; ++i) {
    rig.run();
    for (auto& text : MemoryRig::take_texts(*server)) order.push_back(text);
  }
  EXPECT_EQ(order, (Texts{"1", "2", "3"}));
  EXPECT_EQ(rig.broker->counters().redelivered, 1u);
}

TEST(Memory, AnAnsweredRequestIsNotDeliveredAgain) {
  MemoryRig rig;
  const auto server = rig.serve("sum");
  const auto peer = rig.connect();
  MemoryRig::ask(*peer, "sum", "x", "id");
  rig.run();
  MemoryRig::reply(server->sink.deliveries.front(), "answer");
  server->sink.deliveries.clear();  // dropped unsettled
  rig.run();
  EXPECT_EQ(server->sink.delivered, 1u);
  EXPECT_EQ(MemoryRig::reply_texts(*peer), (Texts{"answer"}));
}

TEST(Memory, AnAnswerThatBreaksOffEndsWithAnError) {
  MemoryRig rig;
  auto server = rig.serve("count");
  const auto heir = rig.serve("other");
  const auto peer = rig.connect();
  MemoryRig::ask(*peer, "count", "x", "id");
  rig.run();
  MemoryRig::reply(server->sink.deliveries.front(), "1", false);
  server.reset();
  rig.run();
  ASSERT_EQ(peer->sink.replies.size(), 2u);
  EXPECT_EQ(peer->sink.replies.back().kind, PacketKind::error);
  EXPECT_EQ(peer->sink.replies.back().id.text, "id");
}

TEST(Memory, AForgottenRequestIsTakenOutOfTheQueue) {
  MemoryRig rig;
  const auto server = rig.serve("sum", {}, 1);
  const auto peer = rig.connect();
  MemoryRig::ask(*peer, "sum", "1", "one");
  MemoryRig::ask(*peer, "sum", "2", "two");
  MemoryRig::ask(*peer, "sum", "3", "three");
  rig.run();
  peer->role->forget(Term{"one", false});
  peer->role->forget(Term{"two", false});
  auto first = server->sink.take();
  EXPECT_FALSE(first.source().is_connected());
  MemoryRig::answer(std::move(first), "late");
  rig.run();
  EXPECT_EQ(MemoryRig::take_texts(*server), (Texts{"3"}));
  EXPECT_TRUE(peer->sink.replies.empty());
}

TEST(Memory, StreamsSeeThatTheirClientIsSlow) {
  MemoryRig rig;
  const auto server = rig.serve("count");
  const auto peer = rig.connect();
  MemoryRig::ask(*peer, "count", "x", "id");
  rig.run();
  const auto delivery = server->sink.take();
  EXPECT_FALSE(delivery.source().is_congested());
  int sent = 0;
  while (!delivery.source().is_congested() && sent < 100'000) {
    MemoryRig::reply(delivery, "x", false);
    ++sent;
  }
  EXPECT_TRUE(delivery.source().is_congested());
  rig.run();
  EXPECT_FALSE(delivery.source().is_congested());
  EXPECT_EQ(peer->sink.replies.size(), static_cast<std::size_t>(sent));
}

TEST(Memory, AStoppedBrokerRefusesLinksUntilItStarts) {
  MemoryRig rig;
  const auto server = rig.serve("sum");
  const auto peer = rig.connect();
  rig.broker->stop();
  rig.run();
  EXPECT_EQ(server->sink.lost.size(), 1u);
  EXPECT_EQ(peer->sink.lost.size(), 1u);
  const auto refused = test::run_until(rig.loop, peer->role->open(peer->sink));
  ASSERT_FALSE(refused);
  EXPECT_TRUE(refused.error().code() == errc::refused);
  rig.broker->start();
  EXPECT_TRUE(test::run_until(rig.loop, peer->role->open(peer->sink)));
  EXPECT_TRUE(test::run_until(rig.loop, server->role->open(MemoryRig::routes("sum"), server->sink)));
  MemoryRig::emit(*peer, "sum", "x");
  rig.run();
  EXPECT_EQ(server->sink.delivered, 1u);
}

TEST(Memory, RolesMayRunOnDifferentThreads) {
  const auto broker = Broker::make();
  Registry registry;
  registry.add_transport("memory", broker->factory());
  const auto transport = registry.make_transport(Url::parse("memory://threads").value()).value();
  constexpr int k_requests = 2'000;
  constexpr int k_clients = 2;

  asio::io_context serving{1};
  Server server;
  Environment environment;
  environment.executor = serving.get_executor();
  server.role = transport->make_listener(environment);
  server.sink.on_each = [](Delivery&& delivery) {
    MemoryRig::answer(std::move(delivery), delivery.packet.payload.view());
  };
  test::run_until(serving, server.role->open(MemoryRig::routes("echo"), server.sink)).value();
  std::atomic<bool> done = false;
  std::thread service([&] { test::eventually(serving, [&] { return done.load(); }); });

  std::vector<std::thread> clients;
  std::atomic<int> answered = 0;
  for (int client = 0; client < k_clients; ++client) {
    clients.emplace_back([&] {
      asio::io_context loop{1};
      Peer peer;
      Environment own;
      own.executor = loop.get_executor();
      peer.role = transport->make_connection(own);
      test::run_until(loop, peer.role->open(peer.sink)).value();
      for (int i = 0; i < k_requests; ++i) MemoryRig::ask(peer, "echo", "x", std::to_string(i));
      test::eventually(loop, [&] { return peer.sink.replies.size() == k_requests; });
      answered += static_cast<int>(peer.sink.replies.size());
      peer.role->close();
      test::run_ready(loop);
    });
  }
  for (auto& client : clients) client.join();
  done = true;
  service.join();
  EXPECT_EQ(answered, k_requests * k_clients);
  EXPECT_EQ(broker->counters().acknowledged, static_cast<std::uint64_t>(k_requests * k_clients));
}

TEST(Memory, RequestsWhoseCallersHaveGoneDoNotFillTheQueue) {
  BrokerOptions options;
  options.max_waiting_messages = 8;
  MemoryRig rig(std::move(options));
  const auto paused = rig.serve("sum");
  paused->role->pause();
  const auto peer = rig.connect();
  const auto ask = [&](int i, Ticket ticket) {
    MemoryRig::send(*peer, PacketKind::request, "sum", "x", "id-" + std::to_string(i), ticket);
  };
  for (int i = 0; i < 8; ++i) ask(i, k_failure_only | 1);
  ask(8, 2);
  rig.run();
  ASSERT_EQ(peer->sink.sent.count(2), 1u);
  EXPECT_TRUE(peer->sink.sent.find(2)->second.error().code() == errc::overloaded) << "all wait for answers";
  for (int i = 0; i < 8; i += 2) peer->role->forget({"id-" + std::to_string(i), false});
  for (int i = 10; i < 14; ++i) ask(i, static_cast<Ticket>(i));
  ask(14, 14);
  rig.run();
  for (Ticket ticket = 10; ticket < 14; ++ticket) EXPECT_TRUE(peer->sink.sent.find(ticket)->second) << ticket;
  EXPECT_FALSE(peer->sink.sent.find(14)->second);
  paused->role->resume();
  rig.run();
  EXPECT_EQ(paused->sink.delivered, 8u);
}

TEST(Memory, AListenerThatAnswersAFrozenBrokerForEverLosesItsLink) {
  BrokerOptions options;
  options.max_waiting_messages = 8;
  MemoryRig rig(std::move(options));
  const auto server = rig.serve("sum");
  const auto peer = rig.connect();
  MemoryRig::ask(*peer, "sum", "x", "id");
  rig.run();
  rig.broker->freeze();
  const Delivery delivery = server->sink.take();
  for (int i = 0; i < 8; ++i) MemoryRig::reply(delivery, "1", false);
  rig.run();
  EXPECT_TRUE(server->sink.lost.empty());
  for (int i = 0; i < 8; ++i) MemoryRig::reply(delivery, "1", false);
  rig.run();
  ASSERT_EQ(server->sink.lost.size(), 1u);
  EXPECT_TRUE(server->sink.lost.front().code() == errc::overloaded);
}

TEST(Memory, WhatWasGivenUpCanBeReadFromAProgram) {
  MemoryRig rig;
  Server server;
  Environment environment;
  environment.executor = rig.loop.get_executor();
  environment.dead_letter = "orders.dead";
  server.role = rig.transport->make_listener(std::move(environment));
  test::run_until(rig.loop, server.role->open(MemoryRig::routes("order"), server.sink)).value();
  const auto peer = rig.connect();
  for (const char* text : {"one", "two"}) MemoryRig::emit(*peer, "order", text);
  rig.run();
  while (!server.sink.deliveries.empty()) {
    Delivery delivery = server.sink.take();
    delivery.failure = Error("boom");
    bool is_parked = false;
    delivery.park([&is_parked](const Result<void>& parked) { is_parked = static_cast<bool>(parked); });
    rig.run();
    EXPECT_TRUE(is_parked);
    delivery.settle(Settlement::ack);
  }
  const auto dead = rig.broker->dead_letters("orders.dead");
  ASSERT_EQ(dead.size(), 2u);
  EXPECT_EQ(dead[0].packet.payload.view(), "one");
  EXPECT_EQ(dead[0].error, "boom");
  EXPECT_EQ(dead[0].origin, "order");
  EXPECT_EQ(dead[0].attempts, 1);
  EXPECT_EQ(rig.broker->dead_letters("orders.dead", 1).size(), 1u);
  EXPECT_TRUE(rig.broker->dead_letters("other").empty());
}

TEST(Memory, AListenerIsNamedAsItsUrlNamesIt) {
  MemoryRig rig;  // its broker has a name of its own
  Environment environment;
  environment.executor = rig.loop.get_executor();
  const auto orders = rig.registry.make_transport(Url::parse("memory://orders").value()).value();
  EXPECT_EQ(orders->make_listener(std::move(environment))->address(), "memory://orders");
}

}  // namespace
}  // namespace waybill::memory
