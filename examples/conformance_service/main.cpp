// conformance_service URL...: answers until SIGINT or SIGTERM; prints READY and its addresses when it serves.
#include "conformance.hpp"

#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <asio/redirect_error.hpp>
#include <asio/signal_set.hpp>
#include <asio/steady_timer.hpp>

#include <algorithm>
#include <csignal>
#include <iostream>

namespace {

/// What calls in hand get to finish. Some never do.
constexpr std::chrono::milliseconds k_drain_limit{800};

asio::awaitable<void> serve(waybill::Service& service, asio::steady_timer& end) {
  co_await service.start();
  std::cout << "READY";
  for (const std::string& address : service.addresses()) std::cout << ' ' << address;
  std::cout << std::endl;
  std::error_code woken;
  co_await end.async_wait(asio::redirect_error(asio::use_awaitable, woken));
  co_await service.drain(k_drain_limit);
}

void run(const std::vector<std::string>& urls) {
  waybill::Config config = waybill::Config::listen(urls);
  conformance::AmqpMode amqp;
  for (auto& listener : config.listeners) {
    if (conformance::is_amqp(listener.url)) amqp = conformance::adapt_amqp(listener.url);
  }
  conformance::State state;
  state.instance = config.listeners.front().instance;
  state.scheme = config.listeners.front().url.scheme;
  const bool is_kafka = std::any_of(config.listeners.begin(), config.listeners.end(),
                                    [](const auto& listener) { return listener.url.scheme.starts_with("kafka"); });
  const waybill::Url url = config.listeners.front().url;

  config.drain_timeout = k_drain_limit;

  asio::io_context loop(1);
  asio::signal_set signals(loop, SIGINT, SIGTERM);
  asio::steady_timer end(loop, asio::steady_timer::time_point::max());
  waybill::Service service(loop.get_executor(), std::move(config));
  conformance::Handlers handlers(service, is_kafka);
  conformance::add_operations(handlers, state);
  conformance::add_streams(handlers);
  conformance::add_failures(handlers);
  conformance::add_events(handlers, state);
  conformance::add_other_patterns(handlers);
  if (conformance::is_amqp(url)) conformance::add_amqp(handlers, state, amqp);
  conformance::add_globs(handlers, state, url);

  signals.async_wait([&service, &end](std::error_code, int) {
    end.expires_at(asio::steady_timer::time_point::min());
    service.stop();  // a start that still waits for a broker ends with errc::closed
  });
  std::exception_ptr failure;
  asio::co_spawn(loop, serve(service, end), [&](std::exception_ptr thrown) {
    failure = thrown;
    loop.stop();
  });
  loop.run();
  if (failure) std::rethrow_exception(failure);
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> urls(argv + 1, argv + argc);
  if (urls.empty()) {
    std::cerr << "usage: conformance_service URL...\n";
    return 2;
  }
  try {
    run(urls);
  } catch (const waybill::Error& error) {
    if (error.code() == waybill::errc::closed) return 0;  // told to end before it was ready
    std::cerr << error.what() << '\n';
    return 1;
  }
}
