// Exchange: groups, channels, queues and whose turn it is. Pure: no lock, no executor, no clock.
#pragma once

#include "message.hpp"
#include "waybill/result.hpp"
#include "waybill/transport/transport.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace waybill::memory {

class Group;
class Channel;

/// One listener as the exchange sees it.
class Consumer {
 public:
  /// Takes a message over; called only while has_room().
  virtual void accept(MessagePtr message) = 0;
  bool has_room() const noexcept { return receiving && held < max_held; }

  bool receiving = false;  ///< False while paused, draining or cut off.
  std::size_t held = 0;    ///< Accepted and not yet settled.
  std::size_t max_held = 1;
  std::vector<Channel*> channels;

 protected:
  ~Consumer() = default;
};

/// The messages of one kind and one route (or wildcard) in one group.
class Channel {
 public:
  Channel(Group& owner, Pattern for_pattern) : group(owner), pattern(std::move(for_pattern)) {}

  Group& group;
  Pattern pattern;
  std::deque<MessagePtr> waiting;  ///< By sequence. Not empty: no consumer has room.
  std::vector<Consumer*> consumers;
  std::size_t turn = 0;

  Consumer* next_with_room() noexcept;
};

class Group {
 public:
  Channel& declare(PacketKind kind, const Pattern& pattern);
  /// The channel for a message: an exact one before wildcards, one with consumers before one without. Null if none.
  Channel* find(PacketKind kind, std::string_view route) noexcept;
  /// Removes waiting requests whose callers have gone.
  void remove_dead();

  std::size_t waiting_messages = 0;
  std::size_t waiting_bytes = 0;

 private:
  struct Channels {
    std::map<std::string, std::unique_ptr<Channel>, std::less<>> exact;
    std::vector<std::unique_ptr<Channel>> wild;
  };
  Channels& of(PacketKind kind) noexcept { return kind == PacketKind::request ? requests_ : events_; }
  Channels requests_;
  Channels events_;
};

class Exchange {
 public:
  struct Limits {
    std::size_t messages = 0;  ///< Waiting in one group.
    std::size_t bytes = 0;
  };
  explicit Exchange(Limits limits) : limits_(limits) {}

  void attach(Consumer& consumer, std::string_view group, const Routes& routes);
  void detach(Consumer& consumer) noexcept;

  /// How many would get the packet from publish(), groups that have no listener just now included. Errors are no_receiver and overloaded, with End::rejected.
  Result<Accepted> check(const Packet& packet);
  /// Hands an event to every group and a request to one listener, or lets it wait. False: nobody could take it.
  bool publish(const Packet& packet, const std::shared_ptr<Call>& call);
  /// Puts a message back to its place in the queue.
  void requeue(MessagePtr message);
  /// Gives a consumer what has waited for it, oldest first.
  void supply(Consumer& consumer);

  /// A request that may wait here has lost its caller.
  void caller_left() noexcept { has_dead_ = true; }
  std::size_t waiting() const noexcept;

 private:
  /// Channels that get the packet: one of each group for events, one in all for requests.
  const std::vector<Channel*>& targets(const Packet& packet);
  bool is_full(const Channel& channel, const Packet& packet);
  void remove_dead();
  void enqueue(MessagePtr message);
  MessagePtr take_front(Channel& channel) noexcept;
  void dispatch(Channel& channel);

  Limits limits_;
  std::map<std::string, std::unique_ptr<Group>, std::less<>> groups_;
  std::vector<Channel*> targets_;
  std::uint64_t sequence_ = 0;
  std::size_t request_turn_ = 0;
  bool has_dead_ = false;  ///< Requests without callers may wait somewhere.
};

}  // namespace waybill::memory
