// Server::Core: connections and their life; what becomes of a request is in exchange.cpp.
#include "http/server_core.hpp"

#include "waybill/config.hpp"
#include "waybill/detail/clock.hpp"
#include "waybill/transports/socket/options.hpp"

#include <algorithm>
#include <ctime>
#include <utility>

namespace waybill::http {

namespace {

constexpr std::chrono::milliseconds k_look{20};    // between looks of a drain at what is left
constexpr std::chrono::milliseconds k_quiet{500};  // a caller who asked so lately may have its next request on its way
constexpr std::chrono::seconds k_listen_timeout{10};
constexpr std::chrono::milliseconds k_taken_limit = Startup().taken_limit;
constexpr std::chrono::milliseconds k_pause{100};  // between attempts, while another program has the address
constexpr std::chrono::milliseconds k_deadlines_are_seen_after{50};

}  // namespace

Server::Core::Core(asio::any_io_executor executor, ServerConfig config, Log log)
    : executor_(std::move(executor)),
      config_(std::move(config)),
      log_(std::move(log)),
      complaints_(log_, "http"),
      tick_(std::make_shared<socket::Tick>(executor_, k_deadlines_are_seen_after,
                                           [this](socket::TimePoint now) { return check_deadlines(now); })) {
  if (config_.tls && (config_.cert.empty() || config_.key.empty())) {
    throw Error(errc::invalid_config,
                config_.url.redacted() + ": https:// needs a certificate and its key: set cert and key to files in PEM",
                End::rejected);
  }
}

asio::awaitable<Result<void>> Server::Core::start(std::shared_ptr<Core> self) {
  if (self->is_closed_) co_return Error(errc::closed, "the HTTP server was closed", End::rejected);
  if (self->config_.tls) {
    const auto loaded = self->tls_.open(socket::tls_options(self->config_), socket::TlsRole::server, self->log_);
    if (!loaded) co_return loaded.error();
  }
  const auto began = std::chrono::steady_clock::now();
  asio::steady_timer pause(self->executor_);
  Result<void> opened;
  for (bool is_first = true, goes_on = true; goes_on; is_first = false) {
    opened = co_await self->open(began + k_listen_timeout);
    const bool is_taken = !opened && opened.error().code() == std::errc::address_in_use;
    goes_on = is_taken && !self->is_closed_ && std::chrono::steady_clock::now() + k_pause < began + k_taken_limit;
    if (!goes_on) break;
    if (is_first) self->log_.warning("http: " + std::string(opened.error().message()) + " (trying again)");
    pause.expires_after(k_pause);
    co_await waybill::detail::wait_quietly(pause);
  }
  if (opened) self->begin_observing();
  co_return opened;
}

asio::awaitable<Result<void>> Server::Core::open(std::chrono::steady_clock::time_point deadline) {
  socket::AcceptRules rules;
  rules.backlog = config_.backlog;
  acceptors_ = std::make_shared<socket::Acceptors>(executor_, log_, std::move(rules), shared_from_this());
  co_return co_await socket::Acceptors::open(acceptors_, config_.hosts, deadline);
}

std::string Server::Core::address() const {
  const std::string bound = acceptors_ ? acceptors_->addresses() : std::string();
  return (config_.tls ? "https://" : "http://") + (bound.empty() ? socket::to_text(config_.hosts) : bound);
}

std::string Server::Core::refusal_of(const asio::ip::address& address) const {
  const auto found = addresses_.find(address);
  if (found != addresses_.end() && found->second >= config_.max_connections_per_address)
    return "more than max_connections_per_address (" + std::to_string(config_.max_connections_per_address) +
           ") connections from " + address.to_string();
  if (peers_.size() < config_.max_connections) return {};
  return "more than max_connections (" + std::to_string(config_.max_connections) + ") connections";
}

void Server::Core::adopt(asio::ip::tcp::socket socket) {
  if (is_closed_) return;
  asio::error_code ec;
  const asio::ip::address address = socket.remote_endpoint(ec).address();
  if (const std::string refusal = refusal_of(address); !refusal.empty()) return complain(refusal);
  const auto now = std::chrono::steady_clock::now();
  socket::Ref<Peer> peer(
      new Peer(*this, std::move(socket), config_, socket::make_tls_layer(tls_.context(now), {}), address));
  Peer& added = *peer;
  added.place = peers_.size();
  ++addresses_[address];
  peers_.push_back(std::move(peer));
  if (config_.tls) {
    added.handshake(now + config_.handshake_timeout);
  } else {
    added.start();
    added.expect_request();
  }
}

void Server::Core::on_refused(Peer& peer, const Request& part, const Response& response, const std::string& why) {
  if (log_.wants(LogLevel::debug))
    log_.debug("http: " + peer.peer() + ' ' + std::to_string(response.status) + ' ' + why);
  tell_refused(part, response);
}

void Server::Core::on_closed(Peer& peer, const Error& error) {
  log_.debug("http: " + std::string(error.message()));
  const auto address = addresses_.find(peer.address);
  if (--address->second == 0) addresses_.erase(address);
  const std::size_t place = peer.place;
  peer.leave_owner();
  std::swap(peers_[place], peers_.back());
  peers_[place]->place = place;
  peers_.pop_back();
}

asio::awaitable<std::size_t> Server::Core::drain(std::shared_ptr<Core> self, std::chrono::milliseconds limit) {
  const auto began = std::chrono::steady_clock::now();
  const auto deadline = waybill::detail::deadline_after(began, limit);
  self->is_draining_ = true;  // each is told that its response is the last
  if (self->acceptors_) self->acceptors_->finish();
  const auto is_done = [](const auto& peer) { return !peer->is_open() && peer->is_delivered(); };
  asio::steady_timer look(self->executor_);
  do {
    look.expires_at(std::min(deadline, std::chrono::steady_clock::now() + k_look));
    co_await waybill::detail::wait_quietly(look);
    const auto now = std::chrono::steady_clock::now();
    if (now - began >= limit / 4 && !self->bodies_end_soon_) self->end_bodies_soon();
    if (now - began >= limit / 2) self->leave_who_reads_nothing(limit / 4);
    const auto quiet = waybill::detail::coarse_now() - k_quiet;
    for (const auto& peer : self->peers_) {
      if (peer->is_open() && peer->is_idle_since(quiet)) peer->finish();
    }
    if (self->exchanges_.empty() && std::all_of(self->peers_.begin(), self->peers_.end(), is_done)) break;
  } while (!self->is_closed_ && std::chrono::steady_clock::now() < deadline);
  const std::size_t left = self->exchanges_.size();
  self->close();
  co_return left;
}

void Server::Core::end_bodies_soon() {
  bodies_end_soon_ = true;
  const auto exchanges = exchanges_;
  for (const auto& [peer, exchange] : exchanges) end_soon(exchange);
}

/// Of those whose bodies were ended: nobody knows when such a one would read its end.
void Server::Core::leave_who_reads_nothing(std::chrono::milliseconds patience) {
  const auto now = std::chrono::steady_clock::now();
  for (ToldToEnd& told : std::exchange(told_to_end_, {})) {
    Peer& peer = *told.peer;
    const bool has_all = peer.is_open() ? peer.unsent_bytes() == 0 : peer.is_delivered();
    if (peer.is_closed() || (has_all && !peer.is_busy())) continue;
    if (peer.acknowledged_bytes() > told.acknowledged) {
      told.acknowledged = peer.acknowledged_bytes();
      told.since = now;
    }
    if (peer.is_busy() || now - told.since < patience) {
      told_to_end_.push_back(std::move(told));
      continue;
    }
    log_.debug("http: " + peer.peer() + " reads nothing, and is left");
    peer.fail(Error(errc::closed, peer.peer() + " reads nothing"));
  }
}

void Server::Core::close() {
  if (std::exchange(is_closed_, true)) return;
  if (acceptors_) acceptors_->close();
  acceptors_.reset();  // which hold this
  tick_->stop();
  const auto peers = std::exchange(peers_, {});
  for (const auto& peer : peers) {
    on_left(*peer);
    peer->leave_owner();
    peer->close();
  }
  addresses_.clear();
  told_to_end_.clear();
}

void Server::Core::on_written(Peer& peer) {
  if (const auto found = exchanges_.find(&peer); found != exchanges_.end()) found->second->writable.cancel();
}

std::string_view Server::Core::date_field() {
  const std::time_t now = std::time(nullptr);
  if (now != dated_) {
    std::tm utc{};
    gmtime_r(&now, &utc);
    char text[64];
    const std::size_t size = std::strftime(text, sizeof text, "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &utc);
    date_.assign(text, size);
    dated_ = now;
  }
  return date_;
}

/// Callers are told when the time of their requests is up, also where a handler does not look at it.
bool Server::Core::check_deadlines(socket::TimePoint now) {
  std::vector<ExchangePtr> late;
  std::vector<ExchangePtr> left;
  for (const auto& [peer, exchange] : exchanges_) {
    if (has_left(*exchange, now)) {
      left.push_back(exchange);
    } else if (!exchange->is_answered && exchange->request->deadline <= now)
      late.push_back(exchange);
  }
  for (const ExchangePtr& exchange : left) leave(exchange);
  for (const ExchangePtr& exchange : late) {
    respond(exchange, Response::problem(Error(errc::timeout, "the handler takes too long", End::unknown)));
    exchange->cancel.emit(asio::cancellation_type::terminal);
  }
  bool more = !exchanges_.empty();
  for (const auto& peer : peers_) {
    peer->refuse_if_late(now);
    more |= peer->check_deadline(now);
  }
  return more;
}

}  // namespace waybill::http
