#include "protocol/committed_query.hpp"

#include "protocol/error.hpp"

namespace waybill::kafka {

CommittedQuery::CommittedQuery(const asio::any_io_executor& executor, rd_kafka_t* instance, std::string group,
                               std::chrono::milliseconds limit)
    : instance_(instance), group_(std::move(group)), limit_(limit) {
  watch_ = std::make_shared<QueueWatch>(executor, Queue(rd_kafka_queue_new(instance)), [this] { return drain(); });
  watch_->start();
}

void CommittedQuery::ask(const rd_kafka_topic_partition_list_t& partitions, Done done) {
  done_ = std::move(done);
  const ListOffsets query(rd_kafka_ListConsumerGroupOffsets_new(group_.c_str(), &partitions));
  const AdminOptions options(rd_kafka_AdminOptions_new(instance_, RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS));
  rd_kafka_AdminOptions_set_request_timeout(options.get(), static_cast<int>(limit_.count()), nullptr, 0);
  rd_kafka_AdminOptions_set_opaque(options.get(), reinterpret_cast<void*>(++question_));
  rd_kafka_ListConsumerGroupOffsets_t* one = query.get();
  rd_kafka_ListConsumerGroupOffsets(instance_, &one, 1, options.get(), watch_->queue());
}

bool CommittedQuery::drain() {
  use_events(watch_, [this](rd_kafka_event_t* event) { on_result(event); });
  return false;
}

void CommittedQuery::on_result(rd_kafka_event_t* event) {
  if (reinterpret_cast<std::uintptr_t>(rd_kafka_event_opaque(event)) != question_) return;
  const Done done = std::exchange(done_, nullptr);
  if (!done) return;
  const std::string what = "the offsets of the group " + group_;
  if (const auto code = rd_kafka_event_error(event)) return done(make_error(code, what, End::unknown));
  std::size_t count = 0;
  const auto* result = rd_kafka_event_ListConsumerGroupOffsets_result(event);
  const auto** groups = rd_kafka_ListConsumerGroupOffsets_result_groups(result, &count);
  if (count != 1) return done(make_error(RD_KAFKA_RESP_ERR__BAD_MSG, what, End::unknown));
  if (const auto* error = rd_kafka_group_result_error(groups[0])) {
    return done(make_error(rd_kafka_error_code(error), what, End::unknown));
  }
  std::vector<CommittedOffset> offsets;
  const auto* list = rd_kafka_group_result_partitions(groups[0]);
  for (int i = 0; list && i < list->cnt; ++i) {
    const rd_kafka_topic_partition_t& partition = list->elems[i];
    CommittedOffset& one = offsets.emplace_back();
    one.topic = partition.topic;
    one.partition = partition.partition;
    if (!partition.err) one.offset = partition.offset;
    if (partition.metadata) one.metadata.assign(static_cast<const char*>(partition.metadata), partition.metadata_size);
  }
  done(std::move(offsets));
}

void CommittedQuery::close() {
  watch_->stop();
  done_ = nullptr;
}

}  // namespace waybill::kafka
