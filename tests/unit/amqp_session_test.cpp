// amqp's protocol without a socket: a session is fed the broker's bytes, and what it sends is read.
#include "amqp_bytes.hpp"

#include <random>

namespace waybill::amqp {
namespace {

class Rig final : public Output, public SessionUser {
 public:
  Rig() : session(*this, *this, login()) { session.start(); }

  Buffer& output() override { return out; }
  void on_session_open() override { ++opened; }
  void on_session_failed(const Error& error) override { failures.push_back(error); }
  void on_unreadable(ChannelId, const Method& method, const Error& why) override {
    unreadable.push_back(method.as<amqp_basic_deliver_t>().delivery_tag);
    EXPECT_EQ(why.end(), End::rejected);
  }
  void on_message(ChannelId channel, const Method& method, const Incoming& message) override {
    if (method.id == AMQP_BASIC_DELIVER_METHOD) tags.push_back(method.as<amqp_basic_deliver_t>().delivery_tag);
    channels.push_back(channel);
    ids.emplace_back(message.properties.correlation_id.value_or("none"));
    bodies.emplace_back(message.body.view());
    Properties again;
    EXPECT_TRUE(read_properties(message.whole.view(), again)) << "it begins with the header";
    EXPECT_TRUE(message.whole.view().ends_with(message.body.view()));
  }
  void on_method(ChannelId, const Method& method) override { methods.push_back(method.id); }
  void on_channel_closed(ChannelId channel, const Error& error) override {
    closed.push_back(std::to_string(channel) + ' ' + std::string(error.message()));
  }
  void on_blocked(std::string_view reason) override { blocked.emplace_back(reason); }

  /// Feeds in pieces; what is not used comes again, as a stream does it.
  void feed(std::string_view bytes, std::size_t piece = SIZE_MAX) {
    while (!bytes.empty()) {
      const std::string_view next = bytes.substr(0, piece);
      bytes.remove_prefix(next.size());
      rest += next;
      const Slice whole = Slice::copy(rest);
      rest.erase(0, session.feed(whole.view()));
    }
  }
  template <class T>
  static std::string method(ChannelId channel, amqp_method_number_t id, const T& arguments) {
    Buffer bytes;
    append_method(bytes, channel, id, &arguments);
    return std::string(bytes.view());
  }
  static std::string start(const char* mechanisms = "AMQPLAIN PLAIN") {
    amqp_connection_start_t start{};
    start.version_minor = 9;
    start.mechanisms = amqp_cstring_bytes(mechanisms);
    start.locales = amqp_cstring_bytes("en_US");
    return method(0, AMQP_CONNECTION_START_METHOD, start);
  }
  static std::string tune(std::uint32_t frame_max = 131'072) {
    amqp_connection_tune_t tune{2'047, frame_max, 60};
    return method(0, AMQP_CONNECTION_TUNE_METHOD, tune);
  }
  static std::string open_ok() { return method(0, AMQP_CONNECTION_OPEN_OK_METHOD, amqp_connection_open_ok_t{}); }
  void open(std::size_t piece = SIZE_MAX) {
    feed(start() + tune() + open_ok(), piece);
    out.clear();
  }
  void open_channel(ChannelId channel) {
    session.open_channel(channel, {});
    feed(method(channel, AMQP_CHANNEL_OPEN_OK_METHOD, amqp_channel_open_ok_t{}));
    out.clear();
  }
  static std::string close_channel(ChannelId channel, std::uint16_t code, const char* text) {
    amqp_channel_close_t close{code, amqp_cstring_bytes(text), 60, 40};
    return method(channel, AMQP_CHANNEL_CLOSE_METHOD, close);
  }
  static std::string close(std::uint16_t code, const char* text) {
    amqp_connection_close_t close{code, amqp_cstring_bytes(text), 0, 0};
    return method(0, AMQP_CONNECTION_CLOSE_METHOD, close);
  }
  static std::string deliver(ChannelId channel, std::uint64_t tag) {
    amqp_basic_deliver_t deliver{};
    deliver.delivery_tag = tag;
    deliver.consumer_tag = amqp_cstring_bytes("c");
    return method(channel, AMQP_BASIC_DELIVER_METHOD, deliver);
  }
  static std::string frame(FrameType type, ChannelId channel, const std::string& payload) {
    std::string bytes(k_frame_head, '\0');
    bytes[0] = static_cast<char>(type);
    store<std::uint16_t>(bytes.data() + 1, channel);
    store<std::uint32_t>(bytes.data() + 3, static_cast<std::uint32_t>(payload.size()));
    return bytes + payload + k_frame_end;
  }
  static std::string header(ChannelId channel, std::uint64_t size, const std::string& id) {
    std::string payload(14, '\0');
    store<std::uint16_t>(payload.data(), AMQP_BASIC_CLASS);
    store<std::uint64_t>(payload.data() + 4, size);
    store<std::uint16_t>(payload.data() + 12, flag::k_correlation_id);
    payload += static_cast<char>(id.size());
    return frame(FrameType::header, channel, payload + id);
  }

  Buffer out;
  Session session;
  std::string rest;
  int opened = 0;
  std::vector<Error> failures;
  std::vector<std::uint64_t> tags, unreadable;
  std::vector<ChannelId> channels;
  std::vector<std::string> ids, bodies, closed, blocked;
  std::vector<amqp_method_number_t> methods;

 private:
  static Login login() {
    Login login;
    login.user = "me";
    login.password = "secret";
    login.vhost = "world";
    login.name = "test";
    login.heartbeat = std::chrono::seconds(10);
    login.max_message = 1'000'000;
    return login;
  }
};

TEST(AmqpSession, LogsInStepByStep) {
  Rig rig;
  EXPECT_EQ(rig.out.view(), std::string_view("AMQP\0\0\x09\x01", 8));
  rig.out.clear();
  rig.feed(Rig::start());
  Pool pool;
  auto frames = frames_of(rig.out.view());
  ASSERT_EQ(frames.size(), 1u);
  const auto start_ok = decoded<amqp_connection_start_ok_t>(frames[0], pool);
  EXPECT_EQ(to_view(start_ok.mechanism), "PLAIN");
  EXPECT_EQ(to_view(start_ok.response), std::string_view("\0me\0secret", 10));
  rig.out.clear();
  rig.feed(Rig::tune(8'192));
  frames = frames_of(rig.out.view());
  ASSERT_EQ(frames.size(), 2u);
  const auto tune_ok = decoded<amqp_connection_tune_ok_t>(frames[0], pool);
  EXPECT_EQ(tune_ok.heartbeat, 10);
  EXPECT_EQ(tune_ok.frame_max, 8'192u);
  EXPECT_EQ(to_view(decoded<amqp_connection_open_t>(frames[1], pool).virtual_host), "world");
  EXPECT_EQ(rig.opened, 0);
  rig.feed(Rig::open_ok());
  EXPECT_EQ(rig.opened, 1);
  EXPECT_TRUE(rig.session.is_open());
}

TEST(AmqpSession, SaysWhyItWasNotLetIn) {
  {
    Rig rig;
    rig.feed(Rig::start() + Rig::close(403, "ACCESS_REFUSED - Login was refused"));
    ASSERT_EQ(rig.failures.size(), 1u);
    EXPECT_TRUE(rig.failures[0].code() == errc::unauthorized);
    EXPECT_EQ(std::string(rig.failures[0].what()).find("secret"), std::string::npos);
  }
  {
    Rig rig;
    rig.feed(Rig::start() + Rig::tune() + Rig::close(530, "NOT_ALLOWED - vhost world not found"));
    ASSERT_EQ(rig.failures.size(), 1u);
    EXPECT_TRUE(rig.failures[0].code() == errc::invalid_config);
    EXPECT_NE(rig.failures[0].message().find("vhost world"), std::string_view::npos) << rig.failures[0].what();
  }
}

TEST(AmqpSession, ABrokerThatTakesNoPlainPasswordIsTold) {
  Rig rig;
  rig.feed(Rig::start("AMQPLAIN EXTERNAL"));
  ASSERT_EQ(rig.failures.size(), 1u) << "a part of another word is no mechanism";
  EXPECT_NE(rig.failures[0].message().find("AMQPLAIN EXTERNAL"), std::string_view::npos) << rig.failures[0].what();
}

TEST(AmqpSession, KnowsThatItTalksToSomethingElse) {
  for (const auto& said : {std::string("HTTP/1.1 400 Bad Request\r\n"), std::string("-ERR unknown command"),
                           std::string("AMQP\x00\x01\x00\x00", 8), std::string("\x15\x03\x01\x00\x02", 5)}) {
    Rig rig;
    rig.feed(said);
    ASSERT_EQ(rig.failures.size(), 1u) << said;
    EXPECT_TRUE(rig.failures[0].code() == errc::invalid_config);
  }
}

TEST(AmqpSession, PutsMessagesTogetherAtEverySplit) {
  const std::string large(300'000, 'x');
  std::string bytes = Rig::deliver(1, 1) + Rig::header(1, 5, "a") + Rig::frame(FrameType::body, 1, "hello");
  bytes += Rig::frame(FrameType::heartbeat, 0, "");
  bytes += Rig::deliver(1, 2) + Rig::header(1, 0, "b");
  bytes += Rig::deliver(1, 3) + Rig::header(1, 4, "c") + Rig::frame(FrameType::body, 1, "wo") +
           Rig::frame(FrameType::heartbeat, 0, "") + Rig::frame(FrameType::body, 1, "rd");
  for (std::size_t piece = 1; piece < bytes.size(); ++piece) {
    Rig rig;
    rig.open();
    rig.open_channel(1);
    rig.feed(bytes, piece);
    ASSERT_EQ(rig.bodies, (std::vector<std::string>{"hello", "", "word"})) << piece;
    EXPECT_EQ(rig.tags, (std::vector<std::uint64_t>{1, 2, 3}));
    EXPECT_EQ(rig.ids, (std::vector<std::string>{"a", "b", "c"}));
    EXPECT_TRUE(rig.failures.empty());
  }
}

TEST(AmqpSession, PutsLargeAndMixedMessagesTogether) {
  const std::string half(100'000, 'x');
  Rig rig;
  rig.open();
  rig.open_channel(1);
  rig.open_channel(2);
  rig.feed(Rig::deliver(1, 1) + Rig::header(1, 200'000, "large") + Rig::frame(FrameType::body, 1, half) +
               Rig::deliver(2, 1) + Rig::header(2, 2, "small") + Rig::frame(FrameType::body, 2, "hi") +
               Rig::frame(FrameType::body, 1, half),
           1'000);
  EXPECT_TRUE(rig.failures.empty());
  ASSERT_EQ(rig.bodies.size(), 2u);
  EXPECT_EQ(rig.bodies[0], "hi");
  EXPECT_EQ(rig.bodies[1], half + half);
  EXPECT_EQ(rig.channels, (std::vector<ChannelId>{2, 1}));
}

TEST(AmqpSession, AMessageThatIsTooLargeCostsItselfAndNoNeighbour) {
  const std::string piece(100'000, 'x');
  std::string large = Rig::deliver(1, 2) + Rig::header(1, 1'100'000, "large");
  for (int i = 0; i < 11; ++i) large += Rig::frame(FrameType::body, 1, piece);
  std::string bad_header(14, '\xff');
  store<std::uint16_t>(bad_header.data(), AMQP_BASIC_CLASS);
  store<std::uint64_t>(bad_header.data() + 4, 0);
  const std::string unreadable = Rig::deliver(1, 3) + Rig::frame(FrameType::header, 1, bad_header);
  const auto small = [](std::uint64_t tag) {
    return Rig::deliver(1, tag) + Rig::header(1, 2, "s") + Rig::frame(FrameType::body, 1, "hi");
  };
  for (const std::size_t split : {std::size_t{1'000}, SIZE_MAX}) {
    Rig rig;
    rig.open();
    rig.open_channel(1);
    rig.feed(small(1) + large + unreadable + small(4), split);
    EXPECT_TRUE(rig.failures.empty());
    EXPECT_EQ(rig.tags, (std::vector<std::uint64_t>{1, 4}));
    EXPECT_EQ(rig.unreadable, (std::vector<std::uint64_t>{2, 3}));
  }
}

TEST(AmqpSession, AGoodbyeIsOverWhenTheBrokerHasAnsweredIt) {
  Rig rig;
  rig.open();
  rig.open_channel(1);
  rig.session.close();
  EXPECT_EQ(method_of(frames_of(rig.out.view()).back()),
            static_cast<amqp_method_number_t>(AMQP_CONNECTION_CLOSE_METHOD));
  EXPECT_FALSE(rig.session.is_failed()) << "what was sent before may not have been taken yet";
  rig.feed(Rig::deliver(1, 1) + Rig::header(1, 2, "a") + Rig::frame(FrameType::body, 1, "hi"));
  EXPECT_TRUE(rig.bodies.empty()) << "nobody takes it any more";
  EXPECT_FALSE(rig.session.is_failed());
  rig.feed(Rig::method(0, AMQP_CONNECTION_CLOSE_OK_METHOD, amqp_connection_close_ok_t{}));
  EXPECT_TRUE(rig.session.is_failed());
  EXPECT_TRUE(rig.failures.empty());
}

TEST(AmqpSession, AnswersComeInTheOrderOfTheCalls) {
  Rig rig;
  rig.open();
  rig.open_channel(1);
  std::string log;
  const auto note = [&log](const char* name) {
    return [&log, name](const Result<Method>& answer) { log += answer ? name : std::string("!") + name; };
  };
  amqp_basic_qos_t qos{};
  for (const char* name : {"a", "b", "c"})
    rig.session.call(1, AMQP_BASIC_QOS_METHOD, &qos, {AMQP_BASIC_QOS_OK_METHOD, 0}, "limiting", note(name));
  rig.feed(Rig::method(1, AMQP_BASIC_QOS_OK_METHOD, amqp_basic_qos_ok_t{}));
  EXPECT_EQ(log, "a");
  rig.feed(Rig::close_channel(1, 404, "NOT_FOUND - no queue 'q' in vhost '/'"));
  EXPECT_EQ(log, "a!b!c");
  ASSERT_EQ(rig.closed.size(), 1u);
  EXPECT_NE(rig.closed[0].find("no queue q"), std::string::npos) << rig.closed[0];
  EXPECT_FALSE(rig.session.is_channel_open(1));
  EXPECT_TRUE(rig.session.is_open()) << "only the channel is gone";
  rig.open_channel(1);
  EXPECT_TRUE(rig.session.is_channel_open(1));
}

TEST(AmqpSession, TellsWhatNobodyAskedFor) {
  Rig rig;
  rig.open();
  rig.open_channel(1);
  amqp_basic_ack_t ack{7, 1};
  amqp_basic_cancel_t cancel{amqp_cstring_bytes("c"), 1};
  amqp_connection_blocked_t blocked{amqp_cstring_bytes("low on memory")};
  rig.feed(Rig::method(1, AMQP_BASIC_ACK_METHOD, ack) + Rig::method(1, AMQP_BASIC_CANCEL_METHOD, cancel) +
           Rig::method(0, AMQP_CONNECTION_BLOCKED_METHOD, blocked) +
           Rig::method(0, AMQP_CONNECTION_UNBLOCKED_METHOD, amqp_connection_unblocked_t{}));
  EXPECT_EQ(rig.methods, (std::vector<amqp_method_number_t>{AMQP_BASIC_ACK_METHOD, AMQP_BASIC_CANCEL_METHOD}));
  EXPECT_EQ(rig.blocked, (std::vector<std::string>{"low on memory", ""}));
}

TEST(AmqpSession, TheBrokersGoodbyeIsAnswered) {
  Rig rig;
  rig.open();
  rig.feed(Rig::close(320, "CONNECTION_FORCED - broker forced connection closure"));
  ASSERT_EQ(rig.failures.size(), 1u);
  EXPECT_TRUE(rig.failures[0].code() == errc::connection_lost);
  EXPECT_EQ(method_of(frames_of(rig.out.view()).back()),
            static_cast<amqp_method_number_t>(AMQP_CONNECTION_CLOSE_OK_METHOD));
}

TEST(AmqpSession, HostileFramesEndItOnce) {
  const std::string tag = Rig::deliver(1, 1);
  const std::vector<std::string> cases{
      Rig::frame(FrameType::body, 1, "x"),                                          // no beginning
      Rig::header(1, 1, "a"),                                                       // no method
      tag + Rig::header(1, 2'000'000, "a"),                                         // too large
      tag + Rig::header(1, 200'000, "a") + Rig::frame(FrameType::header, 1, "x"),   // a second header
      tag + Rig::header(1, 1, "a") + Rig::frame(FrameType::body, 1, "xyz"),         // longer than it said
      tag + Rig::frame(FrameType::body, 1, "x"),                                    // no header
      tag + tag,                                                                    // a method inside
      Rig::deliver(99, 1),                                                          // no such channel
      Rig::frame(FrameType::method, 1, "abc"),                                      // no method at all
      Rig::frame(FrameType::method, 1, std::string("\0\x3c\0\x3c\xff", 5)),         // cut short
      Rig::method(1, AMQP_BASIC_QOS_OK_METHOD, amqp_basic_qos_ok_t{}),              // nobody asked
      Rig::method(0, AMQP_CONNECTION_OPEN_OK_METHOD, amqp_connection_open_ok_t{}),  // again
      std::string("\x01\0\x01\xff\xff\xff\xff", 7),                                 // a frame of 4 GiB
  };
  for (std::size_t i = 0; i < cases.size(); ++i) {
    for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, SIZE_MAX}) {
      Rig rig;
      rig.open();
      rig.open_channel(1);
      rig.feed(cases[i] + cases[i], piece);
      EXPECT_EQ(rig.failures.size(), 1u) << i << " by " << piece;
    }
  }
}

TEST(AmqpSession, AnyBytesEndItAtWorst) {
  std::mt19937 random(11);
  const std::string good = Rig::deliver(1, 1) + Rig::header(1, 5, "a") + Rig::frame(FrameType::body, 1, "hello") +
                           Rig::close_channel(1, 404, "x") + Rig::close(320, "y");
  for (int round = 0; round < 5'000; ++round) {
    std::string bytes = good;
    for (int i = 0; i < 3; ++i) bytes[random() % bytes.size()] = static_cast<char>(random());
    Rig rig;
    rig.open();
    rig.open_channel(1);
    rig.feed(bytes, 1 + random() % 60);
    EXPECT_LE(rig.failures.size(), 1u);
  }
}

}  // namespace
}  // namespace waybill::amqp
