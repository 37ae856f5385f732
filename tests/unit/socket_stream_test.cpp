// Stream by itself, over loopback: when it reads and when it does not, what it keeps, and how it ends.
#include "support/eventually.hpp"
#include "waybill/transport/held_bytes.hpp"
#include "waybill/transports/socket/stream.hpp"

#include <asio/io_context.hpp>
#include <asio/write.hpp>
#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <string>

namespace waybill::socket {
namespace {

using test::eventually;
using test::run_ready;

/// Takes what comes in portions of `portion` bytes; what is left comes again.
class Taker final : public Stream {
 public:
  Taker(asio::ip::tcp::socket socket, const StreamLimits& limits) : Stream(std::move(socket), limits, nullptr) {}
  using Stream::keep;

  std::size_t portion = 1;
  std::string taken;
  std::size_t calls = 0;
  bool has_eof = false;
  std::function<void()> after_each;
  std::optional<Error> end;

 private:
  std::size_t on_bytes(const char* data, std::size_t size) override {
    ++calls;
    std::size_t at = 0;
    while (size - at >= portion && wants_bytes()) {
      taken.append(data + at, portion);
      at += portion;
      if (after_each) after_each();
    }
    return at;
  }
  void on_eof() override {
    has_eof = true;
    finish();
  }
  void on_closed(const Error& error) override { end = error; }
  void watch_deadline() override {}
};

class SocketStream : public testing::Test {
 protected:
  SocketStream() : other(loop) {
    asio::ip::tcp::acceptor acceptor(loop, {asio::ip::address_v4::loopback(), 0});
    other.connect(acceptor.local_endpoint());
    stream = Ref<Taker>(new Taker(acceptor.accept(), StreamLimits{}));
    other.non_blocking(true);
  }
  ~SocketStream() override {
    stream->close();
    run_ready(loop);
  }
  /// Reads what the stream has written, until `enough` bytes or its end.
  std::string read(std::size_t enough) {
    std::string got;
    eventually(loop, [&] {
      char room[65536];
      asio::error_code ec;
      got.append(room, other.read_some(asio::buffer(room), ec));
      return got.size() >= enough || (ec && ec != asio::error::would_block);
    });
    return got;
  }
  std::size_t push(const std::string& bytes) {
    std::size_t sent = 0;
    eventually(loop, [&] {
      asio::error_code ec;
      sent += other.write_some(asio::buffer(bytes) + sent, ec);
      return sent == bytes.size() || stream->is_closed();
    });
    return sent;
  }
  asio::io_context loop{1};
  asio::ip::tcp::socket other;
  Ref<Taker> stream;
};

TEST_F(SocketStream, WhatIsNotTakenComesAgainWithMoreBehindIt) {
  stream->portion = 10;
  stream->start();
  std::string all;
  for (int i = 0; i < 100; ++i) {
    const std::string piece(static_cast<std::size_t>(i % 7 + 1), static_cast<char>('a' + i % 26));
    all += piece;
    push(piece);
    run_ready(loop);
  }
  ASSERT_TRUE(eventually(loop, [&] { return stream->taken.size() >= all.size() / 10 * 10; }));
  EXPECT_EQ(stream->taken, all.substr(0, all.size() / 10 * 10));
}

TEST_F(SocketStream, APauseWithinOnBytesKeepsTheRestUntilItIsResumed) {
  stream->start();
  stream->after_each = [&] {
    if (stream->taken.size() % 3 == 0) stream->pause();
  };
  push("abcdefgh");
  ASSERT_TRUE(eventually(loop, [&] { return stream->taken == "abc"; }));
  run_ready(loop);
  EXPECT_EQ(stream->taken, "abc");
  stream->resume();
  EXPECT_EQ(stream->taken, "abc") << "from the loop, never at once";
  ASSERT_TRUE(eventually(loop, [&] { return stream->taken == "abcdef"; }));
  push("ij");
  run_ready(loop);
  EXPECT_EQ(stream->taken, "abcdef");
  stream->resume();
  EXPECT_TRUE(eventually(loop, [&] { return stream->taken == "abcdefghi"; }));
}

TEST_F(SocketStream, APauseAndAResumeInOneTurnLoseNothing) {
  stream->start();
  stream->after_each = [&] {
    stream->pause();
    stream->resume();
  };
  push("abcdefgh");
  EXPECT_TRUE(eventually(loop, [&] { return stream->taken == "abcdefgh"; }));
}

TEST_F(SocketStream, APausedStreamIsHeldBackBySystemBuffers) {
  stream->start();
  stream->pause();
  run_ready(loop);
  const std::size_t before = waybill::transport::held_bytes();
  asio::error_code ec;
  const std::string much(64u << 20, 'x');
  std::size_t sent = 0;
  for (; !ec && sent < much.size(); run_ready(loop)) sent += other.write_some(asio::buffer(much) + sent, ec);
  EXPECT_LT(sent, much.size());
  EXPECT_LE(waybill::transport::held_bytes(), before + (64u << 10));
  stream->portion = 1;
  stream->resume();
  EXPECT_TRUE(eventually(loop, [&] { return stream->taken.size() == sent; }));
}

TEST_F(SocketStream, MuchAtATimeIsTakenInLargeReadsAndLittleAfterwards) {
  stream->start();
  const std::string much(8u << 20, 'm');
  push(much);
  ASSERT_TRUE(eventually(loop, [&] { return stream->taken.size() == much.size(); }));
  EXPECT_LT(stream->calls, much.size() / (16u << 10)) << "no more than 16 KiB at a time";
  push("little");
  EXPECT_TRUE(eventually(loop, [&] { return stream->taken.size() == much.size() + 6; }));
  EXPECT_TRUE(stream->taken.ends_with("little"));
}

TEST_F(SocketStream, AnUnfinishedTailGrowsWithItsBytesAndIsGivenBack) {
  const std::size_t before = waybill::transport::held_bytes();
  stream->start();
  stream->portion = 1u << 20;
  push(std::string((1u << 20) - 1, 'x'));
  ASSERT_TRUE(eventually(loop, [&] { return waybill::transport::held_bytes() >= before + (1u << 20) - 1; }));
  push("y");
  ASSERT_TRUE(eventually(loop, [&] { return stream->taken.size() == 1u << 20; }));
  EXPECT_TRUE(eventually(loop, [&] { return waybill::transport::held_bytes() <= before + (64u << 10); }));
}

TEST_F(SocketStream, WhatIsKeptElsewhereIsInTheAccount) {
  const std::size_t before = waybill::transport::held_bytes();
  stream->start();
  stream->keep(1'000'000);
  EXPECT_GE(waybill::transport::held_bytes(), before + 990'000);
  stream->keep(-1'000'000);
  run_ready(loop);
  EXPECT_LE(waybill::transport::held_bytes(), before + (64u << 10));
  stream->keep(500'000);
  stream->close();
  stream = {};
  run_ready(loop);
  EXPECT_EQ(waybill::transport::held_bytes(), before);
  stream = Ref<Taker>(new Taker(asio::ip::tcp::socket(loop), StreamLimits{}));
}

TEST_F(SocketStream, FinishWritesAllSaysFinAndReadsOn) {
  stream->start();
  const std::string much(3u << 20, 'z');
  stream->out().append(much);
  stream->finish();
  asio::error_code ec;
  asio::write(other, asio::buffer(std::string("still talking")), ec);
  EXPECT_EQ(read(much.size() + 1), much);
  EXPECT_FALSE(stream->end) << "it waits for the other side's FIN";
  EXPECT_EQ(stream->taken, "") << "what comes after the end is discarded";
  EXPECT_TRUE(eventually(loop, [&] { return stream->is_delivered(); }));
  other.shutdown(asio::socket_base::shutdown_send);
  ASSERT_TRUE(eventually(loop, [&] { return stream->end.has_value(); }));
  EXPECT_TRUE(stream->end->code() == errc::closed);
}

TEST_F(SocketStream, FinishAloneEndsWithoutACallback) {
  stream->start();
  stream->out().append("goodbye");
  stream->finish_alone();
  EXPECT_EQ(read(8), "goodbye");
  other.shutdown(asio::socket_base::shutdown_send);
  EXPECT_TRUE(eventually(loop, [&] { return stream->is_closed(); }));
}

TEST_F(SocketStream, WhatCameBeforeAResetIsTaken) {
  stream->start();
  stream->pause();
  push("last words");
  run_ready(loop);
  other.set_option(asio::socket_base::linger(true, 0));
  other.close();
  stream->out().append("answer");
  run_ready(loop);
  stream->resume();
  EXPECT_TRUE(eventually(loop, [&] { return stream->end.has_value(); }));
  EXPECT_EQ(stream->taken, "last words");
}

TEST_F(SocketStream, TheEndIsToldAfterWhatCameBeforeIt) {
  stream->start();
  stream->pause();
  push("last words");
  other.shutdown(asio::socket_base::shutdown_send);
  run_ready(loop);
  EXPECT_FALSE(stream->has_eof);
  EXPECT_TRUE(stream->is_left()) << "asked, the system knows";
  stream->resume();
  ASSERT_TRUE(eventually(loop, [&] { return stream->has_eof; }));
  EXPECT_EQ(stream->taken, "last words");
}

}  // namespace
}  // namespace waybill::socket
