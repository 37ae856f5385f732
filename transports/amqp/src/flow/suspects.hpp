// Suspects: which of the messages that nobody confirms made the broker close their channel. Pure.
#pragma once

#include "waybill/slice.hpp"
#include "waybill/transport/transport.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace waybill::amqp {

/// A message that the broker might close the channel for: it is large, or names a user.
inline constexpr std::size_t k_suspicious_bytes = 64u << 10;

/// Watches a channel from a suspicious message on, until the broker has answered a question that was asked behind it (the
/// fence): then it has taken all that came before. While a channel is watched, what follows is copied, so that it can be
/// sent again on the next channel when the one before it was refused. Nothing is kept or copied otherwise.
class Suspects {
 public:
  struct Message {
    Ticket ticket = 0;
    std::string note;  ///< The owner's own.
    std::uint64_t body_size = 0;
    bool names_user = false;
    bool is_suspicious() const noexcept { return names_user || body_size >= k_suspicious_bytes; }
  };
  struct Verdict {
    std::vector<Message> refused;  ///< Surely not taken.
    Buffer again;                  ///< Frames of those behind it, which the broker has thrown away.
  };

  /// True: sent() must be told of every message.
  bool is_watching() const noexcept { return !records_.empty(); }
  /// `frames`: all of its bytes. The first of a watch need not be copied: it is refused, or it was taken.
  void sent(Message message, std::string_view frames);
  /// A question should be sent behind what was sent so far.
  bool wants_fence() const noexcept { return is_watching() && !fenced_; }
  void fence_sent() noexcept { fenced_ = records_.size(); }
  void fence_answered();
  /// The broker closed the channel: for a message of `size` bytes, or (is_user) for the user that one names, or (neither)
  /// for another reason, of which nothing can be said here.
  Verdict closed(std::uint64_t size, bool is_user);
  void clear() noexcept;

 private:
  struct Record {
    Message message;
    std::size_t size;  ///< Of its copy.
  };
  std::vector<Record> records_;
  Buffer copies_;
  std::size_t fenced_ = 0;  ///< The first so many; 0: no fence is under way.
};

}  // namespace waybill::amqp
