// SessionPair: the two connections of a link, because a connection that subscribes cannot publish. Opens both, asks
// both for signs of life, and tells once when one of them is lost.
#pragma once

#include "session.hpp"
#include "waybill/detail/asio.hpp"
#include "waybill/log.hpp"
#include "waybill/transports/socket/dial.hpp"
#include "waybill/transports/socket/stranger.hpp"
#include "waybill/transports/socket/tls.hpp"

#include <asio/any_io_executor.hpp>
#include <asio/steady_timer.hpp>

#include <functional>
#include <memory>
#include <optional>

namespace waybill::redis {

/// Threads:  one executor.
/// Lifetime: shared by its link and its operations; close() before the link goes, after which no hook is called.
class SessionPair final : public std::enable_shared_from_this<SessionPair>, private SessionOwner {
 public:
  /// `on_lost`: one of the two is gone after open() has succeeded; both are closed then. Called once, from the loop.
  using OnLost = std::function<void(const Error& error)>;
  /// `was_met`: a Redis server has answered at these addresses before, so what answers now is only in its way.
  SessionPair(asio::any_io_executor executor, const Options& options, bool was_met, SessionHooks& hooks,
              OnLost on_lost);
  ~SessionPair() { close(); }

  /// Dials both to the same server, whichever of the URL's that is, and logs in. `max_unsent`: bytes that the publisher
  /// may hold unsent.
  /// Errors: refused, unauthorized, invalid_config (no Redis server; refused if one was met before), closed.
  asio::awaitable<Result<void>> open(socket::TimePoint deadline, std::size_t max_unsent);
  /// From now on a loss is told; pings begin.
  void watch();
  void close();

  bool is_open() const noexcept { return is_open_; }
  /// REQUIRES: open() has succeeded and close() was not called.
  Session& subscriber() noexcept { return *subscriber_; }
  Session& publisher() noexcept { return *publisher_; }

 private:
  using Progress = waybill::detail::Arrival<Result<void>>;

  void on_session_ready() override;
  void on_session_closed(const Error& error) override;

  asio::awaitable<Result<void>> dial_both(socket::TimePoint deadline, std::size_t max_unsent);
  asio::awaitable<Result<void>> log_in(socket::TimePoint deadline);
  socket::Expected expected() const;
  socket::Ref<Session> make_session(Session::Role role, socket::Dialed dialed, const std::string& name,
                                    std::size_t max_unsent);
  void schedule_ping(std::chrono::milliseconds after, bool is_answer_due);
  void check_pings(bool is_answer_due);

  asio::any_io_executor executor_;
  const Options options_;
  const bool was_met_;
  SessionHooks& hooks_;
  OnLost on_lost_;
  std::shared_ptr<socket::TlsContext> tls_;
  std::shared_ptr<socket::Dial> dial_;
  std::shared_ptr<Progress> progress_;
  asio::steady_timer timer_;
  socket::Ref<Session> subscriber_;
  socket::Ref<Session> publisher_;
  bool asked_[2] = {false, false};  // a ping is due to be answered: subscriber, publisher
  bool is_open_ = false;
  bool is_closed_ = false;
};

/// The addresses of the options for people: "redis://host:port,host:port".
std::string address_of(const Options& options);

}  // namespace waybill::redis
