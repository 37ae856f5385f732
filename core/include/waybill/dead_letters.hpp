// DeadLetters: what a listener has given up, for programs that look at it, send it again or throw it away.
#pragma once

#include "waybill/config.hpp"
#include "waybill/log.hpp"
#include "waybill/registry.hpp"
#include "waybill/transport/dead_letter.hpp"

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace waybill {

/// The dead letters of the listener that `listener` describes: its URL with `dead_letter`, and with the group where it has
/// one. A link of its own is opened when it is first asked. `waybill dlq` does the same from a shell.
///
/// Threads:  one operation at a time, on `executor`, which must be serial.
/// Lifetime: close() before destruction, and not while an operation is under way; the loop may need to run a little longer
///           for the broker's sake.
class DeadLetters {
 public:
  /// Throws Error: invalid_config for an unknown scheme, serializer or option and for a listener without `dead_letter`,
  /// unsupported where the carrier keeps no dead letters.
  DeadLetters(const asio::any_io_executor& executor, const ListenerConfig& listener,
              std::shared_ptr<const Registry> registry = default_registry(), Log log = Log(stderr_log()));
  DeadLetters(DeadLetters&&) noexcept = default;
  DeadLetters& operator=(DeadLetters&&) = delete;
  ~DeadLetters();

  /// As DeadLetterBox's, whose errors come as Result.
  asio::awaitable<Result<std::vector<DeadLetter>>> list(std::size_t limit = SIZE_MAX);
  asio::awaitable<Result<void>> replay(const DeadLetter& letter);
  asio::awaitable<Result<void>> drop(const DeadLetter& letter);
  void close();

 private:
  std::shared_ptr<const Registry> registry_;
  std::unique_ptr<Transport> transport_;
  std::unique_ptr<DeadLetterBox> box_;
};

}  // namespace waybill
