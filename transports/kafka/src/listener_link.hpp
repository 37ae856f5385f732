// One link of a listener: its group's records in, replies out.
#pragma once

#include "flow/intake.hpp"
#include "flow/producer.hpp"
#include "protocol/admin.hpp"
#include "protocol/broker_watch.hpp"
#include "protocol/log_limit.hpp"
#include "protocol/startup.hpp"
#include "protocol/step.hpp"
#include "wire/subscription.hpp"
#include "wire/wire.hpp"

#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

namespace waybill::kafka {

inline constexpr const char* k_fenced =
    "another member of the group has the same group.instance.id: give each listener one of its own";

/// Threads:  all on the executor.
/// Lifetime: shared by the listener, by deliveries and by what is under way.
class ListenerLink final : public std::enable_shared_from_this<ListenerLink>,
                           public DeliverySource,
                           public IntakeHooks,
                           public ProducerHooks {
 public:
  ListenerLink(const Environment& environment, const Options& options, const Registry& registry);

  /// Connects, finds or creates the topics, joins the group and waits until its partitions are positioned.
  /// While is_joining() it may be called again and goes on waiting.
  asio::awaitable<Result<void>> open(const Routes& routes, ListenerSink& sink);
  /// A member of its group that has waited in vain so far.
  bool is_joining() const noexcept { return intake_ && !is_open_ && !is_closed_ && !startup_.is_clear(); }
  /// It has ended because another member has its group.instance.id.
  bool is_fenced() const noexcept { return is_fenced_; }
  void pause() {
    if (intake_) intake_->pause();
  }
  void resume() {
    if (intake_) intake_->resume();
  }
  void stop_intake() {
    if (intake_) intake_->stop();
  }
  asio::awaitable<void> flush();
  void close();

  void reply(const Delivery& delivery, const Packet& packet) override;
  void settle(const Delivery& delivery, Settlement settlement) override;
  void park(const Delivery& delivery, ParkDone done) override;
  void add_delivery() noexcept override;
  void drop_delivery() noexcept override;
  bool is_congested() const noexcept override;
  bool is_connected() const noexcept override { return !is_closed_; }

 private:
  void on_record(Token token, const rd_kafka_message_t& message, int attempt, bool is_redelivered) override;
  void on_intake_ready() override;
  void on_share(std::size_t partitions) override;
  void on_intake_error(rd_kafka_resp_err_t code, std::string_view reason, bool is_fatal) override;
  void on_sent(Ticket ticket, rd_kafka_resp_err_t code, End end) override;
  void on_producer_error(rd_kafka_resp_err_t code, std::string_view reason, bool is_fatal) override;
  void find_topic(const std::string& topic, std::function<void(Result<void>)> done) override;

  Result<void> make_producer();
  std::vector<std::string> own_topics() const;
  void find_topics(const std::shared_ptr<Step>& step);
  Result<void> join();
  asio::awaitable<Result<void>> wait_joined();
  void end_step(Result<void> outcome);
  void pass_over(Token token);
  void watch_brokers();
  /// Tells the host whether records can come.
  void tell_hindered();
  void trouble(rd_kafka_resp_err_t code, std::string_view reason, bool is_fatal);

  Environment environment_;
  Options options_;
  Formats formats_;
  std::string group_;
  std::string dead_letter_;  ///< The topic; empty: none.
  StartupTrouble startup_;
  std::optional<Subscription> subscription_;
  ListenerSink* sink_ = nullptr;
  std::shared_ptr<Step> step_;  ///< What open() waits for.
  std::unique_ptr<Producer> producer_;
  std::unique_ptr<Admin> admin_;
  std::shared_ptr<BrokerWatch> watch_;  ///< Once it is open.
  std::shared_ptr<Intake> intake_;
  std::unordered_map<Ticket, ParkDone> parking_;  ///< Records on their way to the dead-letter topic.
  Ticket last_parked_ = 0;
  LogLimit limit_;
  std::shared_ptr<ListenerLink> held_by_deliveries_;
  std::size_t deliveries_ = 0;
  std::string no_broker_;                 ///< Why none can be used; empty: one can.
  std::vector<std::string> made_topics_;  ///< At the start.
  bool has_had_share_ = false;
  bool has_share_ = false;
  bool is_fenced_ = false;
  bool is_ready_ = false;  ///< All that the group gave can be read, or nearly.
  bool is_open_ = false;
  bool is_closed_ = false;
};

}  // namespace waybill::kafka
