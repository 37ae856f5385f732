// Observer: what becomes of calls, messages and links, told as it happens: for metrics, traces, introspection and tests.
#pragma once

#include "waybill/error.hpp"
#include "waybill/status.hpp"

#include <chrono>
#include <cstdint>
#include <string_view>

namespace waybill {

/// A call of a client. Its views are valid while it is told of.
struct ObservedCall {
  std::string_view url;      ///< Of the client, without secrets.
  std::string_view pattern;  ///< Its route; of a long one the first 48 bytes.
  bool is_request;           ///< False: an event.
  std::uint64_t number;      ///< The same when it ends; of no other open call of this client.
};

/// A message at a service. Its views are valid while it is told of.
struct ObservedMessage {
  std::string_view url;  ///< Of the listener, without secrets.
  std::string_view
      pattern;  ///< As it was registered, never as it was sent: so few different ones. Empty: nobody handles it.
  bool is_request;
  std::uint64_t number;  ///< The same until it is settled; of no other message of this listener on this loop.
  int attempt;           ///< Which delivery of the message this is, from 1.
};

/// How a message was settled with its carrier.
enum class Fate {
  acknowledged,
  retried,  ///< To be delivered again, where the carrier can.
  parked,   ///< It is in the dead-letter channel.
  dropped,
};

/// Overrides what it is interested in. Given to Client::observe() and Service::observe(); one may be given to several.
///
/// Threads: told on the executor of the client, or on the loop of the listener: an observer of several of them, or of a
///          service with several loops, is called by several threads at the same time.
/// Errors:  must not throw. It stands in the way of messages: what takes time belongs elsewhere.
class Observer {
 public:
  virtual ~Observer() = default;

  /// A call was made. Each call that began ends, once.
  virtual void call_began(const ObservedCall&) noexcept {}
  /// `error`: what its caller is told, also what the other side answered; null: none. `took`: since it was made. An event that
  /// nobody waits for has ended when it was handed over.
  virtual void call_ended(const ObservedCall&, const Error* error, std::chrono::nanoseconds took) noexcept {
    (void)error;
    (void)took;
  }

  /// A message has come, and goes to its handlers, if it has any. Each message that came is settled, once.
  virtual void message_came(const ObservedMessage&) noexcept {}
  /// Its handlers, and the middleware around them, have ended; not told when its link was lost meanwhile. `took`: since it
  /// came.
  virtual void message_handled(const ObservedMessage&, const Error* error, std::chrono::nanoseconds took) noexcept {
    (void)error;
    (void)took;
  }
  virtual void message_settled(const ObservedMessage&, Fate) noexcept {}

  /// The link of a client or a listener has changed.
  virtual void link_changed(std::string_view url, Status) noexcept { (void)url; }
  /// A bound was reached, so that something waits or is refused: "max_in_flight", "max_queued", "max_unsent".
  virtual void bound_reached(std::string_view url, std::string_view bound) noexcept {
    (void)url;
    (void)bound;
  }
};

}  // namespace waybill
