#include "flow/reply_channels.hpp"

#include "protocol/command.hpp"

namespace waybill::redis {

ReplyChannels::ReplyChannels(std::string prefix, std::size_t most) : prefix_(std::move(prefix)), most_(most) {}

ReplyChannels::Found ReplyChannels::find_or_add(std::string_view route) {
  ++uses_;
  if (last_ && last_->route == route) {
    last_->last_used = uses_;
    return {last_, false, {}};
  }
  if (const auto found = by_route_.find(route); found != by_route_.end()) {
    last_ = found->second.get();
    last_->last_used = uses_;
    return {last_, false, {}};
  }
  Found added;
  if (by_route_.size() >= most_) added.unsubscribe = give_up_one();
  auto channel = std::make_unique<ReplyChannel>();
  channel->route = route;
  channel->channel = prefix_ + channel->route;
  channel->replies = channel->channel + ".reply";
  channel->head = publish_head(channel->channel);
  channel->last_used = uses_;
  last_ = added.channel = channel.get();
  added.is_new = true;
  by_replies_.emplace(last_->replies, last_);
  by_route_.emplace(last_->route, std::move(channel));
  return added;
}

ReplyChannel* ReplyChannels::by_replies(std::string_view replies) noexcept {
  if (last_reply_ && last_reply_->replies == replies) return last_reply_;
  const auto found = by_replies_.find(replies);
  if (found == by_replies_.end()) return nullptr;
  return last_reply_ = found->second;
}

void ReplyChannels::remove(ReplyChannel& channel) {
  if (last_ == &channel) last_ = nullptr;
  if (last_reply_ == &channel) last_reply_ = nullptr;
  by_replies_.erase(channel.replies);
  by_route_.erase(channel.route);
}

/// Never one that somebody waits on: there may be more than `most` of those.
std::string ReplyChannels::give_up_one() {
  ReplyChannel* oldest = nullptr;
  for (const auto& [route, channel] : by_route_) {
    if (channel->calls || channel->state != ReplyChannel::State::subscribed) continue;
    if (!oldest || channel->last_used < oldest->last_used) oldest = channel.get();
  }
  if (!oldest) return {};
  std::string replies = oldest->replies;
  remove(*oldest);
  return replies;
}

}  // namespace waybill::redis
