// What a Server is made of: its listening sockets, its connections, its routes, the requests in hand.
#pragma once

#include "http/peer.hpp"
#include "http/router.hpp"
#include "waybill/detail/asio.hpp"
#include "waybill/http/server.hpp"
#include "waybill/transports/socket/acceptors.hpp"
#include "waybill/transports/socket/complaints.hpp"
#include "waybill/transports/socket/fresh_tls.hpp"
#include "waybill/transports/socket/ref.hpp"
#include "waybill/transports/socket/tick.hpp"

#include <asio/cancellation_signal.hpp>
#include <asio/steady_timer.hpp>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace waybill::http {

/// Threads:  `executor`.
/// Lifetime: shared with its operations.
class Server::Core final : public std::enable_shared_from_this<Core>, public socket::Arrivals, public PeerOwner {
 public:
  Core(asio::any_io_executor executor, ServerConfig config, Log log);

  Router router;
  std::vector<std::shared_ptr<Observer>> observers;  ///< Set before the start.
  const ServerConfig& config() const noexcept { return config_; }
  const Log& log() const noexcept { return log_; }
  bool is_started() const noexcept { return acceptors_ || is_closed_; }
  std::string address() const;

  /// An address that another program has is tried again for a moment: it may be the one that this takes the place of.
  static asio::awaitable<Result<void>> start(std::shared_ptr<Core> self);
  static asio::awaitable<std::size_t> drain(std::shared_ptr<Core> self, std::chrono::milliseconds limit);
  void close();

  void adopt(asio::ip::tcp::socket socket) override;
  void complain(const std::string& line) override { complaints_.write(line); }
  bool is_closed() const noexcept override { return is_closed_; }

  void on_request(Peer& peer, std::unique_ptr<Request> request) override;
  void on_refused(Peer& peer, const Request& part, const Response& response, const std::string& why) override;
  void on_said_all(Peer& peer) override;
  void on_left(Peer& peer) override;
  void on_written(Peer& peer) override;
  void on_closed(Peer& peer, const Error& error) override;
  void watch_deadlines() override { tick_->start(); }
  bool is_draining() const noexcept override { return is_draining_; }
  std::string_view date_field() override;

 private:
  asio::awaitable<Result<void>> open(std::chrono::steady_clock::time_point deadline);
  /// A request in hand.
  struct Exchange {
    explicit Exchange(const asio::any_io_executor& executor) : writable(executor) {}
    std::unique_ptr<Request> request;
    socket::Ref<Peer> peer;
    const Route* route = nullptr;
    bool is_head_only = false;
    bool is_answered = false;  ///< Or nobody is there to be answered.
    int status = 0;            ///< Of the response.
    std::size_t sent = 0;      ///< Bytes of its body.
    std::uint64_t number = 0;  ///< For observers.
    bool is_told = false;      ///< Observers know that it has ended, or there are none.
    bool ends_soon = false;    ///< Its body was told so.
    std::function<void()> end_soon;
    std::chrono::steady_clock::time_point began;
    /// Its caller has said all then: when it is taken to have left, and what was written by then.
    std::optional<std::chrono::steady_clock::time_point> leaves_at;
    std::uint64_t written_then = 0;
    asio::cancellation_signal cancel;
    asio::steady_timer writable;  ///< Cancelled when bytes have gone out, or the caller has left.
  };
  using ExchangePtr = std::shared_ptr<Exchange>;
  /// Its body was ended, because the server drains.
  struct ToldToEnd {
    socket::Ref<Peer> peer;
    std::uint64_t acknowledged;  ///< Bytes, when this last grew.
    std::chrono::steady_clock::time_point since;
  };

  /// False: `refusal` is the response.
  bool find_route(Exchange& exchange, Response& refusal);
  void handle(const ExchangePtr& exchange);
  void respond(const ExchangePtr& exchange, Response response);
  static asio::awaitable<void> pump(std::shared_ptr<Core> self, ExchangePtr exchange, Response response);
  /// The request's id, and what CORS wants.
  void add_own_fields(const Request& request, Response& response) const;
  Response preflight(const Request& request, const std::string& allow) const;
  void end(const ExchangePtr& exchange);
  void end_soon(const ExchangePtr& exchange);
  void end_bodies_soon();
  /// False: it is in hand still.
  bool has_left(Exchange& exchange, socket::TimePoint now);
  void leave(const ExchangePtr& exchange);
  void leave_who_reads_nothing(std::chrono::milliseconds patience);
  void begin_observing();
  ObservedHttp observed(const Exchange& exchange) const;
  void tell_began(Exchange& exchange);
  void tell_ended(Exchange& exchange);
  void tell_refused(const Request& part, const Response& response);
  Response thrown(const Request& request, std::exception_ptr exception);
  bool check_deadlines(socket::TimePoint now);
  std::string refusal_of(const asio::ip::address& address) const;

  asio::any_io_executor executor_;
  const ServerConfig config_;
  Log log_;
  socket::Complaints complaints_;
  socket::FreshTls tls_;
  std::shared_ptr<socket::Acceptors> acceptors_;
  std::shared_ptr<socket::Tick> tick_;
  std::vector<socket::Ref<Peer>> peers_;
  std::map<asio::ip::address, std::size_t> addresses_;  // how many connections each has
  std::map<Peer*, ExchangePtr> exchanges_;              // in hand
  std::vector<std::shared_ptr<Observer>> told_;         // of this server
  std::string observed_url_;
  std::uint64_t observed_ = 0;  ///< The number of the last.
  std::string date_;
  std::time_t dated_ = 0;
  std::vector<ToldToEnd> told_to_end_;
  bool is_draining_ = false;
  bool bodies_end_soon_ = false;
  bool is_closed_ = false;
};

}  // namespace waybill::http
