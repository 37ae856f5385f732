// One link of a listener: messages of its subscriptions in, replies out. Which channels there are, what waits and whose
// callers have gone is decided by its parts.
#pragma once

#include "flow/caller_watch.hpp"
#include "flow/channel_table.hpp"
#include "flow/intake.hpp"
#include "protocol/session_pair.hpp"
#include "waybill/registry.hpp"
#include "waybill/transport/transport.hpp"
#include "waybill/transports/socket/complaints.hpp"
#include "wire/subscriptions.hpp"
#include "wire/wire.hpp"

#include <memory>
#include <optional>
#include <string>

namespace waybill::redis {

/// Threads:  all on the executor.
/// Lifetime: counted by the listener, by deliveries and by what is under way.
class ListenerLink final : public DeliverySource, public SessionHooks, private ChannelOwner {
 public:
  ListenerLink(const Environment& environment, const Options& options, std::shared_ptr<LinkMemory> memory);
  ListenerLink(const ListenerLink&) = delete;
  ListenerLink& operator=(const ListenerLink&) = delete;

  void retain() noexcept { ++references_; }
  void release() noexcept {
    if (--references_ == 0) delete this;
  }

  /// Connects twice, logs in, and waits until every subscription is acknowledged.
  asio::awaitable<Result<void>> open(const Routes& routes, ListenerSink& sink);
  void hold(bool on);  ///< Stops handing over: what comes waits in the queue, as long as there is room.
  void stop_intake();
  asio::awaitable<void> flush();
  void close();

  // The source of events; requests have their channel's.
  void reply(const Delivery&, const Packet&) override {}
  void settle(const Delivery&, Settlement) override {}
  void add_delivery() noexcept override;
  void drop_delivery() noexcept override;
  void hold_bytes(std::ptrdiff_t by) noexcept override { bytes_held(by); }
  bool is_congested() const noexcept override;
  bool is_connected() const noexcept override { return is_up(); }

 private:
  friend class socket::Ref<ListenerLink>;
  ~ListenerLink();

  void on_message(std::string_view pattern, std::string_view channel, const Slice& body) noexcept override;
  void on_subscribed(const Question& question, std::string_view reason) noexcept override;
  void on_unsubscribed(const Question& question, std::string_view reason) noexcept override;
  void on_published(const Question& question, std::int64_t receivers) noexcept override;
  void on_publish_refused(const Question& question, std::string_view reason) noexcept override;
  void on_count(const Question& question, std::size_t index, std::int64_t count) noexcept override;
  void on_answered(const Question& question) noexcept override;

  void reply(Channel& channel, std::string_view mark, const Packet& packet) override;
  void request_begins() noexcept override;
  void bytes_held(std::ptrdiff_t by) noexcept override;
  void request_ends() noexcept override { drop_delivery(); }

  bool is_up() const noexcept { return is_open_ && pair_->is_open(); }
  Result<void> check_environment() const;
  asio::awaitable<Result<void>> subscribe(socket::TimePoint deadline);
  void unsubscribe();
  const std::string& subscription(std::size_t at) const noexcept;
  void hand_over(Channel& channel, const Slice& body);
  void drop(Channel& channel, const Slice& body);
  void post_pump();
  void pump();
  bool is_own_reply(const Channel& channel, const Slice& body) const;
  void refuse(Channel& channel, const Slice& body, PacketKind kind, const Error& error);
  void publish_error(Channel& channel, Term id, PacketKind kind, const Error& error);
  void note_publish(Channel& channel);
  bool believes_zeros() const noexcept;
  void watch_callers();
  void ask_for_callers();
  void wake_flush();
  void trouble(const Error& error);
  void complain(std::string_view line) { complaints_.write(line); }

  Environment environment_;
  socket::Complaints complaints_;
  const Options options_;
  const std::shared_ptr<LinkMemory> memory_;
  Intake intake_;
  std::optional<Subscriptions> subscriptions_;
  std::optional<ChannelTable> channels_;
  std::optional<CallerWatch> caller_watch_;
  std::shared_ptr<SessionPair> pair_;
  ListenerSink* sink_ = nullptr;
  PublishWriter writer_;
  Buffer storage_;
  std::string id_;  ///< Scratch.
  std::uint64_t dropped_ = 0;
  std::size_t references_ = 0;
  std::shared_ptr<asio::steady_timer> answered_;  ///< Cancelled when nothing is unanswered any more.
  asio::steady_timer callers_;
  bool is_watching_callers_ = false;
  bool is_stopped_ = false;
  bool is_pump_posted_ = false;
  bool is_open_ = false;
  bool is_closed_ = false;
};

}  // namespace waybill::redis
