// What all programs of the bench share: arguments, the measuring window, the flow control of events, the line of JSON.
#pragma once

#include <asio/ip/tcp.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace bench {

std::uint64_t now_ns();

/// `--name value` pairs behind the mode.
class Arguments {
 public:
  Arguments(int argc, char** argv);
  std::string mode;
  std::string text(std::string_view name, std::string otherwise = {}) const;
  long number(std::string_view name, long otherwise) const;
  double real(std::string_view name, double otherwise) const;

 private:
  std::vector<std::pair<std::string, std::string>> values_;
};

std::string read_file(const std::string& path);

/// Warm-up, then a window of fixed length; then one line of JSON. With `--requests N`: N replies, whatever they take.
class Meter {
 public:
  Meter(const Arguments& arguments, std::string transport, std::string workload, long inflight, std::size_t payload);
  /// A reply came to what was sent at `sent`. False when the window is over: after its time, and not before as many
  /// replies as there are requests under way.
  bool reply(std::uint64_t sent, std::uint64_t now);
  /// The receiver of events counts `count`. False when the window is over.
  bool progress(std::uint64_t count, std::uint64_t now);
  void report(std::int64_t lost = 0);

 private:
  void start(std::uint64_t now);
  void finish(std::uint64_t now);
  enum class State { warm_up, window, over };
  State state_ = State::warm_up;
  std::uint64_t requests_, warm_up_, window_, created_, begin_ = 0, end_ = 0, count_ = 0, base_ = 0;
  std::string transport_, workload_;
  long inflight_;
  std::size_t payload_;
  long server_pid_, broker_pid_;
  double cpu_[3] = {0, 0, 0};
  std::vector<std::uint32_t> samples_;
};

/// The receiver's side of the events' flow control: tells how many events were handled, 8 bytes little endian, at least
/// every 256 events and when 5 ms have passed. A new connection resets the count and is greeted with zero.
class EventCounter {
 public:
  EventCounter(asio::io_context& loop, std::uint16_t port);
  void event();

 private:
  void accept();
  void tell();
  asio::ip::tcp::acceptor acceptor_;
  asio::ip::tcp::socket socket_;
  bool connected_ = false;
  std::uint64_t count_ = 0, told_at_ = 0;
};

/// The sender's side: at most window() events may be under way.
class EventWindow {
 public:
  EventWindow(asio::io_context& loop, std::uint16_t port, std::size_t payload);
  std::uint64_t window() const noexcept { return window_; }
  std::uint64_t sent = 0;
  /// Reads what the receiver has told, without waiting.
  std::uint64_t acknowledged();
  asio::ip::tcp::socket& socket() noexcept { return socket_; }

 private:
  asio::ip::tcp::socket socket_;
  std::uint64_t window_, acknowledged_ = 0;
  char buffer_[8192];
  std::size_t have_ = 0;
};

}  // namespace bench
