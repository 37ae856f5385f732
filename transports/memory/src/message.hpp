// What the broker keeps for each message and each call. All of it is guarded by the hub's mutex.
#pragma once

#include "waybill/transport/packet.hpp"

#include <cstdint>
#include <memory>

namespace waybill::memory {

class ClientEnd;
class Channel;

/// A request under way: who asked, and how far the answer has come. Shared by copies that a fault has made.
struct Call {
  std::weak_ptr<ClientEnd> client;
  Packet request;          ///< Owned.
  bool answered = false;   ///< At least one reply packet was taken.
  bool ended = false;      ///< The last one was taken; later ones are dropped.
  bool forgotten = false;  ///< The caller does not want replies any more.

  Term id() const noexcept { return request.id; }
};

/// A request or an event, in one group.
struct Message {
  Packet packet;               ///< Owned.
  std::shared_ptr<Call> call;  ///< Null for events.
  Channel* channel = nullptr;  ///< Where it waits, or was taken from; lives as long as the hub.
  std::uint64_t sequence = 0;  ///< Order of acceptance.
  int attempt = 0;             ///< How often it was handed to a listener.
  std::size_t bytes() const noexcept { return packet.payload.size() + packet.metadata.size(); }
  bool is_wanted() const noexcept { return !call || (!call->ended && !call->forgotten); }
};
using MessagePtr = std::shared_ptr<Message>;

}  // namespace waybill::memory
