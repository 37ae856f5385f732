// A member of a group, as librdkafka sees it: topics, positions, offsets, pauses.
#pragma once

#include "assignment.hpp"
#include "client.hpp"

#include <memory>
#include <string>
#include <vector>

namespace waybill::kafka {

/// Threads: on the executor of its client.
class GroupConsumer {
 public:
  GroupConsumer(std::shared_ptr<Client> client, bool from_beginning)
      : client_(std::move(client)), from_beginning_(from_beginning) {}

  rd_kafka_resp_err_t subscribe(const std::vector<std::string>& topics);
  /// The topic is there already: where the group has committed nothing, it is read from its end, if not from_beginning.
  void note_existing(const std::string& topic);

  void assign(const rd_kafka_topic_partition_list_t& partitions);
  /// Commits what was stored of them.
  void unassign(const rd_kafka_topic_partition_list_t& partitions);

  /// Its end as far as is known here; negative: unknown.
  std::int64_t end_of(const Partition& partition) const;
  /// Commits where we start. Without a committed offset, a successor would start behind what is in hand here.
  void pin(const Partition& partition, std::int64_t offset);
  /// To be committed now and then, on unassign() and on close().
  void store_offsets(Assignment& assignment);

  void pause(const Assignment& assignment);
  void resume(const Assignment& assignment);
  void poke() noexcept { client_->poke(); }
  /// Leaves the group.
  void close();

 private:
  bool is_cooperative() const;

  std::shared_ptr<Client> client_;
  std::vector<TopicHandle> existing_;  ///< Topics with settings of their own.
  bool from_beginning_;
};

}  // namespace waybill::kafka
