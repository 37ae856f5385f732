// Copies: messages of a listener's queue that are sent once more, to the queue itself or to its dead-letter queue.
#pragma once

#include "flow/publish_channel.hpp"
#include "flow/seldom.hpp"
#include "waybill/time.hpp"
#include "wire/pass_on.hpp"

#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace waybill::amqp {

/// A copy for the queue itself that the broker refuses is kept and sent again, with a pause that grows to half a minute: its
/// original stays unacknowledged, is not handled again meanwhile, and is not given back, which would bring it again at
/// once. Of a dead letter it is told (ParkDone): core tries again. One that the broker neither takes nor refuses stays as
/// it is, holds up no others, and is spoken of once a minute.
///
/// Threads: one executor. Lifetime: within its owner; stop() before the link ends, which forgets all.
class Copies {
 public:
  struct Copy {
    std::uint64_t tag;  ///< Of the delivery.
    std::string to;     ///< A queue.
    Marks marks;
  };
  struct Host {
    std::function<void(std::uint64_t tag)> placed;  ///< The broker has the copy, which is no dead letter.
    std::function<void()> waits;                    ///< The broker has refused one, which is sent again later.
    std::function<void()> dead_letters_missing;     ///< Their queue should be declared again.
  };
  Copies(const asio::any_io_executor& executor, ChannelId channel, const Options& options, Log log, Host host);

  void start(Link& link);
  void stop() noexcept;
  /// `message`: Delivery::message. The views need to live during the call only.
  void send(const Copy& copy, std::string_view message, std::uint32_t frame_max, ParkDone done = {});
  /// Nothing waits to be sent again for its next attempt. Who parks dead letters waits for these itself.
  bool has_no_retries() const noexcept { return retries_ == 0 && waiting_.empty(); }
  /// The broker has said that it takes nothing, from nobody: no queue is to blame.
  void blocked(bool on) noexcept { is_blocked_ = on; }
  /// Nothing waits after a refusal any more: those that do are forgotten, now and later, and told to `each`.
  void give_up(std::function<void(std::uint64_t tag)> each);
  PublishChannel& channel() noexcept { return channel_; }

 private:
  struct Waiting {
    Ticket ticket;
    std::string to;
    std::string frames;
    Layout layout;
  };
  struct Sent {
    socket::TimePoint since;
    std::string to;
    bool is_dead;
    ParkDone done;  ///< Of a dead letter.
  };
  void sent(Ticket ticket, std::string to, bool is_dead, ParkDone done);
  void watch_sent();
  void tell_unconfirmed();
  void told(Ticket ticket, const Result<Accepted>& outcome, const Confirms::Shown& message);
  void keep(Ticket ticket, std::string to, std::string frames, const Layout& layout, const Error& error);
  void watch();

  const Log log_;
  const Host host_;
  PublishChannel channel_;
  std::multimap<socket::TimePoint, Waiting> waiting_;
  std::map<Ticket, Sent> sent_;  ///< Neither confirmed nor refused yet. Tickets are tokens of deliveries.
  std::size_t retries_ = 0;      ///< Of these: not dead letters.
  std::function<void(std::uint64_t tag)> given_up_;
  std::map<Ticket, int> refusals_;  ///< How often, of those that were refused.
  Timer timer_;
  const std::chrono::milliseconds patience_;  ///< For a confirm, before it is spoken of.
  Timer sent_timer_;
  Seldom said_, unconfirmed_said_;
  bool is_watching_sent_ = false;
  bool is_blocked_ = false;
  bool is_started_ = false;
  std::shared_ptr<bool> is_here_ = std::make_shared<bool>(true);
};

}  // namespace waybill::amqp
