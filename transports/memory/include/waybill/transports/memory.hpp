// The memory transport: an in-process broker by name (memory://orders), the reference for the conformance suite, and
// the place where tests inject faults under a clock that they advance by hand (docs/transports/memory.md).
#pragma once

#include "waybill/registry.hpp"
#include "waybill/result.hpp"
#include "waybill/time.hpp"
#include "waybill/transport/dead_letter.hpp"
#include "waybill/transport/transport.hpp"
#include "waybill/url.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace waybill::memory {

class Hub;

/// memory://NAME[?wire=true]: a transport on the broker NAME of this process. The broker lives as long as a transport,
/// a listener or a connection of that name does. With `wire` each packet is composed and parsed by its serializer, as
/// on a real carrier; without it the packet is handed over as it is.
/// Errors: invalid_config.
Result<std::unique_ptr<Transport>> make_transport(const Url& url, const Registry& registry);

using waybill::VirtualTime;

/// Which way a packet travels.
enum class Leg {
  both,
  to_service,  ///< Requests and events.
  to_client,   ///< Replies.
};

/// What happens to packets on their way through the broker. The sender has been told by then that the broker has the
/// packet. Of several faults the first that matches a packet counts.
struct Fault {
  Leg leg = Leg::both;
  std::string route;             ///< Wildcards in waybill's form; empty: all. A reply has its request's route.
  std::size_t skip = 0;          ///< Lets so many matching packets pass first.
  std::size_t times = SIZE_MAX;  ///< Then strikes so often.

  bool drop = false;               ///< The packet vanishes.
  unsigned duplicates = 0;         ///< So many further copies arrive right behind it.
  VirtualTime::Duration delay{0};  ///< It arrives so much later; what is sent meanwhile overtakes it.
  unsigned overtaken_by = 0;       ///< It arrives behind the next so many packets of the same leg.
};

struct BrokerOptions {
  std::string name = "broker";
  std::size_t max_waiting_messages = 65'536;  ///< In one group, not yet given to a listener.
  std::size_t max_waiting_bytes = 64u << 20;  ///< Of their payloads. Beyond either, sending fails with overloaded.
  std::size_t max_reply_bytes = 64u << 20;    ///< Not yet taken by one client; beyond it that client loses its link.
  std::shared_ptr<VirtualTime> time;          ///< Null: that of each client's loop.
};

/// What a broker has seen since it was made, and what it holds now.
struct BrokerCounters {
  std::uint64_t accepted = 0;     ///< Requests and events taken from clients.
  std::uint64_t refused = 0;      ///< Nobody listens, or a queue is full.
  std::uint64_t delivered = 0;    ///< Handed to listeners, redeliveries included.
  std::uint64_t redelivered = 0;  ///< Given back or lost with a link, and delivered again.
  std::uint64_t acknowledged = 0;
  std::uint64_t rejected = 0;  ///< Settled with reject.
  std::uint64_t replies = 0;   ///< Taken from listeners.
  std::uint64_t faults = 0;    ///< Packets that a fault struck.
  std::size_t waiting = 0;     ///< Now, in all groups and on the way to listeners.
  std::size_t unsettled = 0;   ///< Now, in the hands of listeners.
  std::size_t listeners = 0;   ///< Links that are up now.
  std::size_t connections = 0;
};

/// The in-process broker as tests hold it. Each route is a channel; listeners of one group share its messages in turn,
/// every group gets every event, one listener gets a request. Groups and what waits for them live as long as the
/// broker. An empty group name means the group "default".
///
/// Threads: any. Members never call back; what they cause is posted to the executors of listeners and connections.
class Broker {
 public:
  static std::shared_ptr<Broker> make(BrokerOptions options = {});
  explicit Broker(std::shared_ptr<Hub> hub) : hub_(std::move(hub)) {}

  /// A factory for Registry::add_transport: all memory URLs of that registry then mean this broker.
  Registry::TransportFactory factory() const;

  void inject(Fault fault);
  /// No further packet is struck. What is delayed stays delayed; what waits to be overtaken goes on.
  void clear_faults();

  /// Cuts every link, once; they may be opened again at once.
  void disconnect();
  void disconnect_listeners();
  void disconnect_connections();
  /// Cuts every link and refuses new ones until start().
  void stop();
  void start();
  /// Nothing moves until thaw(): what is sent, answered, settled or opened meanwhile waits, in order.
  void freeze();
  void thaw();

  BrokerCounters counters() const;
  /// What was given up and parked in a channel (`dead_letter` of a listener), oldest first, at most `limit`.
  std::vector<DeadLetter> dead_letters(const std::string& channel, std::size_t limit = SIZE_MAX) const;

 private:
  std::shared_ptr<Hub> hub_;
};

}  // namespace waybill::memory
