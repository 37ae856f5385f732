// A member of a group, as librdkafka sees it: topics, positions, offsets, pauses.
#pragma once

#include "flow/assignment.hpp"
#include "flow/start_rule.hpp"
#include "protocol/client.hpp"

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace waybill::kafka {

/// Threads: on the executor of its client.
class GroupConsumer {
 public:
  explicit GroupConsumer(std::shared_ptr<Client> client) : client_(std::move(client)) {}

  rd_kafka_t* get() const noexcept { return client_->get(); }
  rd_kafka_resp_err_t subscribe(const std::vector<std::string>& topics);

  void assign(const rd_kafka_topic_partition_list_t& partitions);
  /// Commits what was stored of them.
  void unassign(const rd_kafka_topic_partition_list_t& partitions);
  /// Partitions are given and taken one by one, and the others stay.
  bool is_cooperative() const;
  /// Of a group whose brokers decide: they have taken us in.
  bool is_taken_in() const;
  /// The membership has ended already: others have the partitions.
  bool is_lost() const noexcept { return rd_kafka_assignment_lost(client_->get()) != 0; }

  /// From its oldest record on, as soon as it is there.
  void read_from_beginning(const Partition& partition);
  /// First and last offset as far as is known here; negative: unknown.
  std::pair<std::int64_t, std::int64_t> bounds_of(const Partition& partition) const;
  /// Commits where we start. Without a committed offset, a successor would start behind what is in hand here.
  void pin(const std::vector<std::pair<Assignment::PartitionPtr, std::int64_t>>& places, const std::string& mark);
  /// To be committed now and then, on unassign() and on close().
  void store_offsets(Assignment& assignment);

  void pause(const Assignment& assignment);
  /// All but those that are held.
  void resume(const Assignment& assignment);
  void pause(const Partition& partition);
  void resume(const Partition& partition);
  void poke() noexcept { client_->poke(); }
  /// Leaves the group.
  void close() { client_->close(); }

 private:
  std::shared_ptr<Client> client_;
};

}  // namespace waybill::kafka
