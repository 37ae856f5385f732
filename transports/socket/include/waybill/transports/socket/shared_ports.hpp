// SharedPorts: the addresses that the listeners of one URL share, one listener on each loop of a service.
#pragma once

#include <asio/error_code.hpp>
#include <asio/ip/tcp.hpp>

#include <cstddef>
#include <map>
#include <mutex>

namespace waybill::socket {

/// SO_REUSEPORT lets every program of the same user in: a service that was started twice by mistake would answer every
/// second caller. So the first listener of an address asks whether somebody else has it.
///
/// Threads: any.
class SharedPorts {
 public:
  using Endpoint = asio::ip::tcp::endpoint;

  /// Counts one more listener there once `bind()` has succeeded. For the first one `ask()` comes before, which binds
  /// without sharing and lets go again. Errors: theirs.
  template <class Ask, class Bind>
  asio::error_code enter(const Endpoint& endpoint, Ask ask, Bind bind) {
    const std::lock_guard lock(mutex_);
    std::size_t& count = counts_[endpoint];
    if (count == 0) {
      if (const asio::error_code ec = ask()) return ec;
    }
    const asio::error_code ec = bind();
    if (!ec) ++count;
    return ec;
  }
  void leave(const Endpoint& endpoint) {
    const std::lock_guard lock(mutex_);
    --counts_[endpoint];
  }

 private:
  std::mutex mutex_;
  std::map<Endpoint, std::size_t> counts_;
};

}  // namespace waybill::socket
