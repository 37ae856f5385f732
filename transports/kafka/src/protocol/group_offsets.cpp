#include "protocol/group_offsets.hpp"

#include "protocol/error.hpp"

#include <cstring>

namespace waybill::kafka {
namespace {

using AlterOffsets =
    std::unique_ptr<rd_kafka_AlterConsumerGroupOffsets_t, Destroy<rd_kafka_AlterConsumerGroupOffsets_destroy>>;

AdminOptions make_options(rd_kafka_t* instance, rd_kafka_admin_op_t operation, std::chrono::milliseconds limit) {
  AdminOptions options(rd_kafka_AdminOptions_new(instance, operation));
  char problem[256];
  rd_kafka_AdminOptions_set_request_timeout(options.get(), static_cast<int>(limit.count()), problem, sizeof(problem));
  return options;
}

/// The one partition of the one group that was asked for; null where the broker refused.
const rd_kafka_topic_partition_t* partition_of(const rd_kafka_group_result_t* group) noexcept {
  const auto* list = rd_kafka_group_result_partitions(group);
  return list && list->cnt == 1 ? &list->elems[0] : nullptr;
}

}  // namespace

GroupOffsets::GroupOffsets(const asio::any_io_executor& executor, rd_kafka_t* instance, Place place,
                           std::chrono::milliseconds limit)
    : instance_(instance), place_(std::move(place)), limit_(limit) {
  watch_ = std::make_shared<QueueWatch>(executor, Queue(rd_kafka_queue_new(instance)), [this] { return drain(); });
  watch_->start();
}

PartitionList GroupOffsets::make_list() const {
  PartitionList list(rd_kafka_topic_partition_list_new(1));
  rd_kafka_topic_partition_list_add(list.get(), place_.topic.c_str(), place_.partition);
  return list;
}

void GroupOffsets::read(Done done) {
  done_ = std::move(done);
  const PartitionList list = make_list();
  const ListOffsets query(rd_kafka_ListConsumerGroupOffsets_new(place_.group.c_str(), list.get()));
  const AdminOptions options = make_options(instance_, RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS, limit_);
  rd_kafka_ListConsumerGroupOffsets_t* one = query.get();
  rd_kafka_ListConsumerGroupOffsets(instance_, &one, 1, options.get(), watch_->queue());
}

void GroupOffsets::write(const Committed& what, Done done) {
  done_ = std::move(done);
  const PartitionList list = make_list();
  list->elems[0].offset = what.offset;
  // The list frees it.
  list->elems[0].metadata = ::strdup(what.metadata.c_str());
  list->elems[0].metadata_size = what.metadata.size();
  const AlterOffsets change(rd_kafka_AlterConsumerGroupOffsets_new(place_.group.c_str(), list.get()));
  const AdminOptions options = make_options(instance_, RD_KAFKA_ADMIN_OP_ALTERCONSUMERGROUPOFFSETS, limit_);
  rd_kafka_AlterConsumerGroupOffsets_t* one = change.get();
  rd_kafka_AlterConsumerGroupOffsets(instance_, &one, 1, options.get(), watch_->queue());
}

bool GroupOffsets::drain() {
  use_events(watch_, [this](rd_kafka_event_t* event) { on_result(event); });
  return false;
}

void GroupOffsets::on_result(rd_kafka_event_t* event) {
  const Done done = std::exchange(done_, nullptr);
  if (!done) return;
  const std::string what = "the decisions about " + place_.topic + ", kept by the group " + place_.group + ",";
  if (const auto code = rd_kafka_event_error(event)) return done(make_error(code, what, End::unknown));
  std::size_t count = 0;
  const rd_kafka_group_result_t** groups = nullptr;
  if (const auto* read = rd_kafka_event_ListConsumerGroupOffsets_result(event)) {
    groups = rd_kafka_ListConsumerGroupOffsets_result_groups(read, &count);
  } else if (const auto* written = rd_kafka_event_AlterConsumerGroupOffsets_result(event)) {
    groups = rd_kafka_AlterConsumerGroupOffsets_result_groups(written, &count);
  }
  if (count != 1) return done(make_error(RD_KAFKA_RESP_ERR__BAD_MSG, what, End::unknown));
  if (const auto* error = rd_kafka_group_result_error(groups[0])) {
    return done(make_error(rd_kafka_error_code(error), what, End::unknown));
  }
  const auto* partition = partition_of(groups[0]);
  if (!partition) return done(Committed());
  if (partition->err) return done(make_error(partition->err, what, End::unknown));
  Committed committed{partition->offset, {}};
  if (partition->metadata)
    committed.metadata.assign(static_cast<const char*>(partition->metadata), partition->metadata_size);
  done(std::move(committed));
}

void GroupOffsets::close() {
  watch_->stop();
  done_ = nullptr;
}

}  // namespace waybill::kafka
