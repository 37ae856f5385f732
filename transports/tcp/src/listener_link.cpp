#include "listener_link.hpp"

#include "flow/limits.hpp"
#include "waybill/detail/asio.hpp"
#include "waybill/detail/clock.hpp"
#include "waybill/transports/socket/options.hpp"

#include <algorithm>
#include <utility>

namespace waybill::tcp {
namespace {

constexpr std::chrono::seconds k_goodbye{1};  // for the other sides to end, too, once they have all
constexpr std::chrono::milliseconds k_look{20};
constexpr std::chrono::seconds k_patience{4};       // with a caller that takes nothing, of a service that drains
constexpr std::chrono::seconds k_least_silence{1};  // before a connection makes room for another
constexpr std::size_t k_most_leaving = 16;          // of these at a time

constexpr auto is_written = [](const auto& peer) {
  return peer->written_bytes() >= peer->flush_mark || !peer->unsent_bytes();
};

}  // namespace

ListenerLink::ListenerLink(Environment environment, const Options& options, const Registry& registry)
    : environment_(std::move(environment)),
      complaints_(environment_.log, "tcp"),
      options_(options),
      rules_(Direction::to_service, environment_, options, registry),
      tick_(std::make_shared<socket::Tick>(environment_.executor, tick_interval(options),
                                           [this](socket::TimePoint now) { return check_deadlines(now); })),
      flush_done_(environment_.executor) {}

Result<void> ListenerLink::set_up_tls() {
  if (!options_.tls) return {};
  return tls_.open(socket::tls_options(options_), socket::TlsRole::server, environment_.log);
}

std::string ListenerLink::refusal_of(const asio::ip::address& address) {
  const auto found = addresses_.find(address);
  if (found != addresses_.end() && found->second >= options_.max_connections_per_address)
    return "more than max_connections_per_address (" + std::to_string(options_.max_connections_per_address) +
           ") clients from " + address.to_string();
  if (peers_.size() < options_.max_connections) return {};
  // Who connects and says nothing makes room for who may have something to say.
  if (!silent_.empty() && detail::coarse_now() - silent_.front()->since >= k_least_silence) {
    silent_.front()->fail(Error(errc::closed, "ended because it had said nothing and all connections were taken"));
    has_spoken(*silent_.front());  // it goes from the list; the place itself is free a turn later
    if (peers_.size() < options_.max_connections + k_most_leaving) return {};
  }
  return "more than max_connections (" + std::to_string(options_.max_connections) + ") clients";
}

void ListenerLink::adopt(asio::ip::tcp::socket socket) {
  if (closed_ || stopping_) return;
  asio::error_code ec;
  const asio::ip::address address = socket.remote_endpoint(ec).address();
  if (const std::string refusal = refusal_of(address); !refusal.empty()) return complain(refusal);
  const auto now = std::chrono::steady_clock::now();
  socket::Ref<Peer> peer(new Peer(*this, std::move(socket), socket::make_tls_layer(tls_.context(now), {}), address));
  Peer& added = *peer;
  added.place = peers_.size();
  added.since = now;
  added.among_silent = silent_.insert(silent_.end(), &added);
  ++addresses_[address];
  peers_.push_back(std::move(peer));
  if (held_) added.hold(true);
  if (options_.tls) {
    const bool is_bounded = options_.handshake_timeout.count() > 0;
    added.handshake(is_bounded ? now + options_.handshake_timeout : socket::TimePoint::max());
  } else {
    added.start();
    added.expect_first_message();
  }
}

void ListenerLink::has_spoken(Peer& peer) {
  if (!std::exchange(peer.is_silent, false)) return;
  silent_.erase(peer.among_silent);
}

void ListenerLink::forget(Peer& peer, const Error& error) {
  if (error.code() == errc::closed || error.code() == errc::connection_lost) {
    environment_.log.debug(std::string(error.message()));
  } else {
    complain(std::string(error.message()));
  }
  has_spoken(peer);
  const auto address = addresses_.find(peer.address);
  if (--address->second == 0) addresses_.erase(address);
  const std::size_t place = peer.place;
  peer.leave_hub();
  std::swap(peers_[place], peers_.back());
  peers_[place]->place = place;
  peers_.pop_back();
  flush_done_.cancel();
}

void ListenerLink::hold(bool on) {
  held_ = on;
  for (auto& peer : peers_) peer->hold(on);
}

asio::awaitable<void> ListenerLink::write_all(std::shared_ptr<ListenerLink> self) {
  for (auto& peer : self->peers_) {
    peer->flush_mark = peer->produced_bytes();
    peer->flush_seen = peer->written_bytes();
    peer->flush_moved = std::chrono::steady_clock::now();
  }
  while (!self->closed_ && !std::all_of(self->peers_.begin(), self->peers_.end(), is_written)) {
    self->flush_done_.expires_at(self->stopping_ ? std::chrono::steady_clock::now() + k_patience / 10
                                                 : socket::TimePoint::max());
    co_await detail::wait_quietly(self->flush_done_);
    if (self->stopping_ && !self->closed_) self->leave_who_takes_nothing();
  }
}

void ListenerLink::leave_who_takes_nothing() {
  const auto now = std::chrono::steady_clock::now();
  for (const auto& peer : peers_) {  // who fails leaves the list later
    if (is_written(peer)) continue;
    if (std::exchange(peer->flush_seen, peer->written_bytes()) != peer->written_bytes()) {
      peer->flush_moved = now;
    } else if (now - peer->flush_moved >= k_patience) {
      const std::string why = peer->peer() + " reads nothing of what was sent to it, and is left";
      environment_.log.warning("tcp: " + why);
      peer->flush_mark = 0;  // nothing more is expected of it
      peer->fail(Error(errc::closed, why));
    }
  }
}

void ListenerLink::stop_intake() {
  stopping_ = true;
  held_ = false;
  for (auto& peer : peers_) peer->refuse_from_now_on();
}

bool ListenerLink::is_delivered() const noexcept {
  return std::all_of(peers_.begin(), peers_.end(), [](const auto& peer) { return peer->is_delivered(); });
}

asio::awaitable<void> ListenerLink::flush(std::shared_ptr<ListenerLink> self) {
  co_await write_all(self);
  if (!self->stopping_ || self->peers_.empty()) co_return;
  // What is on its way comes too late, and is still told so.
  const auto moment = std::chrono::steady_clock::now() + k_look;
  while (!self->closed_ && std::chrono::steady_clock::now() < moment) {
    self->flush_done_.expires_at(moment);
    co_await detail::wait_quietly(self->flush_done_);
  }
  co_await write_all(self);
  // Closing now, with input unread, would make the system take back what it has not delivered yet.
  for (auto& peer : self->peers_) peer->finish();
  const auto until = std::chrono::steady_clock::now() + k_goodbye;
  while (!self->closed_ && !self->peers_.empty()) {
    const auto now = std::chrono::steady_clock::now();
    if (now >= until && self->is_delivered()) break;
    self->flush_done_.expires_at(now < until ? until : now + k_look);
    co_await detail::wait_quietly(self->flush_done_);
  }
}

void ListenerLink::close() {
  if (closed_) return;
  closed_ = true;
  sink_ = nullptr;
  tick_->stop();
  const auto peers = std::move(peers_);
  peers_.clear();
  silent_.clear();
  addresses_.clear();
  for (const auto& peer : peers) {
    peer->leave_hub();
    peer->close();
  }
  flush_done_.cancel();
}

bool ListenerLink::check_deadlines(socket::TimePoint now) {
  bool more = false;
  for (const auto& peer : peers_) more |= peer->check_deadline(now);
  return more;
}

}  // namespace waybill::tcp
