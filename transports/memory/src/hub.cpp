#include "hub.hpp"

#include "ends.hpp"

#include <asio/post.hpp>

#include <utility>

namespace waybill::memory {
namespace {

constexpr std::size_t k_congested_packets = 256;  // replies not yet taken by one client: streams pause
constexpr std::size_t k_congested_bytes = 1u << 20;

bool ends_call(const Packet& packet) noexcept { return packet.kind != PacketKind::value || packet.last; }

}  // namespace

Hub::Hub(BrokerOptions options)
    : options_(std::move(options)),
      exchange_({options_.max_waiting_messages, options_.max_waiting_bytes}),
      dead_(options_.max_waiting_messages) {}

Result<void> Hub::open_locked(ServiceEnd& end, std::string_view group, const Routes& routes) {
  if (is_stopped_) return Error(errc::refused, "the broker '" + name() + "' is stopped", waybill::End::rejected);
  exchange_.attach(end, group, routes);
  services_.push_back(&end);
  end.is_up = true;
  end.receiving = true;
  exchange_.supply(end);
  return {};
}

Result<void> Hub::open_locked(ClientEnd& end) {
  if (is_stopped_) return Error(errc::refused, "the broker '" + name() + "' is stopped", waybill::End::rejected);
  clients_.push_back(&end);
  end.is_up = true;
  return {};
}

void Hub::close_locked(ServiceEnd& end) {
  end.wake_locked();
  end.is_closed = true;
  end.lost.reset();
  recover_locked(end);
}

void Hub::close_locked(ClientEnd& end) {
  end.wake_locked();
  end.is_closed = true;
  end.is_up = false;
  end.lost.reset();
  end.inbox.clear();
  for (auto& [id, call] : end.calls) call->forgotten = true;
  exchange_.caller_left();
  end.calls.clear();
  std::erase(clients_, &end);
}

void Hub::lose_locked(ServiceEnd& end, const Error& error) {
  if (!end.is_up) return;
  recover_locked(end);
  end.lost = error;
  end.schedule_locked();
}

void Hub::lose_locked(ClientEnd& end, const Error& error) {
  if (!end.is_up) return;
  close_locked(end);
  end.is_closed = false;
  end.reply_packets = end.reply_bytes = 0;
  end.lost = error;
  end.schedule_locked();
}

void Hub::recover_locked(ServiceEnd& end) {
  if (!end.is_up) return;
  end.is_up = false;
  end.receiving = false;
  std::erase(services_, &end);
  exchange_.detach(end);
  const auto unsettled = std::exchange(end.unsettled, {});
  const auto inbox = std::exchange(end.inbox, {});
  end.held = 0;
  for (const auto& [token, message] : unsettled) give_back_locked(message);
  for (const auto& message : inbox) exchange_.requeue(message);
}

void Hub::give_back_locked(MessagePtr message) {
  if (!message->is_wanted()) return;
  if (message->call && message->call->answered) {
    fail_locked(message->call, "The answer broke off: its service was lost.");
    return;
  }
  ++counters_.redelivered;
  exchange_.requeue(std::move(message));
}

void Hub::fail_locked(const std::shared_ptr<Call>& call, std::string_view text) {
  Packet packet;
  packet.kind = PacketKind::error;
  packet.id = call->id();
  packet.route = call->request.route;
  packet.serializer = call->request.serializer;
  if (packet.serializer) {
    Buffer body;
    Error(std::string(text)).encode(*packet.serializer, body);
    packet.payload = body.take();
    packet.has_payload = true;
  }
  take_reply_locked(call, packet.own());
}

void Hub::publish(ClientEnd& client, const Packet& packet, Ticket ticket) {
  const std::lock_guard lock(mutex_);
  if (!client.is_up) return;
  if (is_frozen_ && stalled_.size() >= options_.max_waiting_messages) {
    client.tell_sent_locked(ticket, Error(errc::overloaded, "the broker is frozen", waybill::End::rejected));
    return;
  }
  when_moving_locked([this, weak = std::weak_ptr(client.self()), packet, ticket] {
    const auto end = weak.lock();
    if (end && end->is_up) accept_locked(*end, packet, ticket);
  });
}

void Hub::accept_locked(ClientEnd& client, const Packet& packet, Ticket ticket) {
  const auto taken = exchange_.check(packet);
  if (!taken) {
    ++counters_.refused;
    client.tell_sent_locked(ticket, taken.error());
    return;
  }
  ++counters_.accepted;
  std::shared_ptr<Call> call;
  if (packet.kind == PacketKind::request) {
    call = std::make_shared<Call>();
    call->client = client.self();
    call->request = packet;
    client.calls.insert_or_assign(std::string(packet.id.text), call);
  }
  client.tell_sent_locked(ticket, *taken);
  travel_locked(Leg::to_service, packet.route, client, [this, packet, call] {
    if (call && (call->ended || call->forgotten)) return;
    if (exchange_.publish(packet, call) || !call) return;
    fail_locked(call, "The service went away before the request arrived.");
  });
}

void Hub::forget(ClientEnd& client, std::string_view id) {
  const std::lock_guard lock(mutex_);
  const auto found = client.calls.find(id);
  if (found == client.calls.end()) return;
  found->second->forgotten = true;
  exchange_.caller_left();
  client.calls.erase(found);
}

void Hub::reply(ServiceEnd& end, const std::shared_ptr<Call>& call, const Packet& packet) {
  const std::lock_guard lock(mutex_);
  if (!end.is_up) return;
  if (is_frozen_ && stalled_.size() >= options_.max_waiting_messages)
    return lose_locked(end, Error(errc::overloaded, "the broker is frozen, and the listener goes on answering"));
  when_moving_locked([this, call, packet] { take_reply_locked(call, packet); });
}

void Hub::take_reply_locked(const std::shared_ptr<Call>& call, const Packet& packet) {
  if (call->ended || call->forgotten) return;
  const auto client = call->client.lock();
  if (!client) return;
  ++counters_.replies;
  call->answered = true;
  if (ends_call(packet)) {
    call->ended = true;
    client->calls.erase(std::string(call->id().text));
  }
  travel_locked(Leg::to_client, packet.route, *client, [this, weak = call->client, packet] {
    const auto end = weak.lock();
    if (!end || !end->is_up) return;
    if (end->reply_bytes + packet.payload.size() > options_.max_reply_bytes && end->reply_packets) {
      lose_locked(*end, Error(errc::overloaded, "the client takes its replies too slowly"));
      return;
    }
    end->tell_locked(packet);
  });
}

void Hub::settle(ServiceEnd& end, const Delivery& delivery, Settlement settlement) {
  const std::lock_guard lock(mutex_);
  when_moving_locked([this, weak = std::weak_ptr(end.self()), token = delivery.token, settlement] {
    if (const auto self = weak.lock()) take_settlement_locked(*self, token, settlement);
  });
}

void Hub::take_settlement_locked(ServiceEnd& end, std::uint64_t token, Settlement settlement) {
  const auto found = end.unsettled.find(token);
  if (found == end.unsettled.end()) return;  // of a link that is gone
  auto message = std::move(found->second);
  end.unsettled.erase(found);
  switch (settlement) {
    case Settlement::ack: ++counters_.acknowledged; break;
    case Settlement::reject: ++counters_.rejected; break;
    case Settlement::retry: give_back_locked(std::move(message)); break;
  }
  released_locked(end);
}

void Hub::park(ServiceEnd& end, const Delivery& delivery, ParkDone done) {
  std::string failure = delivery.failure ? delivery.failure->what() : "rejected by its handler";
  const std::lock_guard lock(mutex_);
  when_moving_locked([this, weak = std::weak_ptr(end.self()), token = delivery.token, text = std::move(failure),
                      told = std::make_shared<ParkDone>(std::move(done))] {
    const auto self = weak.lock();
    if (!self) return;
    const auto found = self->unsettled.find(token);
    if (found == self->unsettled.end()) return;  // of a link that is gone
    dead_.park(self->dead_letter, *found->second, text);
    asio::post(self->executor, [told] { (*told)({}); });
  });
}

bool Hub::is_congested(const std::shared_ptr<Call>& call) {
  const auto client = call->client.lock();
  if (!client) return false;
  const std::lock_guard lock(mutex_);
  return is_frozen_ || client->reply_packets >= k_congested_packets || client->reply_bytes >= k_congested_bytes;
}

bool Hub::is_connected(const ServiceEnd& end, std::uint64_t token) {
  const std::lock_guard lock(mutex_);
  const auto found = end.unsettled.find(token);
  return found != end.unsettled.end() && found->second->is_wanted();
}

void Hub::set_receiving(ServiceEnd& end, bool receiving) {
  const std::lock_guard lock(mutex_);
  if (!end.is_up || end.receiving == receiving) return;
  end.receiving = receiving;
  if (receiving) {
    exchange_.supply(end);
    return;
  }
  const auto inbox = std::exchange(end.inbox, {});
  end.held -= inbox.size();
  for (const auto& message : inbox) exchange_.requeue(message);
}

void Hub::released_locked(ServiceEnd& end) {
  --end.held;
  exchange_.supply(end);
}

bool Hub::when_moving_locked(std::function<void()> call) {
  if (is_frozen_) {
    stalled_.push_back(std::move(call));
    return false;
  }
  call();
  return true;
}

void Hub::travel_locked(Leg leg, std::string_view route, ClientEnd& client, std::function<void()> arrive) {
  const Fault* fault = faults_.strike(leg, route);
  if (!fault) {
    arrive_locked(leg, arrive);
    return;
  }
  ++counters_.faults;
  if (fault->drop) return;
  for (unsigned copy = 0; copy <= fault->duplicates; ++copy) {
    if (fault->overtaken_by) {
      held_back(leg).hold(fault->overtaken_by, arrive);
    } else if (fault->delay.count() > 0) {
      after(fault->delay, client, [this, leg, arrive] { arrive_locked(leg, arrive); });
    } else {
      arrive_locked(leg, arrive);
    }
  }
}

void Hub::arrive_locked(Leg leg, const std::function<void()>& arrive) {
  arrive();
  for (auto& overtaken : held_back(leg).overtake()) overtaken();
}

void Hub::after(VirtualTime::Duration delay, ClientEnd& client, std::function<void()> call) {
  auto arrive = [weak = weak_from_this(), call = std::move(call)] {
    const auto hub = weak.lock();
    if (!hub) return;
    const std::lock_guard lock(hub->mutex_);
    hub->when_moving_locked(call);
  };
  if (options_.time) {
    options_.time->call_after(delay, std::move(arrive));
    return;
  }
  auto timer = std::make_shared<Timer>(client.executor, delay);
  timer->async_wait([timer, arrive = std::move(arrive)](const std::error_code& error) {
    if (!error) arrive();
  });
}

std::vector<DeadLetter> Hub::dead_letters(const std::string& channel, std::size_t limit) {
  const std::lock_guard lock(mutex_);
  return dead_.list(channel, limit);
}

Result<void> Hub::replay(const std::string& channel, const DeadLetter& letter) {
  const std::lock_guard lock(mutex_);
  Packet packet = letter.packet;
  remove_death_headers(packet.headers);
  if (const auto taken = exchange_.check(packet); !taken) return taken.error();
  dead_.remove(channel, letter.id);
  exchange_.publish(packet.own(), nullptr);
  return {};
}

void Hub::drop(const std::string& channel, const DeadLetter& letter) {
  const std::lock_guard lock(mutex_);
  dead_.remove(channel, letter.id);
}

void Hub::inject(Fault fault) {
  const std::lock_guard lock(mutex_);
  faults_.add(std::move(fault));
}

void Hub::clear_faults() {
  const std::lock_guard lock(mutex_);
  faults_.clear();
  for (auto& arrive : requests_held_.take_all()) arrive();
  for (auto& arrive : replies_held_.take_all()) arrive();
}

void Hub::disconnect(bool listeners, bool connections) {
  const std::lock_guard lock(mutex_);
  const Error error(errc::connection_lost, "the broker '" + name() + "' cut the link");
  if (connections) {
    for (auto* end : std::vector(clients_)) lose_locked(*end, error);
  }
  if (listeners) {
    for (auto* end : std::vector(services_)) lose_locked(*end, error);
  }
}

void Hub::stop() {
  {
    const std::lock_guard lock(mutex_);
    is_stopped_ = true;
  }
  disconnect(true, true);
}

void Hub::start() {
  const std::lock_guard lock(mutex_);
  is_stopped_ = false;
}

void Hub::freeze() {
  const std::lock_guard lock(mutex_);
  is_frozen_ = true;
}

void Hub::thaw() {
  const std::lock_guard lock(mutex_);
  is_frozen_ = false;
  for (auto& call : std::exchange(stalled_, {})) call();
}

BrokerCounters Hub::counters() {
  const std::lock_guard lock(mutex_);
  auto counters = counters_;
  counters.waiting = exchange_.waiting();
  for (const auto* end : services_) {
    counters.waiting += end->inbox.size();
    counters.unsettled += end->unsettled.size();
  }
  counters.listeners = services_.size();
  counters.connections = clients_.size();
  return counters;
}

}  // namespace waybill::memory
