// A TCP proxy that misbehaves on request: between a client and a server that it cuts, stalls, slows down, or feeds byte
// by byte. It runs on a thread of its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace waybill::test {

/// Threads:  all members may be called from any thread but the proxy's own; they return when what they do is done.
/// Lifetime: the destructor cuts everything and joins the thread.
class ChaosProxy {
 public:
  /// Listens on a free port of 127.0.0.1 and forwards to 127.0.0.1:target_port. Throws std::system_error.
  explicit ChaosProxy(std::uint16_t target_port);
  ~ChaosProxy();
  ChaosProxy(const ChaosProxy&) = delete;
  ChaosProxy& operator=(const ChaosProxy&) = delete;

  std::uint16_t port() const noexcept { return port_; }

  /// Resets all connections; new ones are taken.
  void cut();
  /// Cuts a connection in the middle: right after `bytes` more have gone to the server, all connections together; SIZE_MAX:
  /// never.
  void cut_after(std::size_t bytes);
  /// While on, nothing is forwarded; connections stay open, and what arrives is forwarded afterwards.
  void stall(bool on);
  /// While on, new connections are refused. Existing ones stay.
  void refuse(bool on);
  /// Forwards at most so many bytes a second in each direction of each connection; 0: as fast as can be.
  void throttle(std::size_t bytes_per_second);
  /// While on, every byte is a write of its own.
  void split(bool on);
  /// Where new connections go to from now on: a server that came back has another port.
  void retarget(std::uint16_t target_port);

  std::size_t connections() const;  ///< That are open now.
  std::size_t connections_ever() const;
  std::size_t bytes_to_server() const;

 private:
  class Core;
  std::shared_ptr<Core> core_;
  std::uint16_t port_;
};

}  // namespace waybill::test
