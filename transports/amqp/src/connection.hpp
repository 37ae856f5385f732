// Client role of amqp: requests and replies on one channel, events with confirms on another.
#pragma once

#include "confirms.hpp"
#include "opening.hpp"
#include "recent_requests.hpp"
#include "waybill/transports/socket/shared_connection.hpp"
#include "wire.hpp"

#include <asio/steady_timer.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace waybill::amqp {

/// What a connection is, over all of its links.
///
/// Threads:  the connection's executor.
/// Lifetime: shared by the connection and what is under way.
class Sender final : public Opening::Owner, public std::enable_shared_from_this<Sender> {
 public:
  Sender(Environment environment, const Options& options, const Registry& registry);
  ~Sender();

  static asio::awaitable<Result<void>> open(std::shared_ptr<Sender> self, ConnectionSink& sink);
  void send(const Packet& packet, Ticket ticket);
  void hold(bool on);
  std::size_t unsent_bytes() const noexcept;
  static asio::awaitable<void> flush(std::shared_ptr<Sender> self);
  void close();

 private:
  static constexpr ChannelId k_requests = 1;
  static constexpr ChannelId k_events = 2;
  struct Written {
    Ticket ticket;
    std::uint64_t end;  ///< Of the link's written_bytes().
  };

  void on_link(socket::Ref<Link> link) override { link_ = std::move(link); }
  void on_session_open() override;
  void on_session_failed(const Error& error) override { lost(error); }
  void on_link_lost(const Error& error) override { lost(error); }
  void on_message(ChannelId channel, const Method& method, const Properties& properties, const Slice& body) override;
  void on_method(ChannelId channel, const Method& method) override;
  void on_channel_closed(ChannelId channel, const Error& error) override;
  void on_blocked(std::string_view reason) override;
  void on_written() override;

  void one_step_ready();
  void on_reply(const Properties& properties, const Slice& body);
  void on_return(ChannelId channel, const amqp_basic_return_t& given_back, const Properties& properties,
                 const Slice& body);
  void declare_again();
  Envelope envelope_of(const Packet& packet) const noexcept;
  void send_request(const Packet& packet, Ticket ticket);
  void send_event(const Packet& packet, Ticket ticket);
  void fail_later(Ticket ticket, const Error& error);
  void tell(Ticket ticket, const Result<Accepted>& outcome);
  void lost(const Error& error);
  void drop_link();

  Environment environment_;
  const Options options_;
  const Formats formats_;
  const std::string exchange_;  ///< Where messages go to, and
  const std::string key_;       ///< the key they go with; empty: their route.
  std::shared_ptr<Opening> opening_;
  socket::Ref<Link> link_;
  ConnectionSink* sink_ = nullptr;
  Confirms confirms_;
  RecentRequests recent_;
  std::vector<Written> written_;  ///< Without confirms: in order.
  Buffer scratch_;
  asio::steady_timer progress_;  ///< Cancelled when something was handed over, or the link is gone.
  int steps_ = 0;                ///< That are missing before the link is ready.
  bool is_ready_ = false;
  bool is_first_ = true;
  bool is_declaring_ = false;
  bool is_closed_ = false;
};

using AmqpConnection = socket::SharedConnection<Sender>;

}  // namespace waybill::amqp
