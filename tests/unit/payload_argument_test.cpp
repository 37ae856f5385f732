// Handlers and callers that take a Payload: whose bytes it has, and that these are one whole value.
#include "service_rig.hpp"

#include <asio/ip/tcp.hpp>
#include <asio/read.hpp>
#include <asio/read_until.hpp>
#include <asio/write.hpp>

namespace waybill::test {
namespace {

class PayloadArgument : public ServiceRig {
 protected:
  void emit(Client& client, const std::string& pattern, char letter) {
    const std::string text(60, letter);
    run_until(loop, client.emit(pattern, text));
  }
  /// Two events, one behind the other: the second is where the first one was.
  void send_two(const std::string& pattern) {
    start();
    Client& client = connect();
    emit(client, pattern, 'a');
    ASSERT_TRUE(wait_until([this] { return count == 1; }));
    emit(client, pattern, 'b');
    ASSERT_TRUE(wait_until([this] { return count == 2; }));
  }
  void keep(Payload payload) {
    const std::lock_guard lock(mutex);
    kept.push_back(std::move(payload));
    ++count;
  }
  void expect_both() {
    const std::lock_guard lock(mutex);
    ASSERT_EQ(kept.size(), 2u);
    EXPECT_EQ(kept[0].decode<std::string>(), std::string(60, 'a'));
    EXPECT_EQ(kept[1].decode<std::string>(), std::string(60, 'b'));
  }

  std::mutex mutex;
  std::vector<Payload> kept;
  std::atomic<int> count{0};
};

TEST_P(PayloadArgument, KeptByMoving) {
  service->on_event("keep", [this](Payload payload) { keep(std::move(payload)); });
  send_two("keep");
  expect_both();
}

TEST_P(PayloadArgument, KeptByCopying) {
  service->on_event("keep", [this](Payload payload) {
    const Payload copy = payload;
    keep(copy);
  });
  send_two("keep");
  expect_both();
}

TEST_P(PayloadArgument, KeptFromAnRvalue) {
  service->on_event("keep", [this](Payload&& payload) { keep(std::move(payload)); });
  send_two("keep");
  expect_both();
}

TEST_P(PayloadArgument, KeptByOwningWhatIsLent) {
  service->on_event("keep", [this](const Payload& payload) { keep(payload.own()); });
  send_two("keep");
  expect_both();
}

TEST_P(PayloadArgument, KeptByCopyingWhatIsLent) {
  service->on_event("keep", [this](const Payload& payload) {
    Payload copy;
    copy = payload;
    keep(copy);
  });
  send_two("keep");
  expect_both();
}

TEST_P(PayloadArgument, MovedFromItIsEmpty) {
  service->on_event("keep", [this](Payload payload) {
    keep(std::move(payload));
    EXPECT_TRUE(payload.empty());  // NOLINT: this is what is asked
    EXPECT_TRUE(payload.bytes().empty());
  });
  send_two("keep");
  expect_both();
}

TEST_P(PayloadArgument, SentBackAsItWasLent) {
  service->on_request("echo", [](const Payload& payload) -> const Payload& { return payload; });
  start();
  EXPECT_EQ(run_until(loop, connect().request<std::string>("echo", std::string(60, 'a'))), std::string(60, 'a'));
}

TEST_P(PayloadArgument, KeptFromTheContext) {
  service->on_event("keep", [this](Context& context) { keep(context.payload()); });
  send_two("keep");
  expect_both();
}

TEST_P(PayloadArgument, KeptByACoroutineAndAStream) {
  service->on_event("keep", [this](Payload payload) -> asio::awaitable<void> {
    co_await turn();
    keep(std::move(payload));
  });
  service->on_request("rows", [this](const Payload& payload) -> Stream<int> {
    co_await turn();
    co_yield payload.decode<int>();
    co_await turn();
    co_yield payload.decode<int>();
  });
  send_two("keep");
  expect_both();
  const auto all = read(connect(), "rows", 7);
  ASSERT_TRUE(wait_for(all));
  EXPECT_EQ(all->values, (std::vector<int>{7, 7}));
}

INSTANTIATE_TEST_SUITE_P(All, PayloadArgument, all_grounds(), name_of_ground);

/// A peer that writes what is no JSON behind a proper length.
class MalformedPayload : public ServiceRig {
 protected:
  static constexpr std::string_view k_bad = R"({"a":1}}}x{"b":2})";

  asio::awaitable<std::string> ask_raw(std::string pattern) {
    const std::string url = address();
    const auto port = static_cast<std::uint16_t>(std::stoi(url.substr(url.rfind(':') + 1)));
    asio::ip::tcp::socket socket(loop);
    co_await socket.async_connect({asio::ip::address_v4::loopback(), port}, asio::use_awaitable);
    co_await write(socket, R"({"pattern":")" + pattern + R"(","data":)" + std::string(k_bad) + R"(,"id":"evil"})");
    co_return co_await read_frame(socket);
  }
  static asio::awaitable<void> write(asio::ip::tcp::socket& socket, std::string body) {
    const std::string frame = std::to_string(body.size()) + "#" + body;
    co_await asio::async_write(socket, asio::buffer(frame), asio::use_awaitable);
  }
  static asio::awaitable<std::string> read_frame(asio::ip::tcp::socket& socket) {
    std::string head;
    const std::size_t length =
        co_await asio::async_read_until(socket, asio::dynamic_buffer(head), '#', asio::use_awaitable);
    const auto size = static_cast<std::size_t>(std::stoul(head.substr(0, length - 1)));
    std::string body = head.substr(length);
    const std::size_t begun = body.size();
    if (begun < size) {
      body.resize(size);
      co_await asio::async_read(socket, asio::buffer(body.data() + begun, size - begun), asio::use_awaitable);
    }
    co_return body;
  }
};

TEST_P(MalformedPayload, ReachesNoHandlerAndNoBackEnd) {
  std::atomic<int> reached{0};
  service->on_request("value", [&](Payload payload) { return ++reached, payload; });
  service->on_request("lent", [&](const Payload& payload) { return ++reached, payload; });
  service->on_request("later", [&](Payload payload) -> asio::awaitable<Payload> {
    ++reached;
    co_await turn();
    co_return payload;
  });
  service->on_request("rows", [&](Payload payload) -> Stream<Payload> {
    ++reached;
    co_yield payload;
  });
  service->on_request("context", [&](Context& context) {
    const Payload payload = context.payload();
    ++reached;
    return payload;
  });
  start();
  for (const char* pattern : {"value", "lent", "later", "rows", "context"}) {
    const std::string answer = run_until(loop, ask_raw(pattern));
    EXPECT_NE(answer.find(R"("err":)"), std::string::npos) << pattern << ": " << answer;
    EXPECT_EQ(answer.find("}}x{"), std::string::npos) << pattern << ": " << answer;
  }
  EXPECT_EQ(reached, 0);
}

TEST_P(MalformedPayload, InAReplyIsAnErrorOfTheCall) {
  start();
  asio::ip::tcp::acceptor acceptor(loop, {asio::ip::address_v4::loopback(), 0});
  const auto serve = [&]() -> asio::awaitable<void> {
    asio::ip::tcp::socket socket(loop);
    co_await acceptor.async_accept(socket, asio::use_awaitable);
    for (const char* member : {"response", "err"}) {
      const std::string request = co_await read_frame(socket);
      const auto at = request.find(R"("id":")");
      const std::string id = request.substr(at + 6, request.find('"', at + 6) - at - 6);
      co_await write(socket, R"({")" + std::string(member) + R"(":)" + std::string(k_bad) +
                                 R"(,"isDisposed":true,"id":")" + id + R"("})");
    }
    co_await read_frame(socket);  // until the client goes
  };
  asio::co_spawn(loop, serve(), [](std::exception_ptr) {});
  Client client(loop.get_executor(), "tcp://127.0.0.1:" + std::to_string(acceptor.local_endpoint().port()));
  std::vector<Error> errors;
  for (int i = 0; i < 2; ++i) {
    client.request<Payload>("any", 1, [&](Result<Payload> answer) {
      errors.push_back(answer ? Error("none", std::string(answer->bytes().view())) : answer.error());
    });
    ASSERT_TRUE(wait_until([&] { return errors.size() == static_cast<std::size_t>(i) + 1; }));
  }
  EXPECT_EQ(errors[0].code(), errc::payload_malformed) << errors[0].what();
  EXPECT_EQ(errors[1].code(), errc::remote) << errors[1].what();
  Buffer answered;  // what a handler that lets it through answers with
  const Serializer& json = *default_registry()->serializer("json").value();
  errors[1].encode(json, answered);
  EXPECT_TRUE(json.lend(answered.borrow())) << answered.view();
  client.close();
  run_ready(loop);
}

INSTANTIATE_TEST_SUITE_P(Tcp, MalformedPayload,
                         testing::Values(Ground{"tcp://127.0.0.1:0", 0}, Ground{"tcp://127.0.0.1:0", 4}),
                         name_of_ground);

}  // namespace
}  // namespace waybill::test
