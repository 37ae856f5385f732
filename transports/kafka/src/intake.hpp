// A listener's consumer: takes records from its group's partitions, in order within a key, at most so many at once, and
// commits what is finished.
#pragma once

#include "client.hpp"
#include "key_lanes.hpp"
#include "offset_tracker.hpp"
#include "waybill/transport.hpp"
#include "waybill/transports/kafka.hpp"

#include <asio/steady_timer.hpp>

#include <deque>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

namespace waybill::kafka {

/// What an intake tells its owner, outside of librdkafka.
class IntakeHooks {
 public:
  using Token = std::uint64_t;

  /// A record to be settled once, by its token. `attempt` counts from 1 what this process has tried.
  virtual void on_record(Token token, const rd_kafka_message_t& message, int attempt, bool is_redelivered) = 0;
  /// All partitions that the group has given us are positioned: what is sent now will be received. Called once.
  virtual void on_intake_ready() = 0;
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

  /// Joins the group. Names that start with `^` are regular expressions.
  Result<void> subscribe(const std::vector<std::string>& topics);
  /// Nothing happens for tokens that are settled already, or whose partition is somebody else's by now.
  void settle(Token token, Settlement settlement);
  /// The record in hand; null when it is settled, or its partition is somebody else's by now.
  const rd_kafka_message_t* message(Token token) const noexcept;
  void pause();
  void resume();
  void stop();   ///< Takes nothing new, for good; what is in hand may still be settled.
  void close();  ///< Leaves the group. Idempotent.

 private:
  struct Partition {
    std::string topic;
    std::int32_t number = 0;
    OffsetTracker offsets;
    std::int64_t fresh_from = 0;  ///< Records before it may have been delivered before.
    bool is_ours = true;
    bool is_positioned = false;
    bool is_dirty = false;  ///< There may be something to store.
  };
  using PartitionPtr = std::shared_ptr<Partition>;

  enum class State : std::uint8_t { unused, waiting, in_hand, retrying };
  struct Slot {
    Message message;
    PartitionPtr partition;
    std::string lane;  ///< Empty: a record without key, which waits for nobody.
    int attempt = 1;
    std::uint32_t generation = 0;
    State state = State::unused;
  };

  Intake(const Environment& environment, const Options& options, std::string group, IntakeHooks& hooks);
  void on_message(Message message) override;
  bool wants_messages() override;
  void on_batch_end() override;
  void on_tick() override;
  void on_error(rd_kafka_resp_err_t code, std::string_view reason, bool is_fatal) override;
  void on_rebalance(rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t* partitions) override;

  void note_known(const std::string& topic);
  bool note_unmatched(std::string_view name);
  void take(Message message);
  void take_error(const rd_kafka_message_t& message);
  PartitionPtr find(const rd_kafka_message_t& message);
  void note_position(Partition& partition, std::int64_t offset, bool is_end);
  void assigned(const rd_kafka_topic_partition_list_t& partitions);
  void revoked(const rd_kafka_topic_partition_list_t& partitions);
  bool is_blocked() const noexcept;
  void unblock();
  void pause_at_broker(bool paused);
  void pump();
  void schedule_pump();
  void deliver(std::uint32_t index);
  void retry_later(std::uint32_t index);
  void release(std::uint32_t index);
  void mark_dirty(const PartitionPtr& partition);
  void store_offsets();
  void check_ready();

  asio::any_io_executor executor_;
  Log log_;
  std::size_t max_in_flight_;
  Options options_;
  std::string group_;
  IntakeHooks* hooks_;
  std::shared_ptr<Client> client_;
  std::vector<TopicHandle> known_;   ///< Topics with settings of their own.
  std::set<std::string> unmatched_;  ///< Regular expressions that no topic matched when we looked.
  std::size_t subscribed_ = 0;       ///< Names and expressions.
  std::unordered_map<std::string, PartitionPtr> partitions_;  ///< Ours, by "topic/number".
  const void* last_topic_ = nullptr;  ///< Of the record before, with its partition: mostly the same again.
  PartitionPtr last_partition_;
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_slots_;
  std::deque<std::uint32_t> runnable_;
  KeyLanes lanes_;
  std::vector<PartitionPtr> dirty_;
  std::vector<std::pair<rd_kafka_resp_err_t, std::string>> errors_;  ///< Told at the end of the batch.
  std::size_t in_hand_ = 0;
  int blocked_ticks_ = 0;
  bool is_assigned_ = false;
  bool is_ready_ = false;
  bool is_paused_ = false;
  bool is_stopped_ = false;
  bool is_broker_paused_ = false;
  bool is_held_ = false;  ///< Messages were left in librdkafka's queue.
  bool is_pumping_ = false;
  bool is_pump_posted_ = false;
  bool is_closed_ = false;
};

}  // namespace waybill::kafka
