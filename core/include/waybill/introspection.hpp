// Introspection: what running services tell of themselves over the carrier that they serve (docs/introspection.md). A
// service with `introspection: true` answers it; `waybill ps` and `waybill top` ask it, and any program may.
#pragma once

#include "waybill/client.hpp"
#include "waybill/description.hpp"
#include "waybill/fields.hpp"

#include <asio/awaitable.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace waybill {

/// The pattern of the request; part of the wire format.
inline constexpr const char* k_introspection_pattern = "waybill.introspection";

struct IntrospectionQuery {
  enum class Ask {
    ping,     ///< Who is there.
    info,     ///< And what it serves.
    stats,    ///< And what became of that.
    schemas,  ///< What it serves, and what goes to and fro there.
  };
  IntrospectionQuery() {}  // NOLINT: not an aggregate, so that g++ 12 may destroy it inside a co_await statement
  explicit IntrospectionQuery(Ask what) : ask(what) {}

  Ask ask = Ask::ping;
  /// Instances that the asker has heard. They answer a moment later, so that others do first where each hears a request.
  std::vector<std::string> known;
  WAYBILL_FIELDS(IntrospectionQuery, ask, known)
};

/// A handler of a service: one for each pattern and kind.
struct HandlerInfo {
  std::string pattern;  ///< As its route: `{"cmd":"sum"}`.
  std::string kind;     ///< "request" or "event".
  // Of stats; counted since the start.
  std::optional<std::uint64_t> handled;
  std::optional<std::uint64_t> failed;     ///< Of those that were handled.
  std::optional<std::string> last_error;   ///< Its code, never its text.
  std::optional<double> mean_ms, most_ms;  ///< Of the time from when a message came to the end of its handlers.
  // Of schemas; as in HandlerDescription, of the first where one pattern has several for events.
  std::optional<std::string> argument, reply;
  std::optional<bool> is_stream;
};

struct ListenerInfo {
  std::string name;    ///< May be empty.
  std::string url;     ///< Where it listens, without secrets.
  std::string status;  ///< "ready".
};

/// One service of one process.
struct ServiceInfo {
  std::string name, version;  ///< Of the configuration; `name` is the program's file name if that says nothing.
  std::string instance;       ///< Drawn at random by each service when it starts.
  std::string host;           ///< The machine's name.
  std::int64_t pid = 0;
  std::chrono::system_clock::time_point started;
  // Of info and stats.
  std::optional<std::vector<ListenerInfo>> listeners;
  std::optional<std::vector<HandlerInfo>> handlers;
  // Of stats.
  std::optional<std::uint64_t> in_flight, unhandled, retried, dead_lettered, dropped;
};

/// The services that answer on the client's carrier, in the order in which they did; where that has no broker, the one at the
/// other end. Where listeners share the work each request reaches one of them, so it asks until several rounds of requests
/// have brought nobody new: whoever answers within `patience` is found, as a rule.
/// Throws the Error of the requests when nobody has answered: where introspection is off errc::no_handler, no_receiver or
/// timeout, as the carrier tells it.
asio::awaitable<std::vector<ServiceInfo>> find_services(Client& client, IntrospectionQuery::Ask ask,
                                                        std::chrono::milliseconds patience);

/// Of what a service answers to Ask::schemas.
ServiceDescription description_of(const ServiceInfo& service);

}  // namespace waybill
