// ConnectionLink: one link of a connection: replies on one channel, requests on another, events with confirms on a third.
#pragma once

#include "flow/publish_channel.hpp"
#include "flow/recent_requests.hpp"
#include "flow/reply_address.hpp"
#include "flow/send_channel.hpp"
#include "protocol/opening.hpp"
#include "protocol/set_up.hpp"
#include "wire/wire.hpp"

#include <asio/steady_timer.hpp>

#include <memory>
#include <string>
#include <vector>

namespace waybill::amqp {

/// Threads:  the connection's executor.
/// Lifetime: shared by the connection and what is under way. After a loss it is of no use any more.
class ConnectionLink final : public Opening::Owner, public std::enable_shared_from_this<ConnectionLink> {
 public:
  ConnectionLink(const Environment& environment, const Options& options, const Registry& registry);
  ~ConnectionLink();

  /// Errors: those of Opening::run().
  static asio::awaitable<Result<void>> open(std::shared_ptr<ConnectionLink> self, ConnectionSink& sink, bool is_first);
  void send(const Packet& packet, Ticket ticket);
  void hold(bool on);
  std::size_t unsent_bytes() const noexcept;
  static asio::awaitable<void> flush(std::shared_ptr<ConnectionLink> self);
  void close();

 private:
  static constexpr ChannelId k_replies = 1;   ///< Consumes replies; nothing is sent here that could close it.
  static constexpr ChannelId k_events = 2;    ///< With confirms.
  static constexpr ChannelId k_requests = 3;  ///< A request may close it.
  static constexpr ChannelId k_set_up = 4;
  struct Written {
    Ticket ticket;
    std::uint64_t end;  ///< Of the link's written_bytes().
  };

  void on_link(socket::Ref<Link> link) override { link_ = std::move(link); }
  void on_session_open() override;
  asio::awaitable<Result<void>> set_up() override;
  void on_session_failed(const Error& error) override { lost(error); }
  void on_link_lost(const Error& error) override { lost(error); }
  void on_message(ChannelId channel, const Method& method, const Incoming& message) override;
  void on_method(ChannelId channel, const Method& method) override;
  void on_channel_closed(ChannelId channel, const Error& error) override;
  void on_blocked(std::string_view reason) override;
  void on_written() override;

  void address_learned();
  void request_refused(const Suspects::Message* message, const Error& error);
  void request_forbidden(const Error& error);
  void events_closed(const Error& error);
  void on_reply(const Properties& properties, const Slice& body);
  void on_return(ChannelId channel, const amqp_basic_return_t& given_back, const Properties& properties,
                 const Slice& body);
  void doubt_what_is_under_way();
  void declare_again();
  void begin_declaring();
  static asio::awaitable<void> declared_again(std::shared_ptr<ConnectionLink> self);
  Envelope envelope_of(const Packet& packet) const noexcept;
  ChannelId request_channel() const noexcept { return address_.is_known() ? k_requests : k_replies; }
  Buffer& request_out() noexcept { return address_.is_known() ? requests_.out() : link_->out(); }
  void request_written(Ticket ticket, const Packet& packet, const Layout& layout, Buffer& out, std::size_t begins_at);
  void send_request(const Packet& packet, Ticket ticket);
  void send_event(const Packet& packet, Ticket ticket);
  void fail_later(Ticket ticket, const Error& error);
  void tell(Ticket ticket, const Result<Accepted>& outcome);
  void lost(const Error& error);
  void drop_link(const Error& error);

  const Environment environment_;
  const Options options_;
  const Formats formats_;
  const std::string exchange_;  ///< Where messages go to, and
  const std::string key_;       ///< the key they go with; empty: their route.
  std::shared_ptr<Opening> opening_;
  socket::Ref<Link> link_;
  ConnectionSink* sink_ = nullptr;
  PublishChannel events_;
  SendChannel requests_;
  std::shared_ptr<SetUp> set_up_;
  ReplyAddress address_;
  std::shared_ptr<SetUp::Step> learning_;  ///< While the opening waits for the address.
  std::string blocked_why_;
  std::uint64_t most_event_bytes_ = UINT64_MAX;  ///< As far as the broker has said so.
  RecentRequests recent_;
  std::vector<Written> written_;  ///< Without confirms: in order.
  Buffer scratch_;
  asio::steady_timer progress_;  ///< Cancelled when something was handed over, or the link is gone.
  bool is_ready_ = false;
  bool queue_was_there_ = false;  ///< When a message last got through, or it was declared.
  bool is_declaring_ = false;
};

}  // namespace waybill::amqp
