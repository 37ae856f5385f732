// SessionPair: the two connections of a link, because a connection that subscribes cannot publish. Opens both on the
// primary, asks both for signs of life, and tells once when one of them is lost. What decides is in PairState.
#pragma once

#include "link_memory.hpp"
#include "protocol/pair_state.hpp"
#include "protocol/session.hpp"
#include "waybill/detail/asio.hpp"
#include "waybill/log.hpp"
#include "waybill/transports/socket/dial.hpp"
#include "waybill/transports/socket/liveness.hpp"
#include "waybill/transports/socket/stranger.hpp"
#include "waybill/transports/socket/tls.hpp"

#include <asio/any_io_executor.hpp>
#include <asio/steady_timer.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <vector>

namespace waybill::redis {

/// Threads:  one executor.
/// Lifetime: shared by its link and its operations; close() before the link goes, after which no hook is called.
class SessionPair final : public std::enable_shared_from_this<SessionPair>, private SessionOwner {
 public:
  /// `on_lost`: one of the two is gone after watch() has succeeded; both are closed then. Called once, from the loop.
  using OnLost = std::function<void(const Error& error)>;
  SessionPair(const Environment& environment, const Options& options, std::shared_ptr<LinkMemory> memory,
              SessionHooks& hooks, OnLost on_lost);
  ~SessionPair() { close(); }

  /// Dials both to the same server, the first of the URL's that is no replica, and logs in. `max_unsent`: bytes that the
  /// publisher may hold unsent.
  /// Errors: refused, unauthorized, invalid_config (no Redis server; refused if one was met before), closed.
  asio::awaitable<Result<void>> open(socket::TimePoint deadline, std::size_t max_unsent);
  /// Completes when acknowledged() was called so often. `late`: the error at the deadline.
  /// Errors: `late`, that of refuse(), refused (a connection was lost), cancelled, closed.
  asio::awaitable<Result<void>> wait_for(std::size_t acknowledgements, socket::TimePoint deadline, Error late);
  void acknowledged();
  void refuse(const Error& error);
  /// From now on a loss is told; pings begin. Errors: refused, closed: one was lost before.
  Result<void> watch();
  void close();

  bool is_open() const noexcept { return state_.is_up(); }
  /// REQUIRES: open() has succeeded. Once closed they take what is written and throw it away.
  Session& subscriber() noexcept { return *subscriber_; }
  Session& publisher() noexcept { return *publisher_; }

 private:
  using Progress = waybill::detail::Arrival<Result<void>>;
  struct Place {
    std::vector<Url::Host> hosts;  ///< One.
    std::string name;              ///< For certificates.
  };

  void on_session_ready(Session::Role role) override;
  void on_session_closed(const Error& error) override;

  Result<void> prepare_tls();
  asio::awaitable<Result<void>> open_host(const Url::Host& host, socket::TimePoint deadline, std::size_t max_unsent);
  asio::awaitable<Result<void>> open_place(const Place& place, socket::TimePoint deadline, std::size_t max_unsent);
  asio::awaitable<Result<void>> dial_both(const Place& place, socket::TimePoint deadline, std::size_t max_unsent);
  asio::awaitable<Result<void>> log_in(socket::TimePoint deadline);
  /// Waits for a step of the state.
  asio::awaitable<Result<void>> settle(socket::TimePoint deadline, Error late);
  asio::awaitable<Error> look_closer(Error error);
  bool is_replica() const noexcept;
  bool has_spoken() const noexcept;
  socket::Expected expected() const { return {socket::k_redis_server, "redis", options_.tls}; }
  socket::Ref<Session> make_session(Session::Role role, socket::Dialed dialed, const std::string& name,
                                    std::size_t max_unsent);
  Error unopened(const Error& error) const;
  void wake();
  void drop_sessions();
  void schedule_check();
  void check();

  asio::any_io_executor executor_;
  const Log log_;
  const Options options_;
  const std::shared_ptr<LinkMemory> memory_;
  SessionHooks& hooks_;
  OnLost on_lost_;
  PairState state_;
  std::shared_ptr<socket::Dial> dial_;
  std::shared_ptr<Progress> progress_;  ///< Whoever waits for a step.
  asio::steady_timer timer_;
  socket::Ref<Session> subscriber_;
  socket::Ref<Session> publisher_;
  socket::Liveness alive_[2];  // of the subscriber, of the publisher
  bool is_closed_ = false;
};

/// The addresses of the options for people: "redis://host:port,host:port".
std::string address_of(const Options& options);

}  // namespace waybill::redis
