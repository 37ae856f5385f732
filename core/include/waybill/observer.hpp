// Observer: what becomes of calls, messages and links, told as it happens: for metrics, traces, introspection and tests.
#pragma once

#include "waybill/error.hpp"
#include "waybill/status.hpp"
#include "waybill/trace.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace waybill {

inline constexpr std::size_t k_no_route = static_cast<std::size_t>(-1);

/// A call of a client. Its views are valid while it is told of.
struct ObservedCall {
  std::string_view url;      ///< Of the client, without secrets.
  std::string_view pattern;  ///< Its route; of a long one the first 48 bytes.
  bool is_request;           ///< False: an event.
  std::uint64_t number;  ///< The same when it ends; of no other open call of this client. 0: an event nobody waits for.
  std::size_t sent = 0;  ///< Bytes of its payload; known when it begins.
  std::size_t received = 0;  ///< Bytes of the last payload of its reply; known when it ends.
};

/// A message at a service. Its views are valid while it is told of.
struct ObservedMessage {
  std::string_view url;  ///< Of the listener, without secrets.
  std::string_view
      pattern;  ///< As it was registered, never as it was sent: so few different ones. Empty: nobody handles it.
  bool is_request;
  std::uint64_t number;            ///< The same until it is settled; of no other message of this listener on this loop.
  int attempt;                     ///< Which delivery of the message this is, from 1.
  std::size_t route = k_no_route;  ///< Its place among ObservedSource::routes.
  std::size_t received = 0;        ///< Bytes of its payload.
  std::size_t sent = 0;            ///< Bytes of the payloads that answered it so far.
};

/// A request over HTTP. Its views are valid while it is told of.
struct ObservedHttp {
  std::string_view url;     ///< Of the server.
  std::string_view method;  ///< As it was sent; empty: it did not get so far, or is not known.
  std::string_view path;    ///< Of its route, with names in braces; empty: it has none.
  std::size_t route = k_no_route;
  std::string_view target = {};  ///< As it was sent: "/orders/7?full=true".
  std::uint64_t number = 0;      ///< The same when it ends; of no other request of this server.
  int status = 0;                ///< Known when it ends; 0: its caller left before.
  std::size_t received = 0;      ///< Bytes of its body.
  std::size_t sent = 0;          ///< Bytes of the body of the response; known when it ends.
};

/// Something that observers are told of.
struct ObservedSource {
  enum class Kind { client, listener, http };
  Kind kind;
  std::string_view url;                 ///< Without secrets.
  std::span<const std::string> routes;  ///< What is registered: patterns of a listener, "GET /orders/{id}" of HTTP.
};

/// How a message was settled with its carrier.
enum class Fate {
  acknowledged,
  retried,  ///< To be delivered again, where the carrier can.
  parked,   ///< It is in the dead-letter channel.
  dropped,
};
/// "acknowledged", "retried" ...
constexpr std::string_view name_of(Fate fate) noexcept {
  switch (fate) {
    case Fate::acknowledged: return "acknowledged";
    case Fate::retried: return "retried";
    case Fate::parked: return "parked";
    case Fate::dropped: break;
  }
  return "dropped";
}

/// Overrides what it is interested in. Given to Client::observe() and Service::observe(); one may be given to several.
///
/// Threads: told on the executor of the client, or on the loop of the listener: an observer of several of them, or of a
///          service with several loops, is called by several threads at the same time.
/// Errors:  must not throw. It stands in the way of messages: what takes time belongs elsewhere.
class Observer {
 public:
  virtual ~Observer() = default;

  /// Asked once for each client, each listener on each loop, and each HTTP server, before it is told of them: who is told
  /// instead, which then need not look up whom it is about, and is called by one thread at a time. Null: this one.
  virtual std::shared_ptr<Observer> observer_of(const ObservedSource&) { return nullptr; }

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

  /// Whether it makes steps of traces: if so, it is asked for one behind each call_began(), message_came() and http_began().
  virtual bool traces() const noexcept { return false; }
  /// `trace`: what the call is made on behalf of, or the message or request has come with, without what was malformed. What it
  /// is made into goes along with the call, or with the calls that are made on behalf of the message or request.
  virtual void call_traced(const ObservedCall&, TraceContext& trace) noexcept { (void)trace; }
  virtual void message_traced(const ObservedMessage&, TraceContext& trace) noexcept { (void)trace; }
  virtual void http_traced(const ObservedHttp&, TraceContext& trace) noexcept { (void)trace; }
  /// A middleware of the client sends it again; `attempt`: from 2, `why`: what the one before ended with.
  virtual void call_repeated(const ObservedCall&, int attempt, const Error& why) noexcept {
    (void)attempt;
    (void)why;
  }

  /// The link of a client or a listener has changed.
  virtual void link_changed(std::string_view url, Status) noexcept { (void)url; }
  /// A bound was reached, so that something waits or is refused: "max_in_flight", "max_queued", "max_unsent".
  virtual void bound_reached(std::string_view url, std::string_view bound) noexcept {
    (void)url;
    (void)bound;
  }
  /// A figure of a client or a listener as it is now: those of core (docs/metrics.md), and what the carrier's library tells
  /// (MetricSink).
  virtual void figure_told(std::string_view url, std::string_view name, double value) noexcept {
    (void)url;
    (void)name;
    (void)value;
  }

  /// A request over HTTP has come, or was refused before it was whole. Each ends, once.
  virtual void http_began(const ObservedHttp&) noexcept {}
  /// `took`: since it had come, with all of its body, to the last byte of its response handed over; 0: it was refused
  /// before.
  virtual void http_ended(const ObservedHttp&, std::chrono::nanoseconds took) noexcept { (void)took; }
};

}  // namespace waybill
