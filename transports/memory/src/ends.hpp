// The two ends of the broker's links: what waits to be told to a listener's or a connection's host, and where.
//
// Threads:  `sink` is touched on the executor only; everything else is guarded by the hub's mutex.
// Lifetime: shared by the role object, by deliveries and by handlers under way on the executor.
#pragma once

#include "exchange.hpp"
#include "hub.hpp"
#include "waybill/transport/transport.hpp"
#include "wire/wire.hpp"

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/steady_timer.hpp>

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>

namespace waybill::memory {

/// Posts run() to the executor, at most once at a time.
class End : public std::enable_shared_from_this<End> {
 public:
  End(std::shared_ptr<Hub> its_hub, asio::any_io_executor its_executor)
      : hub(std::move(its_hub)), executor(std::move(its_executor)) {}
  virtual ~End() = default;

  void schedule_locked();
  void wake_locked();  ///< Ends until_moving.

  const std::shared_ptr<Hub> hub;
  const asio::any_io_executor executor;
  Wire wire;                                 ///< Set once, before the end is up.
  bool is_up = false;                        ///< The hub knows the end.
  bool is_closed = false;                    ///< For good: nothing is posted any more.
  std::optional<Error> lost;                 ///< To be told.
  std::shared_ptr<asio::steady_timer> thaw;  ///< Somebody waits in until_moving.

 protected:
  static constexpr int k_batch = 64;  ///< Packets told before other handlers of the executor have their turn.
  /// Tells one thing; false if there is nothing.
  /// Clears is_scheduled_ then.
  virtual bool run_one() = 0;
  bool is_scheduled_ = false;

 private:
  void run();
};

/// Completes at once, or when a frozen broker moves again or the end is closed.
asio::awaitable<void> until_moving(std::shared_ptr<End> end);

/// A listener's end.
class ServiceEnd final : public End, public Consumer {
 public:
  using End::End;
  void accept(MessagePtr message) override;
  std::shared_ptr<ServiceEnd> self() { return std::static_pointer_cast<ServiceEnd>(shared_from_this()); }

  ListenerSink* sink = nullptr;
  std::deque<MessagePtr> inbox;                   ///< Accepted, not yet handed to the sink.
  std::map<std::uint64_t, MessagePtr> unsettled;  ///< Handed to the sink, by token.
  std::uint64_t last_token = 0;
  std::string dead_letter;  ///< Set once: the channel for what is rejected; empty: none.

 private:
  bool run_one() override;
};

/// A connection's end.
class ClientEnd final : public End {
 public:
  using End::End;
  struct Sent {
    Ticket ticket;
    Result<Accepted> outcome;
  };
  std::shared_ptr<ClientEnd> self() { return std::static_pointer_cast<ClientEnd>(shared_from_this()); }
  void tell_locked(Packet reply);
  void tell_sent_locked(Ticket ticket, Result<Accepted> outcome);

  ConnectionSink* sink = nullptr;
  std::deque<std::variant<Packet, Sent>> inbox;
  std::size_t reply_packets = 0;  ///< In the inbox.
  std::size_t reply_bytes = 0;
  std::map<std::string, std::shared_ptr<Call>, std::less<>> calls;  ///< Requests under way, by id.

 private:
  bool run_one() override;
};

}  // namespace waybill::memory
