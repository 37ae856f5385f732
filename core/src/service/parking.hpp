// Deliveries that were given up, until they are surely in the dead-letter channel.
#pragma once

#include "waybill/detail/clock.hpp"
#include "waybill/time.hpp"
#include "waybill/transport/backoff.hpp"
#include "waybill/transport/transport.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <utility>

namespace waybill::detail {

/// Keeps each delivery unsettled until the transport says that it is parked, and acknowledges it then. One that cannot
/// be parked waits, longer each time, and is parked again: it is neither handled again nor given back meanwhile. While some
/// wait, one of them is tried every other second; when that has found its place, so do the others.
///
/// Threads: all on one executor. Lifetime: shared; what is still there at the end is given back.
class Parking : public std::enable_shared_from_this<Parking> {
 public:
  class Host {
   public:
    virtual void on_parked(const Delivery& delivery) = 0;
    /// After give_back(): its parking was under way then, and it goes back, too.
    virtual void on_given_back() = 0;
    virtual void on_not_parked(const Delivery& delivery, const Error& why, std::chrono::milliseconds retry_in) = 0;

   protected:
    ~Host() = default;
  };

  /// `host` outlives the calls of park(); it is not asked after forget_all().
  Parking(const asio::any_io_executor& executor, std::weak_ptr<Host> host) : timer_(executor), host_(std::move(host)) {}

  /// Takes ownership of all that the delivery sees.
  void add(Delivery&& delivery);
  /// Those that wait, now; those under way go back if they turn out not to be parked. Returns how many waited.
  std::size_t give_back();
  /// The link that they came by is gone: they are nobody's any more.
  void forget_all();
  /// Those whose parking has begun and not ended.
  std::size_t under_way() const noexcept { return letters_.size() - waiting_.size(); }
  std::size_t size() const noexcept { return letters_.size(); }
  /// Those that could not be parked so far, and are to be.
  std::size_t without_place() const noexcept { return without_place_; }

 private:
  struct Letter {
    Delivery delivery;
    transport::Backoff pause;
    bool has_failed = false;
  };
  using Id = std::uint64_t;
  void park(Id id, Letter& letter);
  void ended(Id id, const Result<void>& outcome);
  void try_all();
  void watch();

  std::map<Id, Letter> letters_;  // stable addresses: the transport sees a delivery while it parks it
  std::multimap<TimePoint, Id> waiting_;
  Timer timer_;
  std::weak_ptr<Host> host_;
  Id last_id_ = 0;
  std::size_t without_place_ = 0;
  bool gives_back_ = false;
};

}  // namespace waybill::detail
