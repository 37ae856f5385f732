// ChannelTable: the channels that a listener's messages come from. Those of globs have no end, so the ones unused for the
// longest go. Pure: no socket.
#pragma once

#include "waybill/transport/transport.hpp"
#include "wire/subscriptions.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace waybill::redis {

class ChannelTable;
struct Channel;

/// What channels ask of the link that they are of.
class ChannelOwner {
 public:
  /// `mark`: what was taken off the request's id.
  virtual void reply(Channel& channel, std::string_view mark, const Packet& packet) = 0;
  virtual void request_begins() noexcept = 0;
  virtual void request_ends() noexcept = 0;                 ///< May be the end of the link and its channels.
  virtual void bytes_held(std::ptrdiff_t by) noexcept = 0;  ///< By requests in hand.
  virtual bool is_congested() const noexcept = 0;
  virtual bool is_connected() const noexcept = 0;

 protected:
  ~ChannelOwner() = default;
};

/// What is known of a channel that messages come from. It is the source of its requests: their replies go to the
/// channel beside it, on which somebody listens or nobody.
struct Channel final : DeliverySource {
  Channel(ChannelTable& its_table, std::string its_key, std::string_view full_name, bool came_by_glob);

  void reply(const Delivery& delivery, const Packet& packet) override;
  void settle(const Delivery&, Settlement) override {}
  void add_delivery() noexcept override;
  void drop_delivery() noexcept override;
  void hold_bytes(std::ptrdiff_t by) noexcept override;
  bool is_congested() const noexcept override;
  bool is_connected() const noexcept override;

  void use() noexcept;  ///< For deliveries, queued messages and what was asked about it: it stays.
  void unuse() noexcept;

  /// Nobody was subscribed to the replies, says an answer to what was asked when `number` was the table's. Requests that
  /// came since had their callers subscribed before.
  void heard_by_nobody(std::uint64_t number) noexcept {
    if (number >= last_request) is_heard = false;
  }
  /// What it holds, beside the messages themselves.
  std::size_t weight() const noexcept { return sizeof(Channel) + key.size() + replies.size() + head.size(); }

  ChannelTable& table;
  const std::string key;   ///< The glob, a zero byte, and the channel.
  std::string replies;     ///< Where replies go.
  std::string head;        ///< PUBLISH's, for replies.
  std::string_view name;   ///< Without the prefix; of `replies`.
  std::string_view route;  ///< For the router.
  Subscriptions::Fit fit;
  bool is_glob;          ///< It may bring our own replies back.
  bool has_own_name;     ///< Handlers see the channel as the pattern, since their own has wildcards.
  bool is_heard = true;  ///< Somebody is subscribed to the replies, as far as we know.
  std::size_t uses = 0;
  std::size_t requests = 0;  ///< Deliveries.
  std::size_t queued = 0;    ///< Messages that wait for handlers.
  std::uint64_t last_request = 0;
  std::uint64_t round = 0;   ///< Of asking for callers, its last one.
  Channel* older = nullptr;  // idle ones of globs, in the order in which they fell idle
  Channel* newer = nullptr;
};

class ChannelTable {
 public:
  static constexpr std::size_t k_longest_name = 256;  ///< Without the prefix, of globs.
  static constexpr std::size_t k_idle_globs = 1'024;

  ChannelTable(ChannelOwner& owner, const Subscriptions& subscriptions, std::string prefix)
      : owner_(owner), subscriptions_(subscriptions), prefix_(std::move(prefix)) {}
  ChannelTable(const ChannelTable&) = delete;
  ChannelTable& operator=(const ChannelTable&) = delete;

  /// `glob`: the PSUBSCRIBE that brought the message; empty for a SUBSCRIBE. Null: a glob's, and its name is too long.
  Channel* find_or_add(std::string_view glob, std::string_view channel);
  std::size_t size() const noexcept { return channels_.size(); }

  /// Grows with each request: what was asked before a request came is older than it.
  std::uint64_t number() const noexcept { return number_; }
  /// At most `most` channels with requests whose callers were there when last asked; each in its turn.
  std::vector<Channel*> to_ask_for(std::size_t most);

 private:
  friend struct Channel;
  void make_room();
  void link_idle(Channel& channel) noexcept;
  void unlink_idle(Channel& channel) noexcept;

  ChannelOwner& owner_;
  const Subscriptions& subscriptions_;
  const std::string prefix_;
  std::unordered_map<std::string_view, std::unique_ptr<Channel>> channels_;  ///< By their keys.
  std::string key_;
  Channel* last_ = nullptr;
  std::string last_glob_, last_channel_;  // messages of one channel come in rows
  std::size_t globs_ = 0;                 ///< Channels of globs.
  Channel* oldest_ = nullptr;
  Channel* newest_ = nullptr;
  std::uint64_t number_ = 0;
  std::uint64_t round_ = 1;
};

}  // namespace waybill::redis
