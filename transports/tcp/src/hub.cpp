#include "hub.hpp"

#include "waybill/detail/asio.hpp"

namespace waybill::tcp {

Hub::Hub(Environment environment, const Options& options, const Registry& registry)
    : environment_(std::move(environment)),
      complaints_(environment_.log, "tcp"),
      options_(options),
      rules_(Direction::to_service, environment_, options, registry),
      tick_(std::make_shared<Tick>(environment_.executor, Tick::interval_for(options),
                                   [this](socket::TimePoint now) { return check_deadlines(now); })),
      flush_done_(environment_.executor) {}

void Hub::adopt(asio::ip::tcp::socket socket) {
  if (closed_ || peers_.size() >= options_.max_connections) {
    if (!closed_) complain("more than max_connections (" + std::to_string(options_.max_connections) + ") clients");
    return;
  }
  socket::Ref<Peer> peer(new Peer(*this, std::move(socket), socket::make_tls_layer(tls_, {})));
  Peer& added = *peer;
  added.place = peers_.size();
  peers_.push_back(std::move(peer));
  if (held_) added.hold(true);
  if (tls_) {
    added.handshake(std::chrono::steady_clock::now() + options_.handshake_timeout);
  } else {
    added.start();
  }
}

void Hub::forget(Peer& peer, const Error& error) {
  if (error.code() == errc::closed || error.code() == errc::connection_lost) {
    environment_.log.debug(std::string(error.message()));
  } else {
    complain(std::string(error.message()));
  }
  const std::size_t place = peer.place;
  peer.leave_hub();
  std::swap(peers_[place], peers_.back());
  peers_[place]->place = place;
  peers_.pop_back();
  flush_done_.cancel();
}

void Hub::hold(bool on) {
  held_ = on;
  for (auto& peer : peers_) peer->hold(on);
}

bool Hub::has_unsent() const noexcept {
  for (const auto& peer : peers_)
    if (peer->unsent_bytes()) return true;
  return false;
}

asio::awaitable<void> Hub::flush(std::shared_ptr<Hub> self) {
  while (!self->closed_ && self->has_unsent()) {
    self->flush_done_.expires_at(socket::TimePoint::max());
    co_await detail::wait_quietly(self->flush_done_);
  }
}

void Hub::close() {
  if (closed_) return;
  closed_ = true;
  sink_ = nullptr;
  tick_->stop();
  const auto peers = std::move(peers_);
  peers_.clear();
  for (const auto& peer : peers) {
    peer->leave_hub();
    peer->close();
  }
  flush_done_.cancel();
}

bool Hub::check_deadlines(socket::TimePoint now) {
  bool more = false;
  for (const auto& peer : peers_) more |= peer->check_deadline(now);
  return more;
}

}  // namespace waybill::tcp
