// Callers: who the requests in hand came from, and whether they are still there.
#pragma once

#include "protocol/session.hpp"
#include "waybill/transport/transport.hpp"

#include <asio/steady_timer.hpp>

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

namespace waybill::amqp {

class Caller;
class Callers;

/// What a caller's deliveries are given back to.
class CallerHost {
 public:
  virtual void reply(const Delivery& delivery, const Packet& packet) = 0;
  virtual void settle(const Delivery& delivery, Settlement settlement) = 0;
  virtual void park(const Delivery& delivery, ParkDone done) = 0;
  virtual void delivery_added() noexcept = 0;
  virtual void delivery_dropped() noexcept = 0;  ///< May destroy the host.
  virtual void delivery_waits(bool on) noexcept = 0;
  virtual bool is_congested() const noexcept = 0;
  virtual bool is_open() const noexcept = 0;

 protected:
  ~CallerHost() = default;
};

/// The source of the deliveries that came from one reply address; events come from nobody.
class Caller final : public DeliverySource {
 public:
  Caller(CallerHost& host, Callers& all, std::string address) : host_(host), all_(all), address_(std::move(address)) {}

  const std::string& address() const noexcept { return address_; }
  std::size_t deliveries() const noexcept { return deliveries_; }
  void mark_gone() noexcept { is_gone_ = true; }
  bool is_gone() const noexcept { return is_gone_; }
  bool was_busy = false;      ///< At the last look; this and the next two are the table's own.
  bool is_asked_for = false;  ///< A question is under way.
  std::size_t values = 0;     ///< Of streams, since the last answer.

  void reply(const Delivery& delivery, const Packet& packet) override;
  void settle(const Delivery& delivery, Settlement settlement) override { host_.settle(delivery, settlement); }
  void park(const Delivery& delivery, ParkDone done) override { host_.park(delivery, std::move(done)); }
  void add_delivery() noexcept override {
    ++deliveries_;
    host_.delivery_added();
  }
  void drop_delivery() noexcept override {
    --deliveries_;
    host_.delivery_dropped();
  }
  void delivery_waits(bool on) noexcept override { host_.delivery_waits(on); }
  bool is_congested() const noexcept override { return values >= k_most_values || host_.is_congested(); }
  bool is_connected() const noexcept override { return !is_gone_ && host_.is_open(); }

 private:
  static constexpr std::size_t k_most_values = 512;
  CallerHost& host_;
  Callers& all_;
  std::string address_;
  std::size_t deliveries_ = 0;
  bool is_gone_ = false;
};

/// All callers of one link. The broker is asked from time to time for those whose requests take long: on a channel of
/// its own, because the answer "no" closes it. It is asked for those of long streams, too: nothing else holds a stream
/// back that is produced faster than the broker can pass it on.
///
/// Threads: one executor. Lifetime: within its host; stop() before the session ends.
class Callers {
 public:
  Callers(CallerHost& host, const asio::any_io_executor& executor, std::chrono::milliseconds interval);

  /// `address`: a return address as it came; empty: nobody.
  Caller& of(std::string_view reply_to);
  /// A value of a stream was sent to `caller`.
  void sent_value(Caller& caller);
  void use(Session& session, ChannelId channel) noexcept {
    session_ = &session;
    channel_ = channel;
  }
  void stop() noexcept;

 private:
  static constexpr std::size_t k_most_idle = 1'024;
  static constexpr std::size_t k_most_questions = 256;  ///< At a look.
  static constexpr std::size_t k_values_a_question = 128;
  void ask(Caller& caller);
  void arm();
  void look();
  void ask_next();
  void drop_idle();

  CallerHost& host_;
  asio::steady_timer timer_;
  const std::chrono::milliseconds interval_;
  Session* session_ = nullptr;
  ChannelId channel_ = 0;
  Caller nobody_;
  std::unordered_map<std::string_view, std::unique_ptr<Caller>> callers_;  ///< By their own address().
  Caller* last_ = nullptr;
  std::deque<std::string> questions_;
  bool is_armed_ = false;
  bool is_asking_ = false;
  std::shared_ptr<bool> is_here_ = std::make_shared<bool>(true);  ///< For the timer, which may come too late.
};

}  // namespace waybill::amqp
