#include "protocol/group_consumer.hpp"

#include <cstring>
#include <string_view>

namespace waybill::kafka {
namespace {

PartitionList list_of(std::size_t capacity) {
  return PartitionList(rd_kafka_topic_partition_list_new(static_cast<int>(capacity)));
}

rd_kafka_topic_partition_t& add(const PartitionList& list, const Partition& partition) {
  return *rd_kafka_topic_partition_list_add(list.get(), partition.topic.c_str(), partition.number);
}

PartitionList list_of(const Assignment& assignment) {
  PartitionList list = list_of(assignment.size());
  assignment.for_each([&list](const Partition& partition) { add(list, partition); });
  return list;
}

}  // namespace

rd_kafka_resp_err_t GroupConsumer::subscribe(const std::vector<std::string>& topics) {
  const PartitionList list = list_of(topics.size());
  for (const std::string& topic : topics) {
    rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), RD_KAFKA_PARTITION_UA);
  }
  return rd_kafka_subscribe(client_->get(), list.get());
}

void GroupConsumer::assign(const rd_kafka_topic_partition_list_t& partitions) {
  if (is_cooperative())
    KafkaError(rd_kafka_incremental_assign(client_->get(), &partitions));
  else
    rd_kafka_assign(client_->get(), &partitions);
}

void GroupConsumer::unassign(const rd_kafka_topic_partition_list_t& partitions) {
  if (is_cooperative())
    KafkaError(rd_kafka_incremental_unassign(client_->get(), &partitions));
  else
    rd_kafka_assign(client_->get(), nullptr);
}

bool GroupConsumer::is_cooperative() const {
  const char* protocol = rd_kafka_rebalance_protocol(client_->get());
  return protocol && std::string_view(protocol) == "COOPERATIVE";
}

/// librdkafka has a call for the epoch of a member from 2.15 on; what it writes for other programs has it in all versions.
bool GroupConsumer::is_taken_in() const {
  constexpr std::string_view k_magic = "CGMDv2:";
  const GroupMetadata metadata(rd_kafka_consumer_group_metadata(client_->get()));
  void* bytes = nullptr;
  std::size_t size = 0;
  if (!metadata || KafkaError(rd_kafka_consumer_group_metadata_write(metadata.get(), &bytes, &size))) return false;
  const std::string_view text(static_cast<const char*>(bytes), size);
  std::int32_t epoch = 0;
  if (text.starts_with(k_magic) && size >= k_magic.size() + sizeof epoch)
    std::memcpy(&epoch, text.data() + k_magic.size(), sizeof epoch);
  rd_kafka_mem_free(nullptr, bytes);
  return epoch > 0;
}

void GroupConsumer::read_from_beginning(const Partition& partition) {
  const PartitionList list = list_of(1);
  add(list, partition).offset = 0;  // what was stored of the one before must not be committed for this one
  rd_kafka_offsets_store(client_->get(), list.get());
  const TopicHandle topic(rd_kafka_topic_new(client_->get(), partition.topic.c_str(), nullptr));
  rd_kafka_seek(topic.get(), partition.number, RD_KAFKA_OFFSET_BEGINNING, 0);  // 0: without waiting
}

std::pair<std::int64_t, std::int64_t> GroupConsumer::bounds_of(const Partition& partition) const {
  std::int64_t low = -1;
  std::int64_t high = -1;
  rd_kafka_get_watermark_offsets(client_->get(), partition.topic.c_str(), partition.number, &low, &high);
  return {low, high};
}

void GroupConsumer::pin(const std::vector<std::pair<Assignment::PartitionPtr, std::int64_t>>& places,
                        const std::string& mark) {
  const PartitionList list = list_of(places.size());
  for (const auto& [partition, offset] : places) {
    rd_kafka_topic_partition_t& place = add(list, *partition);
    place.offset = offset;
    place.metadata = ::strdup(mark.c_str());  // the list frees it
    place.metadata_size = mark.size();
  }
  rd_kafka_commit(client_->get(), list.get(), 1);
}

void GroupConsumer::store_offsets(Assignment& assignment) {
  if (!assignment.has_offsets_to_store()) return;
  const PartitionList list = list_of(assignment.size());
  assignment.take_offsets_to_store(
      [&list](const Partition& partition, std::int64_t offset) { add(list, partition).offset = offset; });
  if (list->cnt > 0) rd_kafka_offsets_store(client_->get(), list.get());
}

void GroupConsumer::pause(const Assignment& assignment) {
  rd_kafka_pause_partitions(client_->get(), list_of(assignment).get());
}

void GroupConsumer::resume(const Assignment& assignment) {
  const PartitionList list = list_of(assignment.size());
  assignment.for_each([&list](const Partition& partition) {
    if (!partition.is_held) add(list, partition);
  });
  rd_kafka_resume_partitions(client_->get(), list.get());
}

void GroupConsumer::pause(const Partition& partition) {
  const PartitionList list = list_of(1);
  add(list, partition);
  rd_kafka_pause_partitions(client_->get(), list.get());
}

void GroupConsumer::resume(const Partition& partition) {
  const PartitionList list = list_of(1);
  add(list, partition);
  rd_kafka_resume_partitions(client_->get(), list.get());
}

}  // namespace waybill::kafka
