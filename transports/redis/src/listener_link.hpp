// One link of a listener: messages of its subscriptions in, replies out.
#pragma once

#include "session_pair.hpp"
#include "subscriptions.hpp"
#include "waybill/registry.hpp"
#include "waybill/transport.hpp"
#include "waybill/transports/socket/complaints.hpp"
#include "wire.hpp"

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

namespace waybill::redis {

class ListenerLink;

/// What is known of a channel that messages come from. It is the source of its requests: their replies go to the
/// channel beside it, on which somebody listens or nobody.
struct Channel final : DeliverySource {
  Channel(ListenerLink& owner, Subscriptions::Target target, std::string_view full_name, bool came_by_glob);

  void reply(const Delivery& delivery, const Packet& packet) override;
  void settle(const Delivery&, Settlement) override {}
  void add_delivery() noexcept override;
  void drop_delivery() noexcept override;
  bool is_congested() const noexcept override;
  bool is_connected() const noexcept override;

  ListenerLink& link;
  std::string name;     ///< Without the prefix.
  std::string route;    ///< For the router.
  std::string replies;  ///< Where replies go.
  std::string head;     ///< PUBLISH's, for replies.
  bool is_wanted;
  bool is_glob;              ///< It may bring our own replies back.
  bool is_heard = true;      ///< Somebody is subscribed to the replies, as far as we know.
  std::size_t uses = 0;      ///< Deliveries, queued messages and replies that are not answered yet.
  std::size_t requests = 0;  ///< Deliveries.
};

/// Threads:  all on the executor.
/// Lifetime: counted by the listener, by deliveries and by what is under way.
class ListenerLink final : public DeliverySource, public SessionHooks {
 public:
  ListenerLink(const Environment& environment, const Options& options, bool was_met);
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
  bool was_met() const noexcept { return was_met_; }

  // The source of events; requests have their channel's.
  void reply(const Delivery&, const Packet&) override {}
  void settle(const Delivery&, Settlement) override {}
  void add_delivery() noexcept override;
  void drop_delivery() noexcept override;
  bool is_congested() const noexcept override;
  bool is_connected() const noexcept override { return is_open_; }

  // For channels.
  /// `mark`: what was taken off the request's id.
  void reply(Channel& channel, std::string_view mark, const Packet& packet);
  void watch_callers();

 private:
  friend class socket::Ref<ListenerLink>;
  struct Queued {
    Channel* channel;
    Slice body;
  };
  ~ListenerLink();

  void on_message(std::string_view pattern, std::string_view channel, const Slice& body) noexcept override;
  void on_subscription(RespSink::Change change, std::string_view name) noexcept override;
  void on_subscription_refused(std::string_view reason) noexcept override;
  void on_published(const Question& question, std::int64_t receivers) noexcept override;
  void on_publish_refused(const Question& question, std::string_view reason) noexcept override;
  void on_count(std::string_view channel, std::int64_t count) noexcept override;

  Result<void> check_environment() const;
  asio::awaitable<Result<void>> subscribe(socket::TimePoint deadline);
  Channel& channel_of(std::string_view pattern, std::string_view channel);
  void forget_idle_channels();
  bool must_wait() const noexcept { return is_held_ || in_flight_ >= max_in_flight_ || !queue_.empty(); }
  void enqueue(Channel& channel, const Slice& body);
  void drop(Channel& channel, const Slice& body);
  void hand_over(Channel& channel, const Slice& body);
  void post_pump();
  void pump();
  void refuse(Channel& channel, const Slice& body, std::string_view why);
  void publish_error(Channel& channel, Term id, const Error& error);
  void ask_for_callers();
  void trouble(const Error& error);
  void complain(std::string_view line) { complaints_.write(line); }

  using Step = waybill::detail::Arrival<Result<void>>;

  Environment environment_;
  socket::Complaints complaints_;
  const Options options_;
  const std::size_t max_in_flight_;
  std::optional<Subscriptions> subscriptions_;
  std::shared_ptr<SessionPair> pair_;
  std::shared_ptr<Step> step_;  ///< What open() waits for.
  ListenerSink* sink_ = nullptr;
  PublishWriter writer_;
  Buffer storage_;
  std::string id_;                                                      ///< Scratch.
  std::unordered_map<std::string, std::unique_ptr<Channel>> channels_;  ///< By pattern, a zero byte, and channel.
  std::string key_;
  Channel* last_ = nullptr;
  std::string last_pattern_, last_channel_;  // messages of one channel come in rows
  std::deque<Queued> queue_;
  std::size_t queued_bytes_ = 0;
  std::uint64_t dropped_ = 0;
  std::size_t in_flight_ = 0;
  std::size_t unacknowledged_ = 0;  ///< Subscriptions.
  std::size_t references_ = 0;
  std::shared_ptr<asio::steady_timer> answered_;  ///< Cancelled when the publisher has no open questions.
  asio::steady_timer callers_;
  bool is_watching_callers_ = false;
  bool is_held_ = false;
  bool is_stopped_ = false;
  bool is_pump_posted_ = false;
  bool is_open_ = false;
  bool is_closed_ = false;
  bool was_met_;
};

}  // namespace waybill::redis
