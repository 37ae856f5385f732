// The threads of `handler_threads`.
#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/strand.hpp>
#include <asio/thread_pool.hpp>

namespace waybill::detail {

/// Threads for handlers that may block. Shared by the hosts; ended by the service.
class HandlerPool final : public asio::thread_pool {
 public:
  explicit HandlerPool(unsigned threads) : asio::thread_pool(threads) {}

  /// Where one delivery is handled: its handler, middleware and whatever they wait for never run at the same time.
  asio::any_io_executor make_strand() { return asio::make_strand(get_executor()); }

  /// Waits for handlers that run. Those that wait for something are destroyed where they stand.
  void end() {
    stop();
    join();
    shutdown();
  }
};

}  // namespace waybill::detail
