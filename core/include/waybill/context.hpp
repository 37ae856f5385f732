// Context: what a handler sees of its message besides the payload, and what middleware sees of a call on either side.
#pragma once

#include "waybill/call_options.hpp"
#include "waybill/headers.hpp"
#include "waybill/log.hpp"
#include "waybill/payload.hpp"
#include "waybill/trace.hpp"

#include <asio/any_io_executor.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace waybill {

struct Packet;

/// Threads:  that of its handler.
/// Lifetime: until the handler has finished: a coroutine's context lives as long as the coroutine runs.
class Context {
 public:
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  enum class Side { service, client };
  virtual Side side() const noexcept = 0;
  bool is_request() const noexcept;

  /// The pattern as text, as the caller gave it: object patterns as JSON.
  std::string_view pattern() const noexcept;
  /// The channel or topic that it came through, where the carrier has one; else the pattern's route.
  std::string_view channel() const noexcept;
  /// False when the message had no payload at all (JavaScript's `undefined`), which is not the same as null.
  bool has_payload() const noexcept;
  /// The payload undecoded, kept alive by the result. Throws Error(payload_malformed).
  Payload payload() const;

  /// Headers of the message; on carriers without any, the texts in its metadata.
  virtual const Headers& headers() const = 0;
  /// The value of a header, or null.
  const std::string* header(std::string_view name) const { return headers().find(name); }
  /// NestJS's metadata as it came; empty() if there was none. Throws Error(payload_malformed).
  Payload metadata() const;
  /// The carrier's own settings of the message, by its names (docs/transports), read only.
  const Headers& properties() const noexcept;
  /// On a client: sends the header along. On a service: with the replies, where the carrier has headers for them.
  virtual void set_header(std::string_view name, std::string_view value) = 0;

  /// For calls on behalf of this message: they belong to its trace, and end when its caller waits no longer.
  CallOptions call_options() const;
  /// The trace that the message belongs to, without what was malformed; the step that set_trace() has made of it, if it has.
  virtual TraceContext trace() const = 0;
  /// For middleware that makes steps of traces. On a client: goes along. On a service: what call_options() passes on.
  virtual void set_trace(TraceContext trace) = 0;

  /// Which delivery of this message this is, from 1.
  virtual int attempt() const noexcept = 0;
  /// The broker says that the message may have been delivered before.
  virtual bool is_redelivered() const noexcept { return false; }

  /// Until when the caller waits, if that is known. On a client middleware may move it.
  virtual std::optional<std::chrono::steady_clock::time_point> deadline() const = 0;
  virtual void set_deadline(std::chrono::steady_clock::time_point deadline) = 0;
  /// False when nobody can hear the reply any more.
  virtual bool is_caller_connected() const { return true; }

  /// Settles the message now instead of when the handler has finished. The first settlement counts. On a client nothing
  /// happens.
  virtual void ack() {}
  virtual void retry() {}   ///< Deliver it again, at once, as long as `attempts` allow.
  virtual void reject() {}  ///< Never again: to the dead-letter channel if there is one, when the handler has finished.
  /// Leaves the message unsettled when the handler has finished: it stays in hand until the listener stops or loses its
  /// link, and is then delivered again where the carrier can. It counts as in flight for the carrier. What the handler of a
  /// request returns is sent all the same; one that returns nothing leaves it unanswered, too.
  virtual void leave() {}
  /// On a service, when the handler has finished: it said that the message is not done with, by retry(), reject() or leave().
  virtual bool is_given_back() const noexcept { return false; }

  /// Where the handler runs, and what it waits for: one thing at a time. On a handler pool a strand of its own.
  virtual const asio::any_io_executor& executor() const noexcept = 0;
  virtual const Log& log() const noexcept = 0;

 protected:
  Context() = default;
  ~Context() = default;

 private:
  virtual const Packet& packet() const noexcept = 0;
};

}  // namespace waybill
