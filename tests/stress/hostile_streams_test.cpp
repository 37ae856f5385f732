// Thousands of hostile connections against one service: nothing breaks, nobody else notices, nothing is left behind.
// WAYBILL_STRESS_STREAMS says how many, WAYBILL_STRESS_SEED which; both are printed.
#include "hostile_bytes.hpp"
#include "hostile_rig.hpp"
#include "waybill/detail/asio.hpp"

#include <asio/write.hpp>
#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <iostream>
#include <memory>

namespace waybill::test {
namespace {

using Socket = asio::ip::tcp::socket;
constexpr auto k_quietly = waybill::detail::as_tuple(asio::use_awaitable);
constexpr std::size_t k_at_once = 32;
constexpr std::size_t k_most_read = 4u << 20;  // of one stream's replies; then its reader has enough
constexpr std::chrono::seconds k_session_limit{20};

std::uint64_t number_from_environment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text && *text ? std::strtoull(text, nullptr, 10) : otherwise;
}

std::string describe(const Attack& attack) {
  constexpr std::size_t k_most_shown = 400;
  constexpr std::array paces{"whole", "split", "drip"};
  constexpr std::array endings{"fin", "reset", "wait"};
  return attack.kind + ", " + paces.at(static_cast<std::size_t>(attack.pace)) + ", then " +
         endings.at(static_cast<std::size_t>(attack.ending)) + ", " + std::to_string(attack.bytes.size()) +
         " bytes: " + testing::PrintToString(attack.bytes.substr(0, k_most_shown));
}

/// One hostile connection. Shared by its writer, its reader and its deadline.
class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(asio::io_context& loop, Attack attack)
      : socket_(loop), ended_(loop), attack_(std::move(attack)), cuts_(attack_.seed) {}

  /// Empty when the service was done with the connection in time; else a sentence.
  static asio::awaitable<std::string> run(std::shared_ptr<Session> self, asio::ip::tcp::endpoint endpoint) {
    auto connected = co_await self->socket_.async_connect(endpoint, k_quietly);
    if (std::get<0>(connected)) co_return "not connected: " + std::get<0>(connected).message();
    self->socket_.set_option(asio::ip::tcp::no_delay(true));
    self->ended_.expires_after(k_session_limit);
    auto reading = read(self);
    asio::co_spawn(self->socket_.get_executor(), std::move(reading), asio::detached);
    co_await self->write();
    if (!self->is_over_) co_await self->ended_.async_wait(k_quietly);
    asio::error_code ec;
    self->socket_.close(ec);
    co_return self->is_over_ ? std::string() : "not ended: " + describe(self->attack_);
  }

 private:
  asio::awaitable<void> write() {
    const std::string_view bytes = attack_.bytes;
    std::size_t at = 0;
    while (at < bytes.size() && !is_over_) {
      std::size_t count = bytes.size() - at;
      if (attack_.pace == Pace::drip && at < 200) count = 1;
      if (attack_.pace == Pace::split) count = std::min(count, 1 + cuts_.below(at % 3 ? 50 : bytes.size()));
      auto written = co_await asio::async_write(socket_, asio::buffer(bytes.substr(at, count)), k_quietly);
      if (std::get<0>(written)) break;
      at += count;
    }
    asio::error_code ec;
    if (attack_.ending == Ending::fin) socket_.shutdown(asio::socket_base::shutdown_send, ec);
    if (attack_.ending == Ending::reset) {
      socket_.set_option(asio::socket_base::linger(true, 0), ec);
      over();
      socket_.close(ec);
    }
  }

  static asio::awaitable<void> read(std::shared_ptr<Session> self) {
    std::vector<char> room(16'384);
    std::size_t total = 0;
    while (!self->is_over_ && total < k_most_read) {
      auto got = co_await self->socket_.async_read_some(asio::buffer(room), k_quietly);
      if (std::get<0>(got)) break;
      total += std::get<1>(got);
    }
    self->over();
  }

  void over() {
    is_over_ = true;
    ended_.cancel();
  }

  Socket socket_;
  asio::steady_timer ended_;
  const Attack attack_;
  HostileBytes cuts_;
  bool is_over_ = false;
};

struct Storm {
  std::size_t left;
  std::size_t workers = k_at_once;
  std::vector<std::string> failures;
};

asio::awaitable<void> attack(asio::io_context& loop, asio::ip::tcp::endpoint endpoint, HostileBytes& bytes,
                             Storm& storm) {
  while (storm.left > 0) {
    --storm.left;
    auto session = std::make_shared<Session>(loop, bytes.next());
    auto running = Session::run(std::move(session), endpoint);
    std::string failure = co_await std::move(running);
    if (!failure.empty()) storm.failures.push_back(std::move(failure));
  }
  --storm.workers;
}

void throw_all(asio::io_context& loop, const ServiceThread& service, HostileBytes& bytes, std::size_t count) {
  Storm storm{count, k_at_once, {}};
  for (std::size_t i = 0; i < k_at_once; ++i) {
    auto worker = attack(loop, service.endpoint(), bytes, storm);
    asio::co_spawn(loop, std::move(worker), [](std::exception_ptr failure) {
      if (failure) std::rethrow_exception(failure);
    });
  }
  const auto limit = std::chrono::seconds(60) + std::chrono::milliseconds(count * 200);
  ASSERT_TRUE(eventually(loop, limit, [&] { return storm.workers == 0; })) << storm.left << " streams are left";
  for (const std::string& failure : storm.failures) ADD_FAILURE() << failure;
}

TEST(HostileStreams, HarmNobody) {
  const std::uint64_t seed = number_from_environment("WAYBILL_STRESS_SEED", std::random_device()());
  const std::size_t count = number_from_environment("WAYBILL_STRESS_STREAMS", 1000);
  std::cout << "WAYBILL_STRESS_SEED=" << seed << " WAYBILL_STRESS_STREAMS=" << count << std::endl;
  ServiceThread service("incomplete_message_timeout=1s&frame_timeout=2s");
  asio::io_context loop(1);
  HostileBytes bytes(seed);
  GoodClient nest(loop, service.url("framing=nest"));
  GoodClient binary(loop, service.url("framing=binary"));
  const auto both_answered = [&, nest_before = std::size_t{0}, binary_before = std::size_t{0}]() mutable {
    const bool more = nest.right > nest_before && binary.right > binary_before;
    if (more) nest_before = nest.right, binary_before = binary.right;
    return more;
  };
  ASSERT_TRUE(eventually(loop, both_answered));
  const std::size_t descriptors = open_descriptors();
  throw_all(loop, service, bytes, std::min<std::size_t>(count / 8, 500));  // until caches and pools have their size
  const std::size_t memory = resident_kib();

  throw_all(loop, service, bytes, count);

  EXPECT_TRUE(eventually(loop, [&] { return open_descriptors() <= descriptors; }))
      << open_descriptors() << " descriptors are open, before there were " << descriptors;
  EXPECT_TRUE(eventually(loop, [&] { return service.stats().in_flight == 0; })) << service.stats().in_flight;
  ASSERT_TRUE(eventually(loop, both_answered)) << "the service does not answer any more";
  nest.stop();
  binary.stop();
  ASSERT_TRUE(eventually(loop, [&] { return nest.is_done() && binary.is_done(); }));
  EXPECT_EQ(nest.failures, std::vector<std::string>());
  EXPECT_EQ(binary.failures, std::vector<std::string>());
  const std::size_t grown = resident_kib() - std::min(memory, resident_kib());
  std::cout << "answered " << nest.right << " + " << binary.right << " good calls, the slowest took "
            << std::chrono::duration_cast<std::chrono::milliseconds>(std::max(nest.slowest, binary.slowest)).count()
            << " ms; memory grew by " << grown << " KiB" << std::endl;
  EXPECT_LE(grown, k_most_growth_kib);
  for (const LogCapture::Line& line : service.log.lines()) {
    const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == '\x7F'; };
    ASSERT_TRUE(std::none_of(line.text.begin(), line.text.end(), is_control))
        << "a peer wrote into the log: " << line.text;
  }
  nest.close();
  binary.close();
  run_ready(loop);
}

}  // namespace
}  // namespace waybill::test
