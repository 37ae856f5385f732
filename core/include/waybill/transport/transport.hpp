// Transport: the contract that every carrier implements (docs/adding-a-transport.md). Core asks capabilities, never
// which transport it is; it reconnects, correlates, times out, retries and drains, so that a transport only carries.
#pragma once

#include "waybill/detail/unique_function.hpp"
#include "waybill/format/serializer.hpp"
#include "waybill/log.hpp"
#include "waybill/metrics.hpp"
#include "waybill/pattern.hpp"
#include "waybill/result.hpp"
#include "waybill/transport/dead_letter.hpp"
#include "waybill/transport/held_bytes.hpp"
#include "waybill/transport/packet.hpp"

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace waybill {

/// How well a transport does something. What is impossible is refused at start, with a sentence.
enum class Support { impossible, emulated, native };

/// What a transport can do. The truth: the conformance suite tests what is declared, and that the rest is refused.
struct Capabilities {
  std::string_view transport;      ///< For people: "tcp".
  std::string_view event_promise;  ///< "at most once" or "at least once".
  Support requests = Support::native;
  Support events = Support::native;
  Support wildcards = Support::impossible;     ///< emulated: the router matches on this side.
  Support groups = Support::impossible;        ///< Listeners of one group share the work.
  Support headers = Support::native;           ///< emulated: in the packet's metadata, requests and events only.
  Support redelivery = Support::impossible;    ///< settle(retry) brings the message back.
  Support receivers = Support::impossible;     ///< Tells when nobody took a message.
  Support dead_letters = Support::impossible;  ///< park() puts messages into Environment::dead_letter.
  bool deadlines = false;                      ///< Packet::deadline travels by itself, not as a header.
  bool confirms = false;                       ///< on_sent means that the broker has the message, not only the socket.
  bool keeps_unconfirmed = false;  ///< Sends unconfirmed events again by itself after a loss; else the host does.
  bool keeps_order = true;         ///< Messages of one connection arrive in order.
  bool sees_callers = true;  ///< DeliverySource::is_connected() turns false when the caller of a request has gone.
  bool hears_cancels =
      false;  ///< DeliverySource::is_awaited() turns false when its caller gives up one request of several.
  bool sole_listener = false;   ///< An address belongs to who listens there: what is sent to it reaches nobody else.
  bool tells_unhandled = true;  ///< A request that nobody handles ends with an error, not only at its deadline.
};

/// What a role needs from its host.
struct Environment {
  asio::any_io_executor executor;          ///< Serial: never runs two handlers at once. All calls happen on it.
  const Serializer* serializer = nullptr;  ///< For packets and payloads, unless the peer chose another.
  Log log;
  MetricSink metrics;                ///< For what the transport can tell of itself; empty: nobody wants to know.
  std::size_t max_in_flight = 1024;  ///< Of one peer (or one listener, where there are no peers).
  bool shares_address = false;       ///< Several listeners of this transport, on several loops, share one address.
  std::string group;                 ///< Listeners of the same group share the work; empty: the transport's default.
  std::string dead_letter;           ///< The channel for messages that were given up; empty: none.
};

/// What a listener must receive.
struct Route {
  Pattern pattern;
  bool handles_requests = false;
  bool handles_events = false;
};
using Routes = std::vector<Route>;

enum class Settlement : std::uint8_t {
  ack,     ///< Done.
  retry,   ///< Deliver again, if the broker can.
  reject,  ///< Never again. What is to be kept is parked first, and then acknowledged.
};

class Delivery;

namespace detail {
/// What a delivery tells of itself, where somebody observes its listener: core/src/service/observed_delivery.hpp.
class ObservedDelivery;
struct EndObserved {
  void operator()(ObservedDelivery* observed) const noexcept;
};
using ObservedDeliveryPtr = std::unique_ptr<ObservedDelivery, EndObserved>;
void tell_replied(ObservedDelivery& observed, const Packet& reply) noexcept;
void tell_settled(ObservedDelivery& observed, const Delivery& delivery, Settlement settlement) noexcept;
}  // namespace detail

/// How parking ended: with nothing when the message is surely in its place, else with why it is not.
using ParkDone = detail::UniqueFunction<void(const Result<void>&)>;

/// Where deliveries come from and their replies go to: a peer's connection, a broker's channel.
///
/// Threads:  on the listener's executor.
/// Lifetime: counted by its deliveries (add_delivery, drop_delivery); a reply or settlement after its link is gone is
///           dropped silently.
class DeliverySource {
 public:
  /// Sends one reply packet: value, error, end or no_handler, in the order of the calls.
  virtual void reply(const Delivery& delivery, const Packet& packet) = 0;
  virtual void settle(const Delivery& delivery, Settlement settlement) = 0;
  /// Puts a copy of the message, as it came, into Environment::dead_letter, with the headers that add_death_headers()
  /// makes of Delivery::failure. The delivery stays unsettled and in its place until `done` was called: once, on the
  /// executor, perhaps from within park(). When the link goes first, `done` is destroyed instead.
  /// REQUIRES: Environment::dead_letter, and Capabilities::dead_letters.
  virtual void park(const Delivery& delivery, ParkDone done) {
    (void)delivery;
    done(Error(errc::unsupported, "the transport has no dead letters", End::rejected));
  }
  virtual void add_delivery() noexcept = 0;
  virtual void drop_delivery() noexcept = 0;
  /// A delivery keeps so many bytes of its own from now on; negative: it has given them back. They are in the process's
  /// account; a source with a bound of its own counts them itself, there too, and takes in no more beyond it.
  virtual void hold_bytes(std::ptrdiff_t by) noexcept { transport::hold_bytes(by); }
  /// From now on no handler works on a delivery, and it is not settled: it waits for its next attempt or to be parked, or
  /// its handler left it. False: that is over. A source with a window may take others in its place.
  virtual void delivery_waits(bool on) noexcept { (void)on; }
  /// True while the other side takes replies more slowly than they come: streams pause.
  virtual bool is_congested() const noexcept { return false; }
  /// False once nobody can hear a reply: streams end.
  virtual bool is_connected() const noexcept { return true; }
  /// False once nobody waits for the replies to this one any more: its stream ends.
  virtual bool is_awaited(const Delivery& delivery) const noexcept {
    (void)delivery;
    return is_connected();
  }

 protected:
  ~DeliverySource() = default;
};

/// A packet that must be settled, once. Move-only; dropped unsettled it means retry.
/// Its views are borrowed until own() is called: do so before the delivery outlives the call that handed it over.
class Delivery {
 public:
  Delivery(DeliverySource& source, std::uint64_t own_token) noexcept : token(own_token), source_(&source) {
    source.add_delivery();
  }
  Delivery(Delivery&& other) noexcept
      : packet(std::move(other.packet)),
        reply_to(other.reply_to),
        token(other.token),
        attempt(other.attempt),
        redelivered(other.redelivered),
        failure(std::move(other.failure)),
        message(std::move(other.message)),
        reply_to_storage_(std::move(other.reply_to_storage_)),
        source_(std::exchange(other.source_, nullptr)),
        observed_(std::move(other.observed_)),
        held_(other.held_),
        settled_(other.settled_),
        waits_(std::exchange(other.waits_, false)) {}
  Delivery& operator=(Delivery&&) = delete;
  ~Delivery() {
    if (!source_) return;
    settle(Settlement::retry);
    if (held_) source_->hold_bytes(-held_);
    source_->drop_delivery();
  }

  /// For `source`, of which it is: the same delivery for the next message, into a packet that must be filled as a whole. False:
  /// it was given away, is not settled, or has something of its own.
  bool begin_again(const DeliverySource& source, std::uint64_t own_token) noexcept {
    if (source_ != &source || !settled_ || held_ || waits_ || failure || message.size() || observed_ ||
        !packet.is_plain())
      return false;
    token = own_token;
    packet.route = reply_to = {};
    attempt = 1;
    redelivered = settled_ = false;
    return true;
  }

  Packet packet;
  std::string_view reply_to;  ///< Where the transport sends replies to, in its own form.
  std::uint64_t token;        ///< The source's own name for the delivery.
  int attempt = 1;            ///< From 1.
  bool redelivered = false;   ///< The broker says that it may have been delivered before.
  /// Why it is parked: its dead letter tells (add_death_headers). Set by the transport when the message cannot be read:
  /// the host gives it up, an event then, and handles it never.
  std::optional<Error> failure;
  /// All of it as it came, where its transport passes it on so; packet and reply_to may see into it.
  Slice message;

  void reply(const Packet& reply_packet) const {
    if (observed_) detail::tell_replied(*observed_, reply_packet);
    source_->reply(*this, reply_packet);
  }
  /// The first call counts, later ones do nothing.
  void settle(Settlement settlement) {
    if (settled_) return;
    settled_ = true;
    if (waits_) end_wait();
    if (observed_) detail::tell_settled(*observed_, *this, settlement);
    source_->settle(*this, settlement);
  }
  /// Until it is settled (DeliverySource::delivery_waits).
  void wait() noexcept {
    if (!std::exchange(waits_, true)) source_->delivery_waits(true);
  }
  bool is_settled() const noexcept { return settled_; }
  bool is_awaited() const noexcept { return source_->is_awaited(*this); }
  /// DeliverySource::park(): the delivery must neither move nor end before `done` was called or destroyed.
  void park(ParkDone done) const { source_->park(*this, std::move(done)); }
  const DeliverySource& source() const noexcept { return *source_; }
  /// For hosts: who tells their observer of it; goes with the delivery. Null: nobody.
  detail::ObservedDeliveryPtr& observed() noexcept { return observed_; }
  const detail::ObservedDeliveryPtr& observed() const noexcept { return observed_; }
  void own() {
    if (!message.empty()) {
      const Slice whole = message.own();
      if (is_borrowed_part(packet.payload)) packet.payload = packet.payload.moved(message, whole);
      if (is_borrowed_part(packet.metadata)) packet.metadata = packet.metadata.moved(message, whole);
      if (is_part(reply_to)) reply_to = whole.view().substr(offset_of(reply_to), reply_to.size());
      message = whole;
    }
    packet = packet.own();
    if (!reply_to.empty() && !is_part(reply_to)) {
      reply_to_storage_ = Slice::copy(reply_to);
      reply_to = reply_to_storage_.view();
    }
    const std::size_t seen =
        message.empty() ? packet.payload.size() + packet.metadata.size() + reply_to.size() : message.size();
    const auto size = static_cast<std::ptrdiff_t>(seen + packet.pattern.text.size() + packet.route.size());
    source_->hold_bytes(size - std::exchange(held_, size));
  }

 private:
  bool is_part(std::string_view part) const noexcept {
    return part.data() >= message.data() && part.data() + part.size() <= message.data() + message.size();
  }
  /// It is in the message anyway: need not be copied once more.
  bool is_borrowed_part(const Slice& part) const noexcept {
    return !part.empty() && !part.is_owned() && is_part(part.view());
  }
  std::size_t offset_of(std::string_view part) const noexcept {
    return static_cast<std::size_t>(part.data() - message.data());
  }
  void end_wait() noexcept {
    waits_ = false;
    source_->delivery_waits(false);
  }
  Slice reply_to_storage_;
  DeliverySource* source_;
  detail::ObservedDeliveryPtr observed_;
  std::ptrdiff_t held_ = 0;  // what the source was told
  bool settled_ = false;
  bool waits_ = false;
};

/// What a listener tells its host. Called on the listener's executor, never from within a call to the listener.
class ListenerSink {
 public:
  virtual void on_delivery(Delivery&& delivery) = 0;
  /// The link is gone, with everything it had delivered; the host calls open() again after a while.
  virtual void on_lost(const Error& error) = 0;
  /// It has its link, and yet receives nothing for now, and says why: no broker answers, its share was taken away. Empty: it
  /// receives again. Forgotten when the link is lost.
  virtual void on_hindered(std::string_view reason) { (void)reason; }

 protected:
  ~ListenerSink() = default;
};

/// Server role: receives deliveries and hands them to a sink.
///
/// Threads:  all members run on Environment::executor; the sink is called there as well.
/// Lifetime: close() before destruction; after it the sink is not called. Operations still under way then end quietly.
class Listener {
 public:
  virtual ~Listener() = default;

  /// Completes when a message sent right after it will be received. After on_lost it may be called again.
  /// Errors: refused (try again), unauthorized, unsupported, invalid_config (do not).
  virtual asio::awaitable<Result<void>> open(const Routes& routes, ListenerSink& sink) = 0;

  /// Takes nothing new but keeps the links, so that what was taken can be answered and settled. Idempotent.
  virtual void stop_intake() = 0;
  /// Stops and goes on reading, for backpressure. A transport that cannot must bound its queue and say so.
  virtual void pause() = 0;
  virtual void resume() = 0;
  /// Completes when all replies and settlements are handed over, or the links are gone.
  virtual asio::awaitable<void> flush() = 0;
  /// Now. Idempotent; works while the sink is busy.
  virtual void close() = 0;

  /// Where it listens, for people and logs, without secrets: "tcp://127.0.0.1:41231".
  virtual std::string address() const = 0;
};

/// The sender's own name for something sent; 0: it does not want to know.
using Ticket = std::uint64_t;
/// Set in a ticket: its sender wants to be told of a failure only (requests: their reply is their success).
inline constexpr Ticket k_failure_only = Ticket{1} << 63;

/// What is known of a message that was not rejected.
struct Accepted {
  enum class By : std::uint8_t {
    written,    ///< Given to the network.
    taken,      ///< Handed to `receivers` subscribers.
    confirmed,  ///< The broker has it, as durably as its queue is.
  };
  By by = By::written;
  std::size_t receivers = 0;  ///< With taken.
};

/// What a connection tells its host. Called on the connection's executor.
class ConnectionSink {
 public:
  /// A reply packet; its id says to which request. Unknown ids are the host's business.
  virtual void on_reply(const Packet& packet) = 0;
  /// The transport's promise for the packet sent with `ticket` is met (written, taken, confirmed), or it failed.
  virtual void on_sent(Ticket ticket, Result<Accepted> outcome) = 0;
  /// The broker takes nothing for now, and says why; what is sent waits. Empty: it takes messages again. Also told just
  /// before open() completes.
  virtual void on_blocked(std::string_view reason) { (void)reason; }
  /// It takes messages, and yet replies to them do not come for now, and says why. Empty: they come again. Forgotten when the
  /// link is lost.
  virtual void on_hindered(std::string_view reason) { (void)reason; }
  /// The link is gone; what was sent and is not answered is lost. The host calls open() again after a while.
  /// Tickets that were not told of yet are void: the host ends them itself.
  virtual void on_lost(const Error& error) = 0;

 protected:
  ~ConnectionSink() = default;
};

/// Client role: sends packets and hands replies to a sink. Threads and lifetime as for Listener.
class Connection {
 public:
  virtual ~Connection() = default;

  /// Completes when requests can be sent and their replies will be received. Errors as for Listener::open.
  virtual asio::awaitable<Result<void>> open(ConnectionSink& sink) = 0;

  /// Takes the packet before it returns; packets sent in one turn of the loop leave in one write. Never blocks.
  /// REQUIRES: open() has completed and the link is not lost.
  /// A packet that cannot be carried (too large, illegal channel name) fails through on_sent, for requests too:
  /// these always have a ticket.
  virtual void send(const Packet& packet, Ticket ticket) = 0;
  /// The caller is gone: replies to `id` need not be received any more.
  virtual void forget(Term id) { (void)id; }
  /// Stops and goes on reading replies, for backpressure; where a carrier cannot, the host's bounds hold alone.
  virtual void pause() {}
  virtual void resume() {}
  /// Bytes that were sent and are not yet written: the host bounds them.
  virtual std::size_t unsent_bytes() const noexcept { return 0; }
  virtual asio::awaitable<void> flush() = 0;  ///< Completes when everything sent is handed over, or the link is gone.
  virtual void close() = 0;                   ///< Now. Idempotent.
};

/// One URL, parsed and checked: a factory for two roles that says what it can do.
class Transport {
 public:
  virtual ~Transport() = default;
  virtual const Capabilities& capabilities() const noexcept = 0;
  virtual std::unique_ptr<Listener> make_listener(Environment environment) = 0;      ///< Server role.
  virtual std::unique_ptr<Connection> make_connection(Environment environment) = 0;  ///< Client role.
  /// The dead letters in the channel Environment::dead_letter; null where Capabilities::dead_letters is impossible.
  virtual std::unique_ptr<DeadLetterBox> make_dead_letter_box(Environment environment) {
    (void)environment;
    return nullptr;
  }
};

}  // namespace waybill
