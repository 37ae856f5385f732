// NameLookup: asks the system for the addresses of a name, on a thread that nobody waits for: a name server that does
// not answer holds up neither the loop nor its end.
#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/error_code.hpp>
#include <asio/ip/tcp.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace waybill::socket {

using Endpoints = std::vector<asio::ip::tcp::endpoint>;

/// One that asks. Several that ask for one name share a thread.
///
/// Threads:  start() and cancel() on the executor, on which `done` is called as well.
/// Lifetime: shared. After cancel() nothing is called, and nothing of the executor is touched.
class NameLookup {
 public:
  using Done = std::function<void(const asio::error_code& ec, const Endpoints& found)>;

  static std::shared_ptr<NameLookup> start(asio::any_io_executor executor, const std::string& name, std::uint16_t port,
                                           Done done);
  void cancel();

  /// What asks the system; blocks.
  using System = Endpoints (*)(const std::string& name, std::uint16_t port, asio::error_code& ec);
  /// For tests: another system. Returns the one that was there.
  static System exchange_system(System system) noexcept;

 private:
  struct Table;
  void tell(const asio::error_code& ec, std::shared_ptr<const Endpoints> found);

  std::mutex mutex_;  // of the executor and of done_, against the thread that asks
  asio::any_io_executor executor_;
  Done done_;
};

}  // namespace waybill::socket
