// Payloads that come over binary framing, with their length beside them: they are looked at where they are used.
#include "service_rig.hpp"

#include <asio/ip/tcp.hpp>
#include <asio/read.hpp>
#include <asio/write.hpp>

#include <algorithm>
#include <map>
#include <optional>

namespace waybill::test {
namespace {

/// A peer that writes what is no JSON as a payload.
class UnseenPayload : public ServiceRig {
 protected:
  static constexpr std::string_view k_bad = R"({"a":1}}}x{"b":2})";

  struct Answer {
    char kind;
    std::string payload;
  };

  /// In the layout of transports/tcp/src/wire/binary_frame.hpp; lengths below 256.
  static std::string frame_of(char kind, std::string_view pattern, std::string_view id, std::string_view payload) {
    std::string head(20, '\0');
    const char flags = pattern.empty() ? 3 : 6;  // last and payload; payload and pattern
    head[4] = kind;
    head[5] = flags;
    head[6] = static_cast<char>(pattern.size());
    head[8] = static_cast<char>(id.size());
    head[11] = 4;  // of "json"
    std::string frame = head + "json" + std::string(pattern) + std::string(id) + std::string(payload);
    frame[0] = static_cast<char>(frame.size() - 4);
    return frame;
  }
  static asio::awaitable<std::string> read_some(asio::ip::tcp::socket& socket, std::size_t size) {
    std::string bytes(size, '\0');
    co_await asio::async_read(socket, asio::buffer(bytes), asio::use_awaitable);
    co_return bytes;
  }
  static asio::awaitable<std::string> read_binary(asio::ip::tcp::socket& socket) {
    const std::string length = co_await read_some(socket, 4);
    const std::string rest = co_await read_some(
        socket, static_cast<unsigned char>(length[0]) + 256u * static_cast<unsigned char>(length[1]));
    co_return length + rest;
  }
  asio::awaitable<Answer> ask(std::string pattern, std::string payload) {
    const std::string url = address();
    const auto port = static_cast<std::uint16_t>(std::stoi(url.substr(url.rfind(':') + 1)));
    asio::ip::tcp::socket socket(loop);
    co_await socket.async_connect({asio::ip::address_v4::loopback(), port}, asio::use_awaitable);
    const std::string opening = k_preface + frame_of(0, pattern, "evil", payload);
    co_await asio::async_write(socket, asio::buffer(opening), asio::use_awaitable);
    co_await read_some(socket, 4);
    const std::string frame = co_await read_binary(socket);
    const std::size_t names = static_cast<unsigned char>(frame[11]) + std::size_t{4};
    co_return Answer{frame[4], frame.substr(20 + names)};
  }

  const std::string k_preface = std::string("\0WB\1", 4);
  static constexpr char k_value = 2, k_error = 3;
};

struct Envelope {
  Payload inner;
};

TEST_P(UnseenPayload, IsAnErrorWhereItIsLookedAtOrPutIntoAnotherValue) {
  std::optional<Payload> kept;
  std::atomic<int> reached{0};
  service->on_request("bytes", [](const Payload& payload) { return static_cast<int>(payload.bytes().size()); });
  service->on_request("decode", [](Payload payload) { return payload.decode<Payload>(); });
  service->on_request("inner", [](const Payload& payload) { return Envelope{payload}; });
  service->on_request("later", [](Payload payload) -> asio::awaitable<Envelope> {
    co_await turn();
    co_return Envelope{std::move(payload)};
  });
  service->on_request("context", [](Context& context) { return Envelope{context.payload()}; });
  service->on_request("typed", [&](Envelope envelope) { return ++reached, envelope; });
  service->on_request("keep", [&](Payload payload) { kept = std::move(payload); });
  start();
  for (const char* pattern : {"bytes", "decode", "inner", "later", "context", "typed"}) {
    const Answer answer = run_until(loop, ask(pattern, std::string(k_bad)));
    EXPECT_EQ(answer.kind, k_error) << pattern << ": " << answer.payload;
    EXPECT_EQ(answer.payload.find("}}x{"), std::string::npos) << pattern << ": " << answer.payload;
  }
  EXPECT_EQ(reached, 0);
  run_until(loop, ask("keep", std::string(k_bad)));
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->check().error().code(), errc::payload_malformed);
  EXPECT_THROW(kept->bytes(), Error);
  EXPECT_THROW(Payload(*kept).bytes(), Error) << "a copy is not better";
  Buffer out;
  EXPECT_FALSE(kept->serializer()->encode(ValueRef::of(*kept), out));
  EXPECT_TRUE(out.empty());
  Client other(loop.get_executor(), "tcp://127.0.0.1:1");
  std::optional<Error> error;
  other.request<Payload>("any", *kept, [&](Result<Payload> answer) { error = answer.error(); });
  ASSERT_TRUE(wait_until([&] { return error.has_value(); }));
  EXPECT_EQ(error->code(), errc::payload_malformed) << error->what();
  CallOptions options;
  options.metadata = *kept;
  for (const bool is_elsewhere : {false, true}) {
    std::atomic<bool> is_refused{false};
    const auto call = [&] {
      other.request<int>("any", 1, options, [&](Result<int> answer) {
        is_refused = answer.error().code() == errc::payload_malformed && answer.error().end() == End::rejected;
      });
    };
    if (is_elsewhere) {
      std::thread(call).join();
    } else {
      call();
    }
    EXPECT_TRUE(wait_until([&] { return is_refused.load(); })) << "as metadata";
  }
  other.close();
  run_ready(loop);
}

TEST(Metadata, OfAnotherFormatThanTheClientsEndsTheCall) {
  asio::io_context own_loop;
  Client client(own_loop.get_executor(), "tcp://127.0.0.1:1");
  CallOptions options;
  options.metadata =
      Payload::of(std::map<std::string, int>{{"a", 1}}, *default_registry()->serializer("msgpack").value());
  std::optional<Error> error;
  client.request<int>("any", 1, options, [&](Result<int> answer) { error = answer.error(); });
  client.close();
  own_loop.run();
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), errc::payload_mismatch) << error->what();
  EXPECT_NE(error->message().find("msgpack"), std::string_view::npos) << error->what();
}

TEST_P(UnseenPayload, GoesBackToWhoSentItAsItCame) {
  service->on_request("value", [](Payload payload) { return payload; });
  service->on_request("lent", [](const Payload& payload) -> const Payload& { return payload; });
  start();
  const std::vector<std::string> payloads{R"({"a":[1, 2]})", R"( "x")", std::string(k_bad)};
  for (const char* pattern : {"value", "lent"}) {
    for (const std::string& payload : payloads) {
      const Answer answer = run_until(loop, ask(pattern, payload));
      EXPECT_EQ(answer.kind, k_value);
      EXPECT_EQ(answer.payload, payload);
    }
  }
}

TEST_P(UnseenPayload, HasNothingOfTheMessageBeforeIt) {
  service->on_request("says", [](Context& context) {
    return std::to_string(context.has_payload()) + " " + std::to_string(context.headers().size());
  });
  start();
  const std::string full = frame_of(0, "says", "a", "7");
  std::string bare = frame_of(0, "says", "b", "");
  bare[5] = 4;           // pattern alone
  bare[10] = char(255);  // no serializer
  bare[11] = 0;          // and no name of one
  bare.erase(20, 4);
  bare[0] = static_cast<char>(bare.size() - 4);
  std::string with_headers = frame_of(0, "says", "c", "7");
  with_headers.insert(with_headers.size() - 1, std::string("\1\0\1\0\1\0\0\0nv", 10));
  with_headers[12] = 10;
  with_headers[0] = static_cast<char>(with_headers.size() - 4);
  std::vector<std::string> answers;
  const auto ask_all = [&]() -> asio::awaitable<void> {
    const std::string url = address();
    const auto port = static_cast<std::uint16_t>(std::stoi(url.substr(url.rfind(':') + 1)));
    asio::ip::tcp::socket socket(loop);
    co_await socket.async_connect({asio::ip::address_v4::loopback(), port}, asio::use_awaitable);
    const std::string all = k_preface + full + bare + with_headers + full + bare;
    co_await asio::async_write(socket, asio::buffer(all), asio::use_awaitable);
    co_await read_some(socket, 4);
    for (int i = 0; i < 5; ++i) {
      const std::string frame = co_await read_binary(socket);
      answers.push_back(frame.substr(frame.find('"')));
    }
  };
  run_until(loop, ask_all());
  std::sort(answers.begin(), answers.end());  // a pool answers in any order
  EXPECT_EQ(answers, (std::vector<std::string>{R"("0 0")", R"("0 0")", R"("1 0")", R"("1 0")", R"("1 1")"}));
}

TEST_P(UnseenPayload, InAReplyIsAnErrorWhereItIsLookedAt) {
  start();
  asio::ip::tcp::acceptor acceptor(loop, {asio::ip::address_v4::loopback(), 0});
  const auto serve = [&]() -> asio::awaitable<void> {
    asio::ip::tcp::socket socket(loop);
    co_await acceptor.async_accept(socket, asio::use_awaitable);
    co_await read_some(socket, 4);
    co_await asio::async_write(socket, asio::buffer(k_preface), asio::use_awaitable);
    const std::vector<std::string> payloads{R"({"a":1})", std::string(k_bad)};
    for (const std::string& payload : payloads) {
      const std::string request = co_await read_binary(socket);
      const std::size_t names = static_cast<unsigned char>(request[11]) + static_cast<unsigned char>(request[6]);
      const std::string id = request.substr(20 + names, static_cast<unsigned char>(request[8]));
      const std::string reply = frame_of(k_value, "", id, payload);
      co_await asio::async_write(socket, asio::buffer(reply), asio::use_awaitable);
    }
    co_await read_some(socket, 1);  // until the client goes
  };
  asio::co_spawn(loop, serve(), [](std::exception_ptr) {});
  Client client(loop.get_executor(),
                "tcp://127.0.0.1:" + std::to_string(acceptor.local_endpoint().port()) + "?framing=binary");
  std::vector<Payload> answers;
  for (std::size_t i = 0; i < 2; ++i) {
    client.request<Payload>("any", 1, [&](Result<Payload> answer) {
      if (answer) answers.push_back(*std::move(answer));
    });
    ASSERT_TRUE(wait_until([&] { return answers.size() == i + 1; }));
  }
  EXPECT_EQ(answers[0].bytes().view(), R"({"a":1})");
  EXPECT_THROW(answers[1].bytes(), Error);
  EXPECT_THROW(answers[1].decode<Payload>(), Error);
  client.close();
  run_ready(loop);
}

INSTANTIATE_TEST_SUITE_P(Tcp, UnseenPayload,
                         testing::Values(Ground{"tcp://127.0.0.1:0", 0}, Ground{"tcp://127.0.0.1:0", 4}),
                         name_of_ground);

}  // namespace
}  // namespace waybill::test
