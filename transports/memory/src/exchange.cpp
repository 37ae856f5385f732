#include "exchange.hpp"

#include <algorithm>
#include <utility>

namespace waybill::memory {

Consumer* Channel::next_with_room() noexcept {
  for (std::size_t tried = 0; tried < consumers.size(); ++tried) {
    Consumer* consumer = consumers[turn++ % consumers.size()];
    if (consumer->has_room()) return consumer;
  }
  return nullptr;
}

Channel& Group::declare(PacketKind kind, const Pattern& pattern) {
  auto& channels = of(kind);
  if (!pattern.is_wildcard()) {
    auto& channel = channels.exact[pattern.route()];
    if (!channel) channel = std::make_unique<Channel>(*this, pattern);
    return *channel;
  }
  for (auto& channel : channels.wild) {
    if (channel->pattern == pattern) return *channel;
  }
  channels.wild.push_back(std::make_unique<Channel>(*this, pattern));
  return *channels.wild.back();
}

Channel* Group::find(PacketKind kind, std::string_view route) noexcept {
  auto& channels = of(kind);
  Channel* deserted = nullptr;
  if (auto exact = channels.exact.find(route); exact != channels.exact.end()) {
    if (!exact->second->consumers.empty()) return exact->second.get();
    deserted = exact->second.get();
  }
  for (auto& channel : channels.wild) {
    if (!matches(channel->pattern.route(), route)) continue;
    if (!channel->consumers.empty()) return channel.get();
    if (!deserted) deserted = channel.get();
  }
  return deserted;
}

void Exchange::attach(Consumer& consumer, std::string_view group_name, const Routes& routes) {
  auto& group = groups_[std::string(group_name.empty() ? "default" : group_name)];
  if (!group) group = std::make_unique<Group>();
  const auto subscribe = [&consumer, &group](PacketKind kind, const Pattern& pattern) {
    auto& channel = group->declare(kind, pattern);
    if (std::find(consumer.channels.begin(), consumer.channels.end(), &channel) != consumer.channels.end()) return;
    consumer.channels.push_back(&channel);
    channel.consumers.push_back(&consumer);
  };
  for (const auto& route : routes) {
    if (route.handles_requests) subscribe(PacketKind::request, route.pattern);
    if (route.handles_events) subscribe(PacketKind::event, route.pattern);
  }
}

void Exchange::detach(Consumer& consumer) noexcept {
  for (Channel* channel : consumer.channels) std::erase(channel->consumers, &consumer);
  consumer.channels.clear();
}

const std::vector<Channel*>& Exchange::targets(const Packet& packet) {
  targets_.clear();
  if (packet.kind != PacketKind::request) {
    // An event waits for a group that was here before.
    for (auto& [name, group] : groups_) {
      Channel* channel = group->find(PacketKind::event, packet.route);
      if (!channel) channel = group->find(PacketKind::request, packet.route);
      if (channel) targets_.push_back(channel);
    }
    return targets_;
  }
  // A request is for somebody who is here now; handlers of events answer what has no other, as everywhere.
  for (const PacketKind kind : {PacketKind::request, PacketKind::event}) {
    for (auto& [name, group] : groups_) {
      Channel* channel = group->find(kind, packet.route);
      if (channel && !channel->consumers.empty()) targets_.push_back(channel);
    }
    if (!targets_.empty()) break;
  }
  if (targets_.size() > 1) {
    targets_[0] = targets_[request_turn_ % targets_.size()];
    targets_.erase(targets_.begin() + 1, targets_.end());
  }
  return targets_;
}

void Group::remove_dead() {
  const auto clean = [this](Channel& channel) {
    std::erase_if(channel.waiting, [this](const MessagePtr& message) {
      if (message->is_wanted()) return false;
      --waiting_messages;
      waiting_bytes -= message->bytes();
      return true;
    });
  };
  for (auto& [route, channel] : requests_.exact) clean(*channel);
  for (auto& channel : requests_.wild) clean(*channel);
}

void Exchange::remove_dead() {
  if (!std::exchange(has_dead_, false)) return;
  for (auto& [name, group] : groups_) group->remove_dead();
}

bool Exchange::is_full(const Channel& channel, const Packet& packet) {
  const auto has_room = [](const Consumer* consumer) { return consumer->has_room(); };
  if (std::any_of(channel.consumers.begin(), channel.consumers.end(), has_room)) return false;
  const auto bytes = packet.payload.size() + packet.metadata.size();
  const auto is_above = [&] {
    return channel.group.waiting_messages >= limits_.messages || channel.group.waiting_bytes + bytes > limits_.bytes;
  };
  if (!is_above()) return false;
  remove_dead();
  return is_above();
}

Result<Accepted> Exchange::check(const Packet& packet) {
  const auto& channels = targets(packet);
  if (channels.empty()) {
    return Error(errc::no_receiver, "nobody listens for '" + std::string(packet.route) + "'", waybill::End::rejected);
  }
  for (const Channel* channel : channels) {
    if (is_full(*channel, packet)) {
      return Error(errc::overloaded, "the queue for '" + channel->pattern.route() + "' is full",
                   waybill::End::rejected);
    }
  }
  return Accepted{Accepted::By::taken, channels.size()};
}

bool Exchange::publish(const Packet& packet, const std::shared_ptr<Call>& call) {
  const auto& channels = targets(packet);
  if (call) ++request_turn_;
  for (Channel* channel : channels) {
    auto message = std::make_shared<Message>();
    message->packet = packet;
    message->call = call;
    message->channel = channel;
    message->sequence = ++sequence_;
    enqueue(std::move(message));
    dispatch(*channel);
  }
  return !channels.empty();
}

void Exchange::enqueue(MessagePtr message) {
  auto& channel = *message->channel;
  ++channel.group.waiting_messages;
  channel.group.waiting_bytes += message->bytes();
  const auto behind = [](std::uint64_t sequence, const MessagePtr& other) { return sequence < other->sequence; };
  const auto place = std::upper_bound(channel.waiting.begin(), channel.waiting.end(), message->sequence, behind);
  channel.waiting.insert(place, std::move(message));
}

MessagePtr Exchange::take_front(Channel& channel) noexcept {
  auto message = std::move(channel.waiting.front());
  channel.waiting.pop_front();
  --channel.group.waiting_messages;
  channel.group.waiting_bytes -= message->bytes();
  return message;
}

void Exchange::dispatch(Channel& channel) {
  while (!channel.waiting.empty()) {
    if (!channel.waiting.front()->is_wanted()) {
      take_front(channel);
      continue;
    }
    Consumer* consumer = channel.next_with_room();
    if (!consumer) return;
    ++consumer->held;
    consumer->accept(take_front(channel));
  }
}

void Exchange::requeue(MessagePtr message) {
  auto& channel = *message->channel;
  enqueue(std::move(message));
  dispatch(channel);
}

void Exchange::supply(Consumer& consumer) {
  while (consumer.has_room()) {
    Channel* oldest = nullptr;
    for (Channel* channel : consumer.channels) {
      while (!channel->waiting.empty() && !channel->waiting.front()->is_wanted()) take_front(*channel);
      if (channel->waiting.empty()) continue;
      if (!oldest || channel->waiting.front()->sequence < oldest->waiting.front()->sequence) oldest = channel;
    }
    if (!oldest) return;
    ++consumer.held;
    consumer.accept(take_front(*oldest));
  }
}

std::size_t Exchange::waiting() const noexcept {
  std::size_t count = 0;
  for (const auto& [name, group] : groups_) count += group->waiting_messages;
  return count;
}

}  // namespace waybill::memory
