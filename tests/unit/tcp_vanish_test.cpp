// Other sides that vanish without a word (power, a pulled cable, a firewall that forgets): both ends of tcp notice.
#include "support/vanish.hpp"
#include "tcp_rig.hpp"

#include <gtest/gtest.h>

namespace waybill::test {
namespace {

const std::string k_request = framed(R"({"pattern":"echo","data":"x","id":"1"})");
const std::string k_asks_soon = "keepalive=1s&keepalive_interval=1s&keepalive_probes=1&ack_timeout=0";

/// A server that the test plays itself.
struct RawServer {
  explicit RawServer(TcpRig& its_rig)
      : rig(its_rig), acceptor(rig.loop, {asio::ip::address_v4::loopback(), 0}), accepted(rig.loop) {
    rig.port = acceptor.local_endpoint().port();
    acceptor.set_option(asio::socket_base::receive_buffer_size(256 << 10));  // some systems would take megabytes unread
  }
  void connect(const std::string& options) {
    acceptor.async_accept(accepted, [](const asio::error_code&) {});
    ASSERT_TRUE(rig.connect(options));
    ASSERT_TRUE(eventually(rig.loop, [&] { return accepted.is_open(); }));
  }
  TcpRig& rig;
  asio::ip::tcp::acceptor acceptor;
  asio::ip::tcp::socket accepted;
};

TEST(TcpVanish, ByDefaultBothSidesNoticeWithinHalfAMinute) {
  const tcp::Options options = tcp::Options::from_url(Url::parse("tcp://localhost").value()).value();
  const auto idle = options.keepalive + options.keepalive_interval * static_cast<int>(options.keepalive_probes);
  EXPECT_LE(idle, std::chrono::seconds(30));
  EXPECT_GT(options.keepalive.count(), 0);
  EXPECT_LE(options.ack_timeout + options.ack_timeout / 4, std::chrono::seconds(30));
  EXPECT_GT(options.ack_timeout.count(), 0);
}

TEST(TcpVanish, AServiceNoticesThatAnIdleClientHasVanished) {
  TcpRig rig;
  rig.keep = true;
  rig.listen(k_asks_soon);
  auto client = rig.raw();
  rig.talk(client, k_request, [&](auto&) { return rig.sink.deliveries.size() == 1; });
  vanish(client);
  EXPECT_TRUE(rig.sink.deliveries.front().source().is_connected());
  EXPECT_TRUE(eventually(rig.loop, [&] { return !rig.sink.deliveries.front().source().is_connected(); }));
}

TEST(TcpVanish, AClientThatOnlyWaitsNoticesThatItsServiceHasVanished) {
  TcpRig rig;
  RawServer server(rig);
  server.connect(k_asks_soon);
  vanish(server.accepted);
  ASSERT_TRUE(eventually(rig.loop, [&] { return !rig.replies.lost.empty(); }));
  EXPECT_TRUE(rig.replies.lost[0].code() == errc::connection_lost);
}

TEST(TcpVanish, AClientNoticesThatNobodyAcknowledgesItsRequest) {
  TcpRig rig;
  RawServer server(rig);
  server.connect("keepalive=0&ack_timeout=200ms");
  vanish(server.accepted);
  rig.connection->send(rig.request("1", "1"), 0);
  ASSERT_TRUE(eventually(rig.loop, [&] { return !rig.replies.lost.empty(); }));
  EXPECT_NE(std::string(rig.replies.lost[0].what()).find("vanished"), std::string::npos) << rig.replies.lost[0].what();
}

TEST(TcpVanish, AServiceNoticesThatNobodyAcknowledgesItsReply) {
  TcpRig rig;
  rig.keep = true;
  rig.listen("keepalive=0&ack_timeout=200ms");
  auto client = rig.raw();
  rig.talk(client, k_request, [&](auto&) { return rig.sink.deliveries.size() == 1; });
  vanish(client);
  TcpRig::echo(rig.sink.deliveries.front());
  EXPECT_TRUE(eventually(rig.loop, [&] { return !rig.sink.deliveries.front().source().is_connected(); }));
}

TEST(TcpVanish, AServiceThatOnlyStopsReadingKeepsItsClient) {
  TcpRig rig;
  RawServer pausing(rig);
  pausing.connect("keepalive=0&ack_timeout=1s");
  const std::string much = "\"" + std::string(12u << 20, 'x') + "\"";  // more than the system's buffers hold
  rig.connection->send(rig.request("1", much), 0);
  rig.connection->send(rig.request("2", much), 0);
  const auto patient = std::move(rig.connection);
  KeepingConnectionSink others;
  // Another one vanishes and is noticed, several times over: the first has had its chance to be mistaken for it.
  for (int i = 0; i < 2; ++i) {
    RawServer vanishing(rig);
    vanishing.connect("keepalive=0&ack_timeout=1s");
    vanish(vanishing.accepted);
    rig.connection->send(rig.request("3", "3"), 0);
    ASSERT_TRUE(eventually(rig.loop, [&] { return rig.replies.lost.size() == static_cast<std::size_t>(i + 1); }));
    rig.connection->close();
  }
  EXPECT_EQ(rig.replies.lost.size(), 2u);
  EXPECT_GT(patient->unsent_bytes(), 0u) << "it was not held back at all";
  patient->close();
}

}  // namespace
}  // namespace waybill::test
