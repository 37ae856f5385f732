#include "protocol/session_pair.hpp"

#include "waybill/transports/socket/options.hpp"

#include <algorithm>

namespace waybill::redis {
namespace {

Error closed() { return Error(errc::closed, "the link was closed", End::rejected); }

/// Of several hosts that were tried, all in vain: final only if it is with each of them.
Error sum_of(const std::vector<Error>& errors) {
  if (errors.size() == 1) return errors.front();
  std::string text;
  std::error_code code = errors.front().code();
  for (const Error& error : errors) {
    text += (text.empty() ? "" : "; ") + std::string(error.message());
    if (error.code() != code) code = make_error_code(errc::refused);
  }
  return Error(code, std::move(text), End::rejected);
}

}  // namespace

std::string address_of(const Options& options) {
  return (options.tls ? "rediss://" : "redis://") + socket::to_text(options.hosts);
}

SessionPair::SessionPair(const Environment& environment, const Options& options, std::shared_ptr<LinkMemory> memory,
                         SessionHooks& hooks, OnLost on_lost)
    : executor_(environment.executor),
      log_(environment.log),
      options_(options),
      memory_(std::move(memory)),
      hooks_(hooks),
      on_lost_(std::move(on_lost)),
      timer_(executor_),
      alive_{socket::Liveness(options.ping_interval, options.ping_timeout),
             socket::Liveness(options.ping_interval, options.ping_timeout)} {}

Result<void> SessionPair::prepare_tls() {
  if (!options_.tls || memory_->tls.context(std::chrono::steady_clock::now())) return {};
  return memory_->tls.open(socket::tls_options(options_), socket::TlsRole::client, log_);
}

asio::awaitable<Result<void>> SessionPair::open(socket::TimePoint deadline, std::size_t max_unsent) {
  const auto self = shared_from_this();
  if (const Result<void> prepared = prepare_tls(); !prepared) co_return prepared.error();
  const std::size_t hosts = options_.hosts.size();
  std::vector<Error> errors;
  for (std::size_t i = 0; i < hosts; ++i) {
    const std::size_t at = (memory_->host + i) % hosts;
    const auto now = std::chrono::steady_clock::now();
    const auto share = std::max(deadline - now, socket::TimePoint::duration(0)) / static_cast<long>(hosts - i);
    const Result<void> opened = co_await open_host(options_.hosts[at], now + share, max_unsent);
    if (is_closed_) co_return closed();
    if (opened) {
      memory_->host = at;
      memory_->was_met = true;
      co_return opened;
    }
    errors.push_back(opened.error());
  }
  const Error error = co_await look_closer(sum_of(errors));
  close();
  co_return error;
}

/// A name may have the addresses of a primary and of its replicas.
asio::awaitable<Result<void>> SessionPair::open_host(const Url::Host& host, socket::TimePoint deadline,
                                                     std::size_t max_unsent) {
  Place place;
  place.hosts.push_back(host);
  place.name = host.name;
  Result<void> opened = co_await open_place(place, deadline, max_unsent);
  if (opened || is_closed_ || !is_replica()) co_return opened;
  const std::string replica = publisher_->peer();
  const auto dial = dial_ = std::make_shared<socket::Dial>(executor_);
  const auto found = co_await dial->resolve(host, deadline);
  if (!found || is_closed_) co_return opened;
  const std::vector<asio::ip::tcp::endpoint> endpoints = *found;
  for (const auto& endpoint : endpoints) {
    if (socket::to_text(endpoint) == replica) continue;
    place.hosts.front().name = endpoint.address().to_string();
    place.hosts.front().port = endpoint.port();
    Result<void> other = co_await open_place(place, deadline, max_unsent);
    if (other || is_closed_) co_return other;
  }
  co_return opened;
}

asio::awaitable<Result<void>> SessionPair::open_place(const Place& place, socket::TimePoint deadline,
                                                      std::size_t max_unsent) {
  drop_sessions();
  subscriber_ = socket::Ref<Session>();
  publisher_ = socket::Ref<Session>();
  state_ = PairState();
  Result<void> opened = co_await dial_both(place, deadline, max_unsent);
  if (opened) opened = co_await log_in(deadline);
  co_return opened;
}

asio::awaitable<Result<void>> SessionPair::dial_both(const Place& place, socket::TimePoint deadline,
                                                     std::size_t max_unsent) {
  if (is_closed_) co_return closed();
  const auto dial = dial_ = std::make_shared<socket::Dial>(executor_);
  auto first = co_await dial->run(place.hosts, deadline);
  if (is_closed_) co_return closed();
  if (!first) co_return first.error();
  // The second goes where the first one got to: another server of the list would not hear what is published there.
  asio::error_code ec;
  const auto endpoint = first->socket.remote_endpoint(ec);
  if (ec) co_return Error(errc::refused, first->host + " closed the connection at once", End::rejected);
  std::vector<Url::Host> same(1);
  same.front().name = endpoint.address().to_string();
  same.front().port = endpoint.port();
  publisher_ = make_session(Session::Role::publisher, std::move(*first), place.name, max_unsent);
  auto second = co_await dial->run(std::move(same), deadline);
  if (is_closed_) co_return closed();
  if (!second) co_return second.error();
  subscriber_ = make_session(Session::Role::subscriber, std::move(*second), place.name, SIZE_MAX);
  co_return Result<void>();
}

socket::Ref<Session> SessionPair::make_session(Session::Role role, socket::Dialed dialed, const std::string& name,
                                               std::size_t max_unsent) {
  socket::StreamLimits limits;
  limits.max_unsent = max_unsent;
  return socket::Ref<Session>(new Session(role, *this, hooks_, std::move(dialed.socket),
                                          socket::make_tls_layer(memory_->tls.context({}), name), options_, limits));
}

asio::awaitable<Result<void>> SessionPair::log_in(socket::TimePoint deadline) {
  const Error late(errc::refused,
                   publisher_->peer() + " took the connection but did not answer as a Redis server within " +
                       std::to_string(options_.start_timeout.count()) + " ms; check host, port and " +
                       (options_.tls ? "whether it speaks TLS" : "whether it wants rediss://"),
                   End::rejected);
  state_.dialled();
  publisher_->handshake(deadline);
  subscriber_->handshake(deadline);
  Result<void> done = co_await settle(deadline, late);
  co_return done;
}

asio::awaitable<Result<void>> SessionPair::wait_for(std::size_t acknowledgements, socket::TimePoint deadline,
                                                    Error late) {
  state_.expect(acknowledgements);
  Result<void> done = co_await settle(deadline, std::move(late));
  co_return done;
}

asio::awaitable<Result<void>> SessionPair::settle(socket::TimePoint deadline, Error late) {
  const auto self = shared_from_this();
  const auto progress = progress_ = std::make_shared<Progress>(executor_);
  timer_.expires_at(deadline);
  timer_.async_wait([progress, late](const asio::error_code& ec) {
    if (!ec) progress->set(late);
  });
  if (state_.is_over() || state_.is_step_done()) progress->set({});
  const std::optional<Result<void>> woken = co_await Progress::wait(progress);
  timer_.cancel();
  progress_.reset();
  // Facts count, not what woke us: a connection may have been lost since.
  co_return state_.conclude(woken ? *woken : Result<void>());
}

void SessionPair::wake() {
  if (progress_) progress_->set({});
}

void SessionPair::on_session_ready(Session::Role role) {
  const bool is_subscriber = role == Session::Role::subscriber;
  if (state_.ready(is_subscriber ? PairState::Side::subscriber : PairState::Side::publisher)) wake();
}

void SessionPair::acknowledged() {
  if (state_.acknowledged()) wake();
}

void SessionPair::refuse(const Error& error) {
  if (state_.lost(error) == PairState::Loss::kept) wake();
}

/// Nothing was sent yet, so trying again is safe, unless what is wrong stays wrong.
Error SessionPair::unopened(const Error& error) const {
  const bool is_final =
      error.code() == errc::unauthorized || (error.code() == errc::invalid_config && !memory_->was_met);
  std::string text(error.message());
  if (error.code() == errc::connection_lost && !has_spoken())
    text += options_.tls ? "; is it a Redis server?" : "; is it a Redis server, and one without TLS?";
  return Error(is_final ? error.code() : make_error_code(errc::refused), std::move(text), End::rejected);
}

void SessionPair::on_session_closed(const Error& error) {
  const Error lost(errc::connection_lost, std::string(error.message()), End::unknown);
  switch (state_.lost(state_.phase() == PairState::Phase::watched ? lost : unopened(error))) {
    case PairState::Loss::ignored: return;
    case PairState::Loss::kept: return wake();
    case PairState::Loss::told: break;
  }
  const auto self = shared_from_this();
  const OnLost on_lost = on_lost_;
  close();
  if (on_lost) on_lost(lost);
}

bool SessionPair::is_replica() const noexcept { return publisher_ && publisher_->is_replica(); }

bool SessionPair::has_spoken() const noexcept {
  return (publisher_ && publisher_->has_spoken()) || (subscriber_ && subscriber_->has_spoken());
}

/// Once, and only where somebody took a connection and said nothing that Redis says; never while a login may only be slow.
asio::awaitable<Error> SessionPair::look_closer(Error error) {
  const bool is_doubtful = error.code() == errc::refused || error.code() == errc::invalid_config;
  if (!is_doubtful || memory_->was_met || !publisher_ || has_spoken()) co_return error;
  const bool has_said = publisher_->has_answered() || (subscriber_ && subscriber_->has_answered());
  if (error.code() == errc::refused && has_said) co_return error;  // it will be Redis, says a proxy before it
  if (std::exchange(memory_->was_named, true)) co_return error;
  Error told = co_await socket::name_stranger(executor_, options_.hosts, expected(), error);
  co_return told;
}

Result<void> SessionPair::watch() {
  Result<void> watched = state_.watch();
  if (!watched || options_.ping_interval.count() == 0) return watched;
  const auto now = std::chrono::steady_clock::now();
  for (socket::Liveness& alive : alive_) alive.start(now);
  schedule_check();
  return watched;
}

void SessionPair::schedule_check() {
  timer_.expires_at(std::min(alive_[0].next(), alive_[1].next()));
  timer_.async_wait([weak = weak_from_this()](const asio::error_code& ec) {
    if (ec) return;
    if (const auto self = weak.lock(); self && !self->is_closed_) self->check();
  });
}

void SessionPair::check() {
  const auto now = std::chrono::steady_clock::now();
  Session* const sessions[] = {subscriber_.get(), publisher_.get()};
  for (std::size_t i = 0; i < 2; ++i) {
    Session& session = *sessions[i];
    switch (alive_[i].at(now, session.was_heard())) {
      case socket::Liveness::Action::none: break;
      case socket::Liveness::Action::ask: session.ping(); break;
      case socket::Liveness::Action::lost:
        session.fail(Error(errc::connection_lost, session.peer() + " has not answered a PING for " +
                                                      std::to_string(options_.ping_timeout.count()) + " ms"));
        return;
    }
  }
  schedule_check();
}

void SessionPair::drop_sessions() {
  for (auto* session : {&subscriber_, &publisher_}) {
    if (!*session) continue;
    (*session)->leave();
    (*session)->close();
  }
}

void SessionPair::close() {
  if (std::exchange(is_closed_, true)) return;
  on_lost_ = nullptr;
  timer_.cancel();
  if (dial_) dial_->cancel();
  state_.lost(closed());
  wake();
  drop_sessions();
}

}  // namespace waybill::redis
