// A listener's consumer: takes records from its group's partitions, in order within a key, at most so many at once, and
// commits what is finished.
#pragma once

#include "flow/assignment.hpp"
#include "flow/flow_control.hpp"
#include "flow/in_flight.hpp"
#include "protocol/client.hpp"
#include "protocol/committed_query.hpp"
#include "protocol/error.hpp"
#include "protocol/group_consumer.hpp"
#include "protocol/readiness.hpp"
#include "waybill/transport/transport.hpp"
#include "waybill/transports/kafka.hpp"

#include <asio/steady_timer.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace waybill::kafka {

/// What an intake tells its owner, outside of librdkafka.
class IntakeHooks {
 public:
  using Token = InFlight::Token;

  /// A record to be settled once, by its token. `attempt` counts from 1 what this process has tried.
  virtual void on_record(Token token, const rd_kafka_message_t& message, int attempt, bool is_redelivered) = 0;
  /// The partitions that the group has given us are positioned: what is sent now will be received. Called once.
  virtual void on_intake_ready() = 0;
  /// How many partitions are ours now. From within librdkafka.
  virtual void on_share(std::size_t partitions) = 0;
  /// `is_fatal`: the consumer is useless now.
  virtual void on_intake_error(rd_kafka_resp_err_t code, std::string_view reason, bool is_fatal) = 0;

 protected:
  ~IntakeHooks() = default;
};

/// Threads: all on the executor.
class Intake final : public ClientHooks, public std::enable_shared_from_this<Intake> {
 public:
  using Token = IntakeHooks::Token;

  struct Names {
    std::string client_id;
    std::string group;
  };
  static Result<std::shared_ptr<Intake>> make(const Environment& environment, const Options& options, Names names,
                                              IntakeHooks& hooks);

  /// The topic was made for us. To be called before subscribe().
  void note_made(std::string_view topic) { start_rule_.note_made(topic); }
  /// Joins the group. Names that start with `^` are regular expressions.
  Result<void> subscribe(const std::vector<std::string>& topics);
  /// Nothing happens for tokens that are settled already; where the partition is somebody else's by now, it counts should
  /// it come back.
  void settle(Token token, Settlement settlement);
  /// The record in hand; null when it is settled.
  const rd_kafka_message_t* message(Token token) const noexcept;
  /// Logs which partitions cannot be read yet.
  void tell_unpositioned();
  void pause();
  void resume();
  void stop();   ///< Takes nothing new, for good; what is in hand may still be settled.
  void close();  ///< Leaves the group. Idempotent.

 private:
  /// How far it has come; only pause and resume lead back.
  enum class Mode : std::uint8_t { running, paused, stopped, closed };

  Intake(const Environment& environment, const Options& options, std::string group, IntakeHooks& hooks);
  void on_message(Message message) override;
  bool wants_messages() override { return flow_.wants_messages(is_blocked()); }
  void on_batch_end() override;
  void on_tick() override;
  void on_error(rd_kafka_resp_err_t code, std::string_view reason, bool is_fatal) override;
  void on_rebalance(rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t* partitions) override;
  void on_commit(rd_kafka_resp_err_t code, const rd_kafka_topic_partition_list_t& partitions) override;

  void take(Message message);
  void take_error(const rd_kafka_message_t& message);
  Assignment::PartitionPtr find(const rd_kafka_message_t& message);
  void note_position(const Assignment::PartitionPtr& partition, std::int64_t offset, bool is_end);
  void renew_gone();
  void begin_anew(const Assignment::PartitionPtr& partition);
  void pin_places();

  // What the group gives and takes (intake_share.cpp).
  void assigned(PartitionList partitions);
  void assign(const rd_kafka_topic_partition_list_t& partitions, const std::vector<CommittedOffset>& known);
  void revoke(PartitionList partitions);
  void leave_soon();
  void revoked(const rd_kafka_topic_partition_list_t& partitions);
  bool has_in_hand(const rd_kafka_topic_partition_list_t& partitions) const;
  void tell_share();
  void tell_lag();
  void tell_gap(const Partition& partition, std::int64_t offset);
  bool has_many_waiting(const Partition& partition, std::size_t part) const;
  void hold_if_full(Partition& partition);
  void release_if_room(Partition& partition);
  void pump();
  void pump_soon();
  void hand_over(const InFlight::Record& record);
  void retry_later(const InFlight::Record& record);
  void store_offsets();
  void unblock();
  bool is_blocked() const noexcept { return mode_ != Mode::running || in_flight_.is_full(); }
  bool is_stopped() const noexcept { return mode_ == Mode::stopped || is_closed(); }
  bool is_closed() const noexcept { return mode_ == Mode::closed; }

  asio::any_io_executor executor_;
  Log log_;
  MetricSink metrics_;
  std::chrono::milliseconds retry_backoff_;
  std::chrono::milliseconds revoke_timeout_;
  std::chrono::milliseconds start_timeout_;
  const bool from_beginning_;
  const bool has_brokers_decide_;
  const std::size_t max_in_hand_;
  std::string group_;
  IntakeHooks& hooks_;  ///< Not used once we are closed.
  std::optional<GroupConsumer> consumer_;
  std::optional<CommittedQuery> query_;
  StartRule start_rule_;
  PartitionList arriving_;  ///< Ours as soon as we know where to begin; null: none.
  PartitionList leaving_;   ///< Ours only until what is in hand is finished; null: none.
  asio::steady_timer leaving_timer_;
  std::vector<std::pair<Assignment::PartitionPtr, std::int64_t>> places_;  ///< Where we start, to be committed.
  Assignment assignment_;
  Readiness readiness_;
  InFlight in_flight_;
  FlowControl flow_;
  std::vector<std::pair<rd_kafka_resp_err_t, std::string>> errors_;  ///< Told at the end of the batch.
  std::vector<PlaceName> gone_;  ///< What librdkafka has said to be deleted, until the next record or end of a batch.
  LogLimit limit_;
  Mode mode_ = Mode::running;
  bool is_pumping_ = false;
  bool is_pump_posted_ = false;
};

}  // namespace waybill::kafka
