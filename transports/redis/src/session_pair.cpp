#include "session_pair.hpp"

#include "waybill/transports/socket/options.hpp"

namespace waybill::redis {
namespace {

Error closed() { return Error(errc::closed, "the link was closed", End::rejected); }

}  // namespace

std::string address_of(const Options& options) {
  return (options.tls ? "rediss://" : "redis://") + socket::to_text(options.hosts);
}

SessionPair::SessionPair(asio::any_io_executor executor, const Options& options, bool was_met, SessionHooks& hooks,
                         OnLost on_lost)
    : executor_(std::move(executor)),
      options_(options),
      was_met_(was_met),
      hooks_(hooks),
      on_lost_(std::move(on_lost)),
      timer_(executor_) {}

asio::awaitable<Result<void>> SessionPair::open(socket::TimePoint deadline, std::size_t max_unsent) {
  const auto self = shared_from_this();
  const auto tls = socket::make_tls_context(options_, socket::TlsRole::client);
  if (!tls) co_return tls.error();
  tls_ = *tls;
  Result<void> opened = co_await dial_both(deadline, max_unsent);
  if (opened) opened = co_await log_in(deadline);
  const bool is_doubtful =
      !opened && (opened.error().code() == errc::refused || opened.error().code() == errc::invalid_config);
  if (is_doubtful && !was_met_ && !is_closed_)
    opened = co_await socket::name_stranger(executor_, options_.hosts, expected(), opened.error());
  if (opened && is_closed_) opened = closed();
  if (opened)
    is_open_ = true;
  else
    close();
  co_return opened;
}

socket::Expected SessionPair::expected() const { return {socket::k_redis_server, "redis", options_.tls}; }

asio::awaitable<Result<void>> SessionPair::dial_both(socket::TimePoint deadline, std::size_t max_unsent) {
  if (is_closed_) co_return closed();
  const auto dial = dial_ = std::make_shared<socket::Dial>(executor_);
  auto first = co_await dial->run(options_.hosts, deadline);
  if (is_closed_) co_return closed();
  if (!first) co_return first.error();
  // The second goes where the first one got to: another server of the list would not hear what is published there.
  asio::error_code ec;
  const auto endpoint = first->socket.remote_endpoint(ec);
  if (ec) co_return Error(errc::refused, first->host + " closed the connection at once", End::rejected);
  std::vector<Url::Host> same(1);
  same.front().name = endpoint.address().to_string();
  same.front().port = endpoint.port();
  const std::string name = first->host;
  publisher_ = make_session(Session::Role::publisher, std::move(*first), name, max_unsent);
  auto second = co_await dial->run(std::move(same), deadline);
  if (is_closed_) co_return closed();
  if (!second) co_return second.error();
  subscriber_ = make_session(Session::Role::subscriber, std::move(*second), name, SIZE_MAX);
  co_return Result<void>();
}

socket::Ref<Session> SessionPair::make_session(Session::Role role, socket::Dialed dialed, const std::string& name,
                                               std::size_t max_unsent) {
  socket::StreamLimits limits;
  limits.max_unsent = max_unsent;
  return socket::Ref<Session>(
      new Session(role, *this, hooks_, std::move(dialed.socket), socket::make_tls_layer(tls_, name), options_, limits));
}

asio::awaitable<Result<void>> SessionPair::log_in(socket::TimePoint deadline) {
  const auto progress = progress_ = std::make_shared<Progress>(executor_);
  timer_.expires_at(deadline);
  timer_.async_wait([progress](const asio::error_code& ec) {
    if (!ec) progress->set(Error(errc::timeout, "", End::rejected));
  });
  std::optional<socket::Lookout> lookout;
  if (!was_met_) lookout.emplace(executor_, options_.hosts, expected(), progress);
  const std::string peer = publisher_->peer();
  publisher_->handshake(deadline);
  subscriber_->handshake(deadline);
  std::optional<Result<void>> outcome = co_await Progress::wait(progress);
  timer_.cancel();
  progress_.reset();
  if (!outcome) co_return Error(errc::cancelled, "opening was cancelled", End::rejected);
  if (*outcome || outcome->error().code() != errc::timeout) co_return *std::move(outcome);
  co_return Error(errc::refused,
                  peer + " took the connection but did not answer as a Redis server within " +
                      std::to_string(options_.start_timeout.count()) + " ms; check host, port and " +
                      (options_.tls ? "whether it speaks TLS" : "whether it wants rediss://"),
                  End::rejected);
}

void SessionPair::on_session_ready() {
  if (progress_ && publisher_->is_logged_in() && subscriber_->is_logged_in()) progress_->set({});
}

void SessionPair::on_session_closed(const Error& error) {
  if (is_closed_) return;
  if (progress_) {
    // Nothing was sent yet, so trying again is safe, unless what is wrong stays wrong.
    const bool is_final = error.code() == errc::unauthorized || (error.code() == errc::invalid_config && !was_met_);
    std::string text(error.message());
    if (error.code() == errc::connection_lost)
      text += options_.tls ? "; is it a Redis server?" : "; is it a Redis server, and one without TLS?";
    return progress_->set(
        Error(is_final ? error.code() : make_error_code(errc::refused), std::move(text), End::rejected));
  }
  if (!is_open_) return;
  const auto self = shared_from_this();
  const OnLost on_lost = on_lost_;
  const Error lost(errc::connection_lost, std::string(error.message()), End::unknown);
  close();
  if (on_lost) on_lost(lost);
}

void SessionPair::watch() {
  if (options_.ping_interval.count()) schedule_ping(options_.ping_interval, false);
}

void SessionPair::schedule_ping(std::chrono::milliseconds after, bool is_answer_due) {
  timer_.expires_after(after);
  timer_.async_wait([weak = weak_from_this(), is_answer_due](const asio::error_code& ec) {
    if (ec) return;
    if (const auto self = weak.lock(); self && !self->is_closed_) self->check_pings(is_answer_due);
  });
}

void SessionPair::check_pings(bool is_answer_due) {
  bool is_waiting = false;
  Session* const sessions[] = {subscriber_.get(), publisher_.get()};
  for (std::size_t i = 0; i < 2; ++i) {
    Session& session = *sessions[i];
    if (session.was_heard()) {
      asked_[i] = false;
    } else if (is_answer_due && asked_[i]) {
      session.fail(Error(errc::connection_lost, session.peer() + " has not answered a PING for " +
                                                    std::to_string(options_.ping_timeout.count()) + " ms"));
      return;
    } else if (!is_answer_due) {
      session.ping();
      is_waiting = asked_[i] = true;
    }
  }
  schedule_ping(is_waiting ? options_.ping_timeout : options_.ping_interval, is_waiting);
}

void SessionPair::close() {
  if (std::exchange(is_closed_, true)) return;
  is_open_ = false;
  on_lost_ = nullptr;
  timer_.cancel();
  if (dial_) dial_->cancel();
  if (progress_) progress_->set(closed());
  for (auto* session : {&subscriber_, &publisher_}) {
    if (!*session) continue;
    (*session)->leave();
    (*session)->close();
  }
}

}  // namespace waybill::redis
