// ListenerLink: one link of a listener: deliveries up, replies, acknowledgements, retries and dead letters down.
#pragma once

#include "flow/ack_window.hpp"
#include "flow/callers.hpp"
#include "flow/deafness.hpp"
#include "flow/outlet.hpp"
#include "flow/queue_depth.hpp"
#include "flow/seldom.hpp"
#include "flow/taken_back.hpp"
#include "protocol/set_up.hpp"
#include "wire/matcher.hpp"
#include "wire/wire.hpp"

#include <asio/steady_timer.hpp>

#include <memory>
#include <string>
#include <vector>

namespace waybill::amqp {

/// Threads:  the listener's executor.
/// Lifetime: shared by the listener, by deliveries and by what is under way. After a loss it is of no use any more.
class ListenerLink final : public Opening::Owner,
                           public CallerHost,
                           public OutletHost,
                           public DepthHost,
                           public std::enable_shared_from_this<ListenerLink> {
 public:
  /// What outlives the links of a listener.
  struct Kept {
    bool may_fetch = true;     ///< Its queue lets messages be fetched (basic.get), as far as the links so far know.
    bool tells_of_end = true;  ///< It takes consumers with k_tell_of_end, as far as is known.
    TakenBack taken_back;
    Deafness deafness;
  };
  ListenerLink(const Environment& environment, const Options& options, const Registry& registry,
               std::shared_ptr<Kept> kept);
  ~ListenerLink();

  /// Errors: those of Opening::run(), and unsupported (a pattern too long to bind).
  static asio::awaitable<Result<void>> open(std::shared_ptr<ListenerLink> self, Routes routes, ListenerSink& sink,
                                            bool is_first);
  void hold(bool on);
  void stop();
  static asio::awaitable<void> flush(std::shared_ptr<ListenerLink> self);
  void close();
  /// The queue as the broker calls it.
  const std::string& queue() const noexcept { return queue_; }

  void reply(const Delivery& delivery, const Packet& packet) override;
  void settle(const Delivery& delivery, Settlement settlement) override;
  void park(const Delivery& delivery, ParkDone done) override;
  void delivery_added() noexcept override;
  void delivery_dropped() noexcept override;
  void delivery_waits(bool on) noexcept override;
  bool is_congested() const noexcept override { return outlet_->is_congested(); }
  bool is_open() const noexcept override { return is_ready_; }

 private:
  static constexpr ChannelId k_work = 1;     ///< Deliveries and acknowledgements.
  static constexpr ChannelId k_callers = 3;  ///< Questions that may close it.
  static constexpr ChannelId k_set_up = 5;   ///< Declarations, which may close it.
  static constexpr ChannelId k_depth = 6;    ///< Questions for the queue's depth, which may close it.

  void on_link(socket::Ref<Link> link) override { link_ = std::move(link); }
  void on_session_open() override;
  asio::awaitable<Result<void>> set_up() override;
  void on_session_failed(const Error& error) override { lost(error); }
  void on_link_lost(const Error& error) override { lost(error); }
  void on_message(ChannelId channel, const Method& method, const Incoming& message) override;
  void on_unreadable(ChannelId channel, const Method& method, const Error& why) override;
  void on_method(ChannelId channel, const Method& method) override;
  void on_channel_closed(ChannelId channel, const Error& error) override;
  void on_blocked(std::string_view reason) override;
  void on_batch_end() override;
  void on_written() override { progress_.cancel(); }

  void on_placed(std::uint64_t tag) override;
  void on_copy_waits() override { fetch_soon(); }
  void on_dead_letters_missing() override;
  void on_reply_refused(const Suspects::Message* message, const Error& error) override;
  void on_outlet_lost(const Error& error) override { lost(error); }
  void on_outlet_progress() override;

  void on_depth(std::uint64_t messages) override;

  void consuming(const Method& answer);
  bool is_told_of_end() const noexcept { return kept_->tells_of_end && options_.queue_type != "quorum"; }
  struct Taken {
    std::uint64_t tag;
    bool is_redelivered;
    bool was_fetched;
    std::string_view routing_key;
  };
  void take(const Taken& taken, const Incoming& message);
  void find_route(Packet& packet, std::string_view routing_key);
  void tell_of_no_packet(const Error* error);
  void tell_unsendable(std::string_view return_address, const Serializer& format, const Error& error);
  // Deliveries are known by tokens, which grow from channel to channel of a link; tags begin anew in each.
  std::uint64_t tag_of(std::uint64_t token) const noexcept;
  std::uint64_t end(std::uint64_t token, Settlement outcome);
  void acknowledge(std::uint64_t token);
  void give_back(std::uint64_t token, bool requeue);
  SetUp::Ask consume();
  void consume_again(const Error& why);
  void consumes_again(const Method& answer);
  void cancel_consumer();
  /// True: nothing is left to do with the message.
  bool is_settled_already(std::uint64_t token, Print print);
  void send_again(const Delivery& delivery);
  static Marks marks_of(const Packet& packet, int attempt);
  static asio::awaitable<void> declared_again(std::shared_ptr<ListenerLink> self);
  void flush_soon();
  void flush_acks();
  void update_hold();
  void tell_overdue(const Delivery& delivery);
  void lost(const Error& error);
  void leave_channels(const Error& error);
  void drop_link(const Error& error);
  static std::uint16_t prefetch_of(const Environment& environment, const Options& options) noexcept;

  std::size_t running() const noexcept { return deliveries_ - waiting_; }
  bool may_flush() const noexcept;
  bool wants_to_fetch() const noexcept;
  void fetch_soon();
  void fetch();
  void fetch_one();
  void fetched(const Result<Method>& answer);

  const Environment environment_;
  const Options options_;
  const Formats formats_;
  Routes routes_;
  Matcher matcher_;
  std::shared_ptr<Opening> opening_;
  socket::Ref<Link> link_;
  ListenerSink* sink_ = nullptr;
  Callers callers_;
  AckWindow window_;
  const std::shared_ptr<Outlet> outlet_;
  std::vector<std::uint64_t> acks_behind_replies_;  ///< Tags: their replies are more than may wait.
  std::shared_ptr<SetUp> set_up_;
  const std::shared_ptr<QueueDepth> depth_;
  Seldom no_packet_said_, reply_said_, overdue_said_;
  std::uint64_t overdue_ = 0;  ///< The delivery that the broker did not wait for any longer.
  std::string queue_;
  std::string consumer_;
  const std::uint16_t prefetch_;
  const std::shared_ptr<Kept> kept_;
  std::uint64_t base_ = 0;  ///< Tokens up to this one are of earlier channels.
  std::uint64_t last_token_ = 0;
  asio::steady_timer reopen_timer_;
  asio::steady_timer fetch_timer_;
  transport::Backoff fetch_pause_;
  std::size_t fetching_ = 0;  ///< Questions under way.
  bool fetch_is_posted_ = false;
  bool fetch_pauses_ = false;    ///< There was nothing to fetch.
  asio::steady_timer progress_;  ///< Cancelled when something was handed over, or the link is gone.
  std::shared_ptr<ListenerLink> held_by_deliveries_;
  std::size_t deliveries_ = 0;
  std::size_t waiting_ = 0;  ///< Of these: nobody works on them.
  bool is_ready_ = false;
  bool is_closed_ = false;
  bool is_stopped_ = false;
  bool is_cancelling_ = false;
  bool is_reopening_ = false;  ///< The channel of deliveries.
  bool is_held_ = false;
  bool is_full_ = false;
  bool is_declaring_ = false;
  bool is_in_batch_ = false;
  bool flush_is_posted_ = false;
};

}  // namespace waybill::amqp
