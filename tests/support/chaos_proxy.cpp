#include "support/chaos_proxy.hpp"

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <future>
#include <list>
#include <thread>

namespace waybill::test {
namespace {

using asio::ip::tcp;

/// One client and its server, each with a socket; shared by the two pumps.
struct Pair {
  explicit Pair(asio::io_context& loop) : client(loop), server(loop) {}
  tcp::socket client;
  tcp::socket server;
  void reset() {
    for (auto* socket : {&client, &server}) {
      std::error_code ignored;
      socket->set_option(asio::socket_base::linger(true, 0), ignored);
      socket->close(ignored);
    }
  }
};

}  // namespace

class ChaosProxy::Core : public std::enable_shared_from_this<Core> {
 public:
  explicit Core(std::uint16_t target) : wake_(loop_), acceptor_(loop_), target_port_(target) {
    wake_.expires_at(asio::steady_timer::time_point::max());
  }

  std::uint16_t start() {
    listen(0);
    endpoint_ = acceptor_.local_endpoint();
    asio::co_spawn(loop_, accept(), asio::detached);
    thread_ = std::thread([this] { loop_.run(); });
    return endpoint_.port();
  }
  void finish() {
    call([this] {
      std::error_code ignored;
      acceptor_.close(ignored);
      cut();
      stopped_ = true;
      wake_.cancel();
      work_.reset();
    });
    thread_.join();
  }

  /// Runs `work` on the proxy's thread and waits for it.
  template <class Work>
  void call(Work work) {
    std::promise<void> done;
    asio::post(loop_, [&work, &done] {
      work();
      done.set_value();
    });
    done.get_future().wait();
  }

  void cut() {
    for (const auto& pair : pairs_) pair->reset();
    wake_.cancel();
  }
  void refuse(bool on) {
    if (on == !acceptor_.is_open()) return;
    if (on) {
      acceptor_.close();
    } else {
      listen(endpoint_.port());
      asio::co_spawn(loop_, accept(), asio::detached);
    }
  }
  void stall(bool on) {
    stalled_ = on;
    wake_.cancel();
  }

  std::atomic<std::size_t> open{0};
  std::atomic<std::size_t> ever{0};
  std::atomic<std::size_t> to_server{0};
  std::size_t cut_after_bytes = SIZE_MAX;
  std::size_t bytes_per_second = 0;
  bool is_split = false;
  void retarget(std::uint16_t port) { target_port_ = port; }

 private:
  void listen(std::uint16_t port) {
    const tcp::endpoint endpoint(asio::ip::address_v4::loopback(), port);
    acceptor_.open(endpoint.protocol());
    acceptor_.set_option(tcp::acceptor::reuse_address(true));
    acceptor_.bind(endpoint);
    acceptor_.listen();
  }

  asio::awaitable<void> accept() {
    try {
      while (acceptor_.is_open()) {
        auto pair = std::make_shared<Pair>(loop_);
        co_await acceptor_.async_accept(pair->client, asio::use_awaitable);
        asio::co_spawn(loop_, serve(std::move(pair)), asio::detached);
      }
    } catch (const std::system_error&) {  // closed by refuse() or finish()
    }
  }

  asio::awaitable<void> serve(std::shared_ptr<Pair> pair) {
    ++ever;
    ++open;
    pairs_.push_back(pair);
    try {
      const tcp::endpoint target(asio::ip::address_v4::loopback(), target_port_);
      co_await pair->server.async_connect(target, asio::use_awaitable);
      pair->server.set_option(tcp::no_delay(true));
      pair->client.set_option(tcp::no_delay(true));
      asio::co_spawn(loop_, pump(pair, true), asio::detached);
      co_await pump(pair, false);
    } catch (const std::system_error&) {  // the server is not there: the client sees a reset
    }
    std::error_code ignored;
    pair->client.close(ignored);
    pair->server.close(ignored);
    pairs_.remove(pair);
    --open;
  }

  /// Forwards one direction until either side ends; the other end hears of it after the last byte.
  asio::awaitable<void> pump(std::shared_ptr<Pair> pair, bool is_to_server) {
    auto& from = is_to_server ? pair->client : pair->server;
    auto& to = is_to_server ? pair->server : pair->client;
    std::array<char, 65'536> buffer;
    try {
      for (;;) {
        const auto room =
            std::min(buffer.size(), bytes_per_second ? std::max<std::size_t>(bytes_per_second / 50, 1) : buffer.size());
        const auto bytes = asio::buffer(buffer.data(), room);
        const auto count = co_await from.async_read_some(bytes, asio::use_awaitable);
        co_await forward(to, buffer.data(), count, is_to_server);
      }
    } catch (const std::system_error&) {
    }
    std::error_code ignored;
    to.shutdown(tcp::socket::shutdown_send, ignored);
  }

  asio::awaitable<void> forward(tcp::socket& to, const char* data, std::size_t count, bool is_to_server) {
    const std::size_t step = is_split ? 1 : count;
    for (std::size_t at = 0; at < count; at += step) {
      while (stalled_ && !stopped_) co_await wait_for_change();
      auto now = std::min(step, count - at);
      if (is_to_server) now = std::min(now, cut_after_bytes);
      const auto bytes = asio::buffer(data + at, now);
      co_await asio::async_write(to, bytes, asio::use_awaitable);
      if (!is_to_server) continue;
      to_server += now;
      if (cut_after_bytes == SIZE_MAX) continue;
      cut_after_bytes -= now;
      if (cut_after_bytes == 0) {
        cut_after_bytes = SIZE_MAX;
        cut();
      }
    }
    if (bytes_per_second) {
      const auto pause = std::chrono::microseconds(count * 1'000'000 / bytes_per_second);
      asio::steady_timer timer(loop_, pause);
      co_await timer.async_wait(asio::use_awaitable);
    }
  }

  asio::awaitable<void> wait_for_change() {
    try {
      co_await wake_.async_wait(asio::use_awaitable);
    } catch (const std::system_error&) {  // cancelled: something has changed
    }
  }

  asio::io_context loop_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_{loop_.get_executor()};
  asio::steady_timer wake_;
  tcp::acceptor acceptor_;
  tcp::endpoint endpoint_;
  std::list<std::shared_ptr<Pair>> pairs_;
  std::thread thread_;
  std::uint16_t target_port_;
  bool stalled_ = false;
  bool stopped_ = false;
};

ChaosProxy::ChaosProxy(std::uint16_t target_port) : core_(std::make_shared<Core>(target_port)), port_(core_->start()) {}
ChaosProxy::~ChaosProxy() { core_->finish(); }

void ChaosProxy::cut() {
  core_->call([this] { core_->cut(); });
}
void ChaosProxy::cut_after(std::size_t bytes) {
  core_->call([this, bytes] { core_->cut_after_bytes = bytes; });
}
void ChaosProxy::stall(bool on) {
  core_->call([this, on] { core_->stall(on); });
}
void ChaosProxy::refuse(bool on) {
  core_->call([this, on] { core_->refuse(on); });
}
void ChaosProxy::throttle(std::size_t bytes_per_second) {
  core_->call([this, bytes_per_second] { core_->bytes_per_second = bytes_per_second; });
}
void ChaosProxy::split(bool on) {
  core_->call([this, on] { core_->is_split = on; });
}
void ChaosProxy::retarget(std::uint16_t target_port) {
  core_->call([this, target_port] { core_->retarget(target_port); });
}

std::size_t ChaosProxy::connections() const { return core_->open; }
std::size_t ChaosProxy::connections_ever() const { return core_->ever; }
std::size_t ChaosProxy::bytes_to_server() const { return core_->to_server; }

}  // namespace waybill::test
