// Dead letters: messages that were given up, kept by the carrier with the reason until somebody decides about them.
#pragma once

#include "waybill/result.hpp"
#include "waybill/transport/packet.hpp"

#include <asio/awaitable.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace waybill {

/// One message that was given up.
struct DeadLetter {
  std::string id;      ///< Its name in its box, the same each time the box is listed.
  Packet packet;       ///< As it was delivered, with the headers that tell of its end. Owns what it sees.
  std::string origin;  ///< The channel it was taken from, in the carrier's form; empty if nobody noted it.
  std::string error;   ///< Why it was given up; empty if nobody noted it.
  int attempts = 0;    ///< How often it was tried; 0 if nobody noted it.
};

/// The dead letters of one channel.
///
/// Threads:  all members run on Environment::executor, one at a time.
/// Lifetime: close() before destruction, and not while an operation is under way.
class DeadLetterBox {
 public:
  virtual ~DeadLetterBox() = default;

  /// Oldest first, at most `limit`. They stay where they are, and what others do meanwhile may not show.
  /// Errors: as for Listener::open; a channel that does not exist is empty.
  virtual asio::awaitable<Result<std::vector<DeadLetter>>> list(std::size_t limit) = 0;
  /// Sends it to where it came from, without the headers of its end, then removes it. A crash in between leaves both.
  /// REQUIRES: it is of the last list().
  /// Errors: unsupported (its origin is not known), and those of sending.
  virtual asio::awaitable<Result<void>> replay(const DeadLetter& letter) = 0;
  /// Removes it for good. REQUIRES: it is of the last list().
  virtual asio::awaitable<Result<void>> drop(const DeadLetter& letter) = 0;
  virtual void close() = 0;  ///< Idempotent.
};

/// Appends the headers that a dead letter carries besides its own: error, origin and attempts.
void add_death_headers(Headers& headers, std::string_view origin, std::string_view error, int attempts);
/// Fills origin, error and attempts of `letter` from its packet's headers.
void read_death_headers(DeadLetter& letter);
/// Takes them off again, for a message that is sent once more.
void remove_death_headers(Headers& headers);

}  // namespace waybill
