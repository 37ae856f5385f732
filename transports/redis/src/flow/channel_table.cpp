#include "flow/channel_table.hpp"

#include "protocol/command.hpp"

namespace waybill::redis {
namespace {
constexpr std::string_view k_reply = ".reply";
}  // namespace

Channel::Channel(ChannelTable& its_table, std::string its_key, std::string_view full_name, bool came_by_glob)
    : table(its_table),
      key(std::move(its_key)),
      replies(std::string(full_name) + std::string(k_reply)),
      head(publish_head(replies)),
      is_glob(came_by_glob) {
  const std::string_view glob = std::string_view(key).substr(0, key.size() - full_name.size() - 1);
  const std::string_view full = std::string_view(replies).substr(0, full_name.size());
  const Subscriptions::Target target = its_table.subscriptions_.target_of(glob, full);
  name = target.name;
  route = target.route;
  fit = target.fit;
  has_own_name = is_glob && !target.is_exact;
}

void Channel::reply(const Delivery& delivery, const Packet& packet) {
  table.owner_.reply(*this, delivery.reply_to, packet);
}
void Channel::add_delivery() noexcept {
  use();
  ++requests;
  is_heard = true;  // its caller has subscribed before it called
  last_request = ++table.number_;
  table.owner_.request_begins();
}
void Channel::drop_delivery() noexcept {
  ChannelOwner& owner = table.owner_;
  --requests;
  unuse();
  owner.request_ends();
}
void Channel::hold_bytes(std::ptrdiff_t by) noexcept { table.owner_.bytes_held(by); }
bool Channel::is_congested() const noexcept { return table.owner_.is_congested(); }
bool Channel::is_connected() const noexcept { return is_heard && table.owner_.is_connected(); }

void Channel::use() noexcept {
  if (uses++ == 0 && is_glob) table.unlink_idle(*this);
}
void Channel::unuse() noexcept {
  if (--uses == 0 && is_glob) table.link_idle(*this);
}

void ChannelTable::link_idle(Channel& channel) noexcept {
  channel.older = newest_;
  channel.newer = nullptr;
  (newest_ ? newest_->newer : oldest_) = &channel;
  newest_ = &channel;
}

void ChannelTable::unlink_idle(Channel& channel) noexcept {
  (channel.older ? channel.older->newer : oldest_) = channel.newer;
  (channel.newer ? channel.newer->older : newest_) = channel.older;
  channel.older = channel.newer = nullptr;
}

Channel* ChannelTable::find_or_add(std::string_view glob, std::string_view channel) {
  if (last_ && last_channel_ == channel && last_glob_ == glob) return last_;
  if (!glob.empty() && channel.size() > prefix_.size() + k_longest_name) return nullptr;
  key_.assign(glob);
  key_ += '\0';
  key_ += channel;
  auto found = channels_.find(key_);
  if (found == channels_.end()) {
    if (!glob.empty()) make_room();
    auto made = std::make_unique<Channel>(*this, key_, channel, !glob.empty());
    if (made->is_glob) link_idle(*made);
    const std::string_view key = made->key;
    found = channels_.emplace(key, std::move(made)).first;
  }
  last_ = found->second.get();
  last_channel_ = channel;
  last_glob_ = glob;
  return last_;
}

/// Busy ones stay: they are as many as there are messages in hand.
void ChannelTable::make_room() {
  if (globs_ < k_idle_globs || !oldest_) {
    ++globs_;
    return;
  }
  Channel& oldest = *oldest_;
  unlink_idle(oldest);
  if (last_ == &oldest) last_ = nullptr;
  channels_.erase(channels_.find(oldest.key));
}

std::vector<Channel*> ChannelTable::to_ask_for(std::size_t most) {
  std::vector<Channel*> asked;
  for (const auto& [key, channel] : channels_) {
    if (channel->requests == 0 || !channel->is_heard || channel->round == round_) continue;
    if (asked.size() == most) return asked;
    channel->round = round_;
    asked.push_back(channel.get());
  }
  ++round_;  // all had their turn
  return asked;
}

}  // namespace waybill::redis
