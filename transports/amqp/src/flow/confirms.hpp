// Confirms: messages that the broker has not confirmed yet, as bytes, so that they can be sent again. Pure.
#pragma once

#include "protocol/frame.hpp"
#include "waybill/error.hpp"
#include "waybill/slice.hpp"
#include "waybill/transport/transport.hpp"
#include "wire/wire.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

namespace waybill::amqp {

/// In the order in which they were given, for the life of a link; one that is not confirmed holds up no others. What a channel leaves unconfirmed when the broker
/// closes it is sent again on the next one, marked (header::k_resent), because nobody knows whether it arrived.
///
/// A channel that the broker closed because of a message leaves open which message it was. So what was under way is
/// then sent one by one, and the one that closes the channel again is given up.
class Confirms {
 public:
  /// A message that was not taken is shown to its teller, to be added again later if it wants.
  struct Shown {
    std::string_view frames;
    Layout layout;
  };
  using Told = std::function<void(Ticket ticket, const Result<Accepted>& outcome, const Shown& message)>;
  explicit Confirms(Told told) : told_(std::move(told)) {}
  /// How a nack ends a message. `rejected` where it comes from one queue that refuses what it has no room for. `unknown`: one
  /// of several queues did not take it, or a queue was deleted that may have delivered it before.
  void nack_means(End end) noexcept { nack_end_ = end; }

  /// Where the next message is to be appended; then added() says where its parts are.
  Buffer& buffer() noexcept { return bytes_; }
  void added(Ticket ticket, std::size_t begins_at, const Layout& layout);

  /// Appends to `out` what may be sent now.
  void send(Buffer& out);
  /// The channel is open, in confirm mode: send() may send. Nothing is under way.
  void channel_open() noexcept;
  /// The broker closed the channel for `error`.
  void channel_closed(const Error& error);

  void confirmed(std::uint64_t tag, bool multiple) { settle(tag, multiple, std::nullopt); }
  void refused(std::uint64_t tag, bool multiple);
  /// The broker gave a message back: the next one under way that looks like it. Its confirm follows.
  void returned(std::string_view exchange, std::string_view routing_key, std::string_view body,
                std::string_view reason);

  /// Of what was sent so far nobody knows any more whether a message that is given back was not delivered before.
  void doubt() noexcept { doubted_before_ = next_tag_; }

  bool empty() const noexcept { return first_ == records_.size(); }
  std::size_t size() const noexcept { return records_.size() - first_; }
  std::size_t bytes() const noexcept { return bytes_.size() - head_; }
  /// Forgets everything, and that the channel was open.
  void clear() noexcept;

 private:
  struct Record {
    Ticket ticket;
    std::uint64_t tag;  ///< On this channel, once it is sent.
    std::uint32_t size;
    std::uint32_t table_at;
    std::uint32_t body_at;
    bool was_sent = false;
    bool is_done = false;
    bool is_returned = false;
  };
  void settle(std::uint64_t tag, bool multiple, std::optional<Error> error);
  void channel_lost() noexcept;
  void end(std::size_t index, const std::optional<Error>& error);
  Shown shown(std::size_t index) const noexcept;
  std::size_t find(std::uint64_t tag) const noexcept;
  void drop_done();
  void close_gaps();
  void rewind() noexcept;
  void append_marked(const Record& record, std::string_view message, Buffer& out) const;
  bool looks_like(const Record& record, std::string_view message, std::string_view exchange,
                  std::string_view routing_key, std::string_view body) const noexcept;
  Record* next_returned(std::string_view exchange, std::string_view routing_key, std::string_view body) noexcept;

  Told told_;
  Buffer bytes_;  ///< Messages one behind the other; from head_ on they count.
  std::size_t head_ = 0;
  std::vector<Record> records_;  ///< From first_ on they count.
  std::size_t first_ = 0;
  std::size_t under_way_ = 0;   ///< The first so many were sent on this channel.
  std::size_t sent_bytes_ = 0;  ///< Of those.
  std::size_t done_ = 0;        ///< Behind one that is not confirmed.
  std::uint64_t next_tag_ = 1;
  std::uint64_t doubted_before_ = 0;  ///< A tag.
  std::size_t suspects_ = 0;          ///< The first so many are sent one by one.
  std::string reason_;                ///< Why the last one was given back.
  End nack_end_ = End::rejected;
  bool is_open_ = false;
};

}  // namespace waybill::amqp
