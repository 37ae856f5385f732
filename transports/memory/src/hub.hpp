// Hub: the broker's inside. It owns the one mutex of the memory transport; the exchange decides who gets what, and the
// ends post it to their executors. Functions that end in _locked require the mutex.
#pragma once

#include "dead_letters.hpp"
#include "exchange.hpp"
#include "faults.hpp"
#include "waybill/transports/memory.hpp"

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace waybill::memory {

class ServiceEnd;
class ClientEnd;

class Hub : public std::enable_shared_from_this<Hub> {
 public:
  explicit Hub(BrokerOptions options);

  const std::string& name() const noexcept { return options_.name; }
  std::mutex& mutex() noexcept { return mutex_; }

  // Links. open_locked: errors are refused (stopped). Both kinds are removed by lose or close, and only then.
  Result<void> open_locked(ServiceEnd& end, std::string_view group, const Routes& routes);
  Result<void> open_locked(ClientEnd& end);
  void close_locked(ServiceEnd& end);
  void close_locked(ClientEnd& end);
  void lose_locked(ServiceEnd& end, const Error& error);
  void lose_locked(ClientEnd& end, const Error& error);

  // From clients and listeners; packets are owned.
  void publish(ClientEnd& client, const Packet& packet, Ticket ticket);
  void forget(ClientEnd& client, std::string_view id);
  void reply(ServiceEnd& end, const std::shared_ptr<Call>& call, const Packet& packet);
  void settle(ServiceEnd& end, const Delivery& delivery, Settlement settlement);
  void park(ServiceEnd& end, const Delivery& delivery, ParkDone done);
  bool is_congested(const std::shared_ptr<Call>& call);
  bool is_connected(const ServiceEnd& end, std::uint64_t token);
  void set_receiving(ServiceEnd& end, bool receiving);
  /// A message has just been handed to the sink.
  void delivered_locked() noexcept { ++counters_.delivered; }
  /// A message that was accepted turned out to be unwanted.
  void released_locked(ServiceEnd& end);

  // For a box of dead letters.
  std::vector<DeadLetter> dead_letters(const std::string& channel, std::size_t limit);
  Result<void> replay(const std::string& channel, const DeadLetter& letter);
  void drop(const std::string& channel, const DeadLetter& letter);

  // From tests.
  void inject(Fault fault);
  void clear_faults();
  void disconnect(bool listeners, bool connections);
  void stop();
  void start();
  void freeze();
  void thaw();
  BrokerCounters counters();

  bool is_frozen_locked() const noexcept { return is_frozen_; }
  /// Runs `call` (with the mutex held) at once, or at thaw if the broker is frozen. True if it ran.
  bool when_moving_locked(std::function<void()> call);

 private:
  void accept_locked(ClientEnd& client, const Packet& packet, Ticket ticket);
  void take_reply_locked(const std::shared_ptr<Call>& call, const Packet& packet);
  void take_settlement_locked(ServiceEnd& end, std::uint64_t token, Settlement settlement);
  /// Sends a packet on its way: lost, late, several times, overtaken, or as it should be.
  void travel_locked(Leg leg, std::string_view route, ClientEnd& client, std::function<void()> arrive);
  void arrive_locked(Leg leg, const std::function<void()>& arrive);
  void after(VirtualTime::Duration delay, ClientEnd& client, std::function<void()> call);
  /// Gives everything back that the end held.
  void recover_locked(ServiceEnd& end);
  void give_back_locked(MessagePtr message);
  /// Ends a request whose answer broke off, or that nobody can take any more.
  void fail_locked(const std::shared_ptr<Call>& call, std::string_view text);
  HeldBack& held_back(Leg leg) noexcept { return leg == Leg::to_service ? requests_held_ : replies_held_; }

  const BrokerOptions options_;
  std::mutex mutex_;
  Exchange exchange_;
  DeadLetters dead_;
  Faults faults_;
  HeldBack requests_held_;
  HeldBack replies_held_;
  std::vector<ServiceEnd*> services_;  // in the order of their coming
  std::vector<ClientEnd*> clients_;
  std::vector<std::function<void()>> stalled_;
  BrokerCounters counters_;
  bool is_stopped_ = false;
  bool is_frozen_ = false;
};

}  // namespace waybill::memory
