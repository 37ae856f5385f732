// Addresses of tcp: IPv6, names with several addresses, and name servers and hosts that do not answer.
#include "name_lookup.hpp"
#include "support/vanish.hpp"
#include "tcp_rig.hpp"
#include "waybill/transports/socket/dial.hpp"

#include <gtest/gtest.h>

#include <condition_variable>
#include <map>
#include <mutex>

namespace waybill::test {
namespace {

using asio::ip::tcp;
using socket::Endpoints;

/// A name server of the test's own: knows the names it was told, and never answers for "silent.test" while it lives.
class Names {
 public:
  Names() : before_(socket::NameLookup::exchange_system(ask)) { is_there() = true; }
  ~Names() {
    socket::NameLookup::exchange_system(before_);
    const std::lock_guard lock(mutex());
    is_there() = false;
    known().clear();
    gone().notify_all();
  }
  void add(const std::string& name, std::vector<asio::ip::address> addresses) {
    const std::lock_guard lock(mutex());
    known()[name] = std::move(addresses);
  }

 private:
  static Endpoints ask(const std::string& name, std::uint16_t port, asio::error_code& ec) {
    std::unique_lock lock(mutex());
    if (name == "silent.test") gone().wait(lock, [] { return !is_there(); });
    Endpoints endpoints;
    for (const auto& address : known()[name]) endpoints.emplace_back(address, port);
    if (endpoints.empty()) ec = asio::error::host_not_found;
    return endpoints;
  }
  // The thread that asks may outlive the test: never destroyed.
  static std::mutex& mutex() {
    static std::mutex& one = *new std::mutex;
    return one;
  }
  static std::condition_variable& gone() {
    static std::condition_variable& one = *new std::condition_variable;
    return one;
  }
  static std::map<std::string, std::vector<asio::ip::address>>& known() {
    static auto& one = *new std::map<std::string, std::vector<asio::ip::address>>;
    return one;
  }
  static bool& is_there() {
    static bool one = false;
    return one;
  }
  socket::NameLookup::System before_;
};

asio::ip::address local_address(unsigned last) { return asio::ip::make_address("127.0.0." + std::to_string(last)); }

void call(TcpRig& rig) {
  rig.replies.replies.clear();
  rig.connection->send(rig.request("1", "1"), 0);
  ASSERT_TRUE(eventually(rig.loop, [&] { return rig.replies.replies.size() == 1; }));
}

Result<void> listen_at(TcpRig& rig, const std::string& host, const std::string& options = "") {
  rig.listening = rig.transport("tcp://" + host + ":0?" + options);
  rig.listener = rig.listening->make_listener(rig.environment());
  Result<void> opened = run_until(rig.loop, rig.listener->open({}, rig.sink));
  const std::string address = rig.listener->address();
  if (opened) rig.port = static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1)));
  return opened;
}

TEST(TcpAddress, IPv6IsListenedOnAndCalled) {
  TcpRig rig;
  const Result<void> opened = listen_at(rig, "[::1]");
  ASSERT_TRUE(opened) << opened.error().what();
  EXPECT_EQ(rig.listener->address(), "tcp://[::1]:" + std::to_string(rig.port));
  const Result<void> connected = rig.connect("", "tcp", "[::1]:" + std::to_string(rig.port));
  ASSERT_TRUE(connected) << connected.error().what();
  call(rig);
}

TEST(TcpAddress, ANameIsListenedOnWithAllOfItsAddresses) {
  Names names;
  names.add("both.test", {asio::ip::make_address("::1"), local_address(1)});
  TcpRig rig;
  ASSERT_TRUE(listen_at(rig, "both.test"));
  for (const char* host : {"127.0.0.1:", "[::1]:"}) {
    const Result<void> connected = rig.connect("", "tcp", host + std::to_string(rig.port));
    ASSERT_TRUE(connected) << connected.error().what();
    call(rig);
    rig.connection->close();
  }
}

TEST(TcpAddress, ASecondAddressThatAnotherProgramHasIsSaid) {
  Names names;
  names.add("both.test", {local_address(1), local_address(2)});
  TcpRig rig;
  rig.listen();  // somebody's port
  const std::string port = std::to_string(rig.port);
  rig.listener->close();
  tcp::acceptor other(rig.loop, {local_address(2), rig.port}, false);
  const auto transport = rig.transport("tcp://both.test:" + port);
  const auto listener = transport->make_listener(rig.environment());
  const Result<void> opened = run_until(rig.loop, listener->open({}, rig.sink));
  ASSERT_FALSE(opened) << "who calls the name may meet the other one";
  EXPECT_NE(std::string(opened.error().what()).find("127.0.0.2:" + port), std::string::npos) << opened.error().what();
  listener->close();
}

TEST(TcpAddress, NothingIsListenedOnWhenALaterHostIsNotKnown) {
  Names names;
  TcpRig rig;
  rig.listen();
  const std::string port = std::to_string(rig.port);
  rig.listener->close();
  const auto transport = rig.transport("tcp://127.0.0.1:" + port + ",nobody.test:" + port);
  const auto listener = transport->make_listener(rig.environment());
  EXPECT_FALSE(run_until(rig.loop, listener->open({}, rig.sink)));
  const Result<void> connected = rig.connect("", "tcp", "127.0.0.1:" + port);
  EXPECT_FALSE(connected) << "nobody would serve it";
  listener->close();
}

TEST(TcpAddress, OneDialMayRunAgain) {
  asio::io_context loop(1);
  tcp::acceptor acceptor(loop, tcp::endpoint(local_address(1), 0));
  Url::Host host;
  host.name = "127.0.0.1";
  host.port = acceptor.local_endpoint().port();
  const auto dial = std::make_shared<socket::Dial>(loop.get_executor());
  for (int round = 0; round < 2; ++round) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    const auto dialed = run_until(loop, dial->run({host}, deadline));
    ASSERT_TRUE(dialed) << dialed.error().what();
    EXPECT_TRUE(dialed->socket.is_open()) << "round " << round;
  }
}

TEST(TcpAddress, EachAddressOfANameIsTried) {
  Names names;
  names.add("several.test", {local_address(9), asio::ip::make_address("::1"), local_address(1)});
  TcpRig rig;
  rig.listen();  // on 127.0.0.1 only
  const Result<void> connected = rig.connect("", "tcp", "several.test:" + std::to_string(rig.port));
  ASSERT_TRUE(connected) << connected.error().what();
  call(rig);
}

TEST(TcpAddress, AnAddressWhereNobodyAnswersDoesNotHoldUpTheNext) {
  Names names;
  names.add("half.test", {local_address(2), local_address(1)});
  TcpRig rig;
  rig.listen();
  tcp::acceptor hole(rig.loop, {local_address(2), rig.port});
  vanish(hole);
  const std::string options = "dial_timeout=600s";  // half of it is far beyond the test's patience
  const Result<void> connected = rig.connect(options, "tcp", "half.test:" + std::to_string(rig.port));
  ASSERT_TRUE(connected) << connected.error().what();
  call(rig);
  rig.connection->close();
  EXPECT_TRUE(
      rig.connect(options, "tcp", "127.0.0.2:" + std::to_string(rig.port) + ",127.0.0.1:" + std::to_string(rig.port)))
      << "hosts that are listed as well";
}

TEST(TcpAddress, TheAddressThatWorkedLastIsTriedFirst) {
  Names names;
  names.add("known.test", {local_address(3), local_address(1)});
  TcpRig rig;
  rig.listen();
  ASSERT_TRUE(rig.connect("", "tcp", "known.test:" + std::to_string(rig.port)));  // 127.0.0.3 refuses
  rig.connection->close();
  tcp::acceptor other(rig.loop, {local_address(3), rig.port});
  ASSERT_TRUE(rig.connect("", "tcp", "known.test:" + std::to_string(rig.port)));
  call(rig);  // the other one would not answer
}

TEST(TcpAddress, ANameServerThatDoesNotAnswerEndsWithTheDialsTime) {
  Names names;
  TcpRig rig;
  const Result<void> connected = rig.connect("dial_timeout=50ms", "tcp", "silent.test:1");
  ASSERT_FALSE(connected);
  EXPECT_TRUE(connected.error().code() == errc::refused);
  EXPECT_NE(std::string(connected.error().what()).find("looking up \"silent.test\" took too long"), std::string::npos)
      << connected.error().what();
  const Result<void> listening = listen_at(rig, "silent.test", "dial_timeout=50ms");
  ASSERT_FALSE(listening);
  EXPECT_NE(std::string(listening.error().what()).find("took too long"), std::string::npos);
}

TEST(TcpAddress, ANameServerThatDoesNotAnswerDoesNotHoldUpOtherHostsOrTheEnd) {
  Names names;
  names.add("here.test", {local_address(1)});
  {
    TcpRig rig;
    rig.listen();
    const std::string port = std::to_string(rig.port);
    for (int i = 0; i < 6; ++i) {  // from a random one on
      ASSERT_TRUE(rig.connect("dial_timeout=600s", "tcp", "silent.test:" + port + ",here.test:" + port));
      rig.connection->close();
    }
    auto listening = rig.transport("tcp://silent.test:0?dial_timeout=600s");
    auto listener = listening->make_listener(rig.environment());
    bool is_done = false;
    asio::co_spawn(rig.loop, listener->open({}, rig.sink), [&](std::exception_ptr, const Result<void>& opened) {
      EXPECT_FALSE(opened);
      is_done = true;
    });
    run_ready(rig.loop);
    listener->close();
    EXPECT_TRUE(eventually(rig.loop, [&] { return is_done; }));
  }  // the loop goes while the system is still asked
}

}  // namespace
}  // namespace waybill::test
