// Outlet: what a listener publishes: replies, retries, dead letters. On a link of its own, because a broker that is short
// of memory or disk reads nothing from a link that has published, acknowledgements neither.
#pragma once

#include "flow/copies.hpp"
#include "flow/send_channel.hpp"
#include "protocol/opening.hpp"
#include "protocol/set_up.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace waybill::amqp {

class OutletHost {
 public:
  virtual void on_placed(std::uint64_t tag) = 0;  ///< The copy of a delivery, which is no dead letter, has arrived.
  virtual void on_copy_waits() = 0;               ///< One that the broker refused.
  virtual void on_dead_letters_missing() = 0;     ///< Their queue should be declared again.
  /// `message` was surely not taken; without one: nobody knows which.
  virtual void on_reply_refused(const Suspects::Message* message, const Error& error) = 0;
  virtual void on_outlet_lost(const Error& error) = 0;
  virtual void on_outlet_progress() = 0;  ///< Something was handed over, or ended.

 protected:
  ~OutletHost() = default;
};

/// Has no link until something is to be published, or open() is called; what is published meanwhile waits. Where no
/// second link can be had, or none is wanted, the one that consumes is shared.
///
/// Threads:  the listener's executor.
/// Lifetime: shared by its host and its opening; stop() before the consuming link or the host ends.
class Outlet final : public Opening::Owner, public std::enable_shared_from_this<Outlet> {
 public:
  static constexpr ChannelId k_again = 2;    ///< Retries and dead letters, with confirms.
  static constexpr ChannelId k_replies = 4;  ///< Replies, which may close it.

  Outlet(const Environment& environment, const Options& options, OutletHost& host);

  /// The link that consumes; before anything else.
  void use(Link& consuming) noexcept { consuming_ = &consuming; }
  /// Completes when messages can leave, over which link ever.
  /// Errors: unauthorized, what the user may not do; it goes on nevertheless.
  static asio::awaitable<Result<void>> open(std::shared_ptr<Outlet> self);
  /// Something is to be published: REQUIRES use().
  void want();
  void stop();
  /// Says goodbye behind what was published, on its own link. REQUIRES: is_idle().
  static asio::awaitable<void> say_goodbye(std::shared_ptr<Outlet> self);

  SendChannel& replies() noexcept { return replies_; }
  Copies& copies() noexcept { return copies_; }
  bool is_shared() const noexcept { return state_ == State::shared; }
  /// Everything has left; dead letters may not be confirmed yet.
  bool is_idle() const noexcept { return state_ != State::opening && copies_.has_no_retries() && !unsent_bytes(); }
  bool is_congested() const noexcept { return is_blocked_ || unsent_bytes() > k_congested; }
  /// So much waits to be sent that what is acknowledged meanwhile should be no more.
  bool is_stuck() const noexcept { return state_ == State::own && unsent_bytes() > k_most_unsent; }

  // Of its own link; of the shared one its host hands on what concerns the channels above.
  void on_message(ChannelId channel, const Method& method, const Incoming& message) override;
  void on_method(ChannelId channel, const Method& method) override;
  void on_channel_closed(ChannelId channel, const Error& error) override;
  void on_blocked(std::string_view reason) override;
  void on_written() override;

 private:
  static constexpr ChannelId k_probe = 5;
  static constexpr std::size_t k_congested = 256u << 10;  // bytes
  static constexpr std::size_t k_most_unsent = 16u << 20;
  enum class State : std::uint8_t { none, opening, own, shared };

  void on_link(socket::Ref<Link> link) override { link_ = std::move(link); }
  void on_session_open() override;
  asio::awaitable<Result<void>> set_up() override;
  void on_session_failed(const Error& error) override { lost(error); }
  void on_link_lost(const Error& error) override { lost(error); }

  std::shared_ptr<SetUp::Step> probe();
  void share();
  void start(Link& link);
  void lost(const Error& error);
  void drop_link();
  std::size_t unsent_bytes() const noexcept { return link_ ? link_->unsent_bytes() : 0; }

  const asio::any_io_executor executor_;
  const Log log_;
  const Options options_;
  const Serializer& format_;
  OutletHost* host_;
  Copies copies_;
  SendChannel replies_;
  std::shared_ptr<Opening> opening_;
  std::shared_ptr<SetUp> set_up_;
  std::shared_ptr<SetUp::Step> probing_;  ///< While the opening waits for it.
  std::optional<Error> refused_;          ///< What it was told.
  Link* consuming_ = nullptr;
  socket::Ref<Link> link_;  ///< Its own.
  State state_ = State::none;
  bool is_blocked_ = false;
};

}  // namespace waybill::amqp
