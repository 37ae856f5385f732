// conformance_service URL...: answers until SIGINT or SIGTERM; prints READY and its addresses when it serves.
#include "conformance.hpp"

#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <asio/redirect_error.hpp>
#include <asio/signal_set.hpp>
#include <asio/steady_timer.hpp>

#include <csignal>
#include <iostream>
#include <memory>

namespace {

/// What calls in hand get to finish. Some never do.
constexpr std::chrono::milliseconds k_drain_limit{800};

/// What serves one URL. Each has a service of its own, as its handlers tell what their carrier shows them.
class Site {
 public:
  Site(const asio::any_io_executor& executor, waybill::Config config, conformance::Memory& memory)
      : amqp_(adapt(config)),
        url_(config.listeners.front().url),
        state_{memory, config.listeners.front().instance, url_.scheme},
        service_(executor, std::move(config)) {
    conformance::Handlers handlers(service_, url_.scheme.starts_with("kafka"));
    conformance::add_operations(handlers, state_);
    conformance::add_streams(handlers);
    conformance::add_failures(handlers);
    conformance::add_events(handlers, state_);
    conformance::add_other_patterns(handlers);
    if (conformance::is_amqp(url_)) conformance::add_amqp(handlers, state_, amqp_);
    conformance::add_globs(handlers, state_, url_);
  }

  waybill::Service& service() noexcept { return service_; }

 private:
  static conformance::AmqpMode adapt(waybill::Config& config) {
    config.drain_timeout = k_drain_limit;
    waybill::Url& url = config.listeners.front().url;
    return conformance::is_amqp(url) ? conformance::adapt_amqp(url) : conformance::AmqpMode{};
  }

  conformance::AmqpMode amqp_;
  waybill::Url url_;
  conformance::State state_;
  waybill::Service service_;
};

/// All of them, from their start to the end of the last.
class Program {
 public:
  explicit Program(const std::vector<std::string>& urls) {
    for (const std::string& url : urls)
      sites_.push_back(std::make_unique<Site>(loop_.get_executor(), waybill::Config::listen({url}), memory_));
    starting_ = serving_ = sites_.size();
  }

  void run() {
    signals_.async_wait([this](std::error_code, int) { stop(); });
    for (const auto& site : sites_) {
      asio::co_spawn(loop_, serve(site->service()), [this](std::exception_ptr thrown) {
        if (thrown && !failure_) failure_ = thrown;
        if (thrown || --serving_ == 0) loop_.stop();
      });
    }
    loop_.run();
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  void stop() {
    end_.expires_at(asio::steady_timer::time_point::min());
    for (const auto& site : sites_) site->service().stop();  // a start that still waits for a broker ends: errc::closed
  }

  asio::awaitable<void> serve(waybill::Service& service) {
    co_await service.start();
    if (--starting_ == 0) say_ready();
    std::error_code woken;
    co_await end_.async_wait(asio::redirect_error(asio::use_awaitable, woken));
    co_await service.drain(k_drain_limit);
  }

  void say_ready() const {
    std::cout << "READY";
    for (const auto& site : sites_) {
      for (const std::string& address : site->service().addresses()) std::cout << ' ' << address;
    }
    std::cout << std::endl;
  }

  asio::io_context loop_{1};
  asio::signal_set signals_{loop_, SIGINT, SIGTERM};
  asio::steady_timer end_{loop_, asio::steady_timer::time_point::max()};
  conformance::Memory memory_;
  std::vector<std::unique_ptr<Site>> sites_;
  std::size_t starting_ = 0;
  std::size_t serving_ = 0;
  std::exception_ptr failure_;
};

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> urls(argv + 1, argv + argc);
  if (urls.empty()) {
    std::cerr << "usage: conformance_service URL...\n";
    return 2;
  }
  try {
    Program(urls).run();
  } catch (const waybill::Error& error) {
    if (error.code() == waybill::errc::closed) return 0;  // told to end before it was ready
    std::cerr << error.what() << '\n';
    return 1;
  }
}
