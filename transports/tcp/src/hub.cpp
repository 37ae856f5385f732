#include "hub.hpp"

#include "waybill/detail/asio.hpp"

namespace waybill::tcp {
namespace {

const Serializer* json_of(const Environment& environment, const Registry& registry) {
  if (environment.serializer && environment.serializer->is_json()) return environment.serializer;
  const Serializer* json = registry.find_serializer("json");
  return json && json->is_json() ? json : nullptr;
}

/// Parts of a line may come from a peer: control characters must not forge further lines.
std::string printable(std::string line) {
  for (char& c : line)
    if (static_cast<unsigned char>(c) < 0x20 || c == '\x7F') c = '?';
  return line;
}

}  // namespace

Hub::Hub(Environment environment, const Options& options, const Registry& registry)
    : environment_(std::move(environment)),
      options_(options),
      tick_(std::make_shared<Tick>(environment_.executor, Tick::interval_for(options),
                                   [this](socket::TimePoint now) { return check_deadlines(now); })),
      flush_done_(environment_.executor) {
  rules_.direction = Direction::to_service;
  rules_.json = json_of(environment_, registry);
  rules_.own = environment_.serializer ? environment_.serializer : &registry.default_serializer();
  rules_.registry = &registry;
  rules_.max_frame = options.max_frame;
  rules_.max_buffer = options.max_buffer;
}

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

void Hub::complain(const std::string& line) {
  if (!environment_.log.wants(LogLevel::warning)) return;
  const auto now = std::chrono::steady_clock::now();
  if (last_complaint_ != socket::TimePoint{} && now - last_complaint_ < std::chrono::seconds(1)) {
    ++left_out_;
    return;
  }
  last_complaint_ = now;
  const std::size_t left_out = std::exchange(left_out_, 0);
  environment_.log.warning("tcp: " + printable(line) +
                           (left_out ? " (and " + std::to_string(left_out) + " lines like this)" : std::string()));
}

}  // namespace waybill::tcp
