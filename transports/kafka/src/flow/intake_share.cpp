// Intake: what the group gives and takes, and what is held back of it.
#include "flow/intake.hpp"

#include <map>

namespace waybill::kafka {
namespace {

constexpr std::size_t k_most_span = 100'000;     ///< Records of a partition from the first unfinished one on.
constexpr std::size_t k_most_waiting = 4'096;    ///< Records that wait for others of their key, of all partitions...
constexpr std::size_t k_least_waiting = 64;      ///< ...but so many of each.
constexpr std::size_t k_least_bytes = 1u << 20;  ///< The same in bytes; the most is Options::max_in_hand.
constexpr std::chrono::milliseconds k_ask_again{200};

PartitionList copy_of(const rd_kafka_topic_partition_list_t& list) {
  return PartitionList(rd_kafka_topic_partition_list_copy(&list));
}

bool are_placed(const rd_kafka_topic_partition_list_t& partitions) noexcept {
  for (int i = 0; i < partitions.cnt; ++i) {
    if (partitions.elems[i].offset < 0) return false;
  }
  return true;
}

/// These, and those of their topics that have lower numbers: what is added to a topic has the highest.
PartitionList with_lower_ones(const rd_kafka_topic_partition_list_t& partitions) {
  std::map<std::string, std::int32_t> highest;
  for (int i = 0; i < partitions.cnt; ++i) {
    std::int32_t& number = highest[partitions.elems[i].topic];
    number = std::max(number, partitions.elems[i].partition);
  }
  PartitionList list(rd_kafka_topic_partition_list_new(partitions.cnt));
  for (const auto& [topic, last] : highest) rd_kafka_topic_partition_list_add_range(list.get(), topic.c_str(), 0, last);
  return list;
}

}  // namespace

void Intake::on_rebalance(rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t* partitions) {
  if (flow_.rebalanced()) consumer_->resume(assignment_);
  if (code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) return assigned(copy_of(*partitions));
  revoke(copy_of(*partitions));
}

/// Where the group has committed nothing, what it has committed elsewhere in the topic decides: ask first, but only where
/// that may be behind the newest record. Elsewhere librdkafka finds the place, or takes the oldest, without a pause: when
/// it is kept waiting, it joins anew without telling that what it gave is taken back.
void Intake::assigned(PartitionList partitions) {
  const auto is_new = [this, &partitions] {
    for (int i = 0; i < partitions->cnt; ++i) {
      if (start_rule_.is_new(partitions->elems[i].topic)) return true;
    }
    return false;
  };
  if (from_beginning_ || are_placed(*partitions) || (!readiness_.is_joining() && !is_new()))
    return assign(*partitions, {});
  arriving_ = std::move(partitions);
  query_->ask(*with_lower_ones(*arriving_), [this](Result<std::vector<CommittedOffset>> known) {
    if (known) return assign(*std::exchange(arriving_, nullptr), *known);
    log_.warning("kafka: " + std::string(known.error().what()) + " cannot be read; asking again");
    const auto timer = std::make_shared<asio::steady_timer>(executor_, k_ask_again);
    timer->async_wait([weak = weak_from_this(), timer, asked = arriving_.get()](std::error_code) {
      const auto self = weak.lock();
      if (self && !self->is_closed() && self->arriving_ && self->arriving_.get() == asked)
        self->assigned(std::move(self->arriving_));
    });
  });
}

void Intake::assign(const rd_kafka_topic_partition_list_t& partitions, const std::vector<CommittedOffset>& known) {
  const bool is_first = readiness_.assigned();
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  start_rule_.shared_out(known, is_first, std::chrono::duration_cast<std::chrono::seconds>(now).count());
  std::map<std::string, const CommittedOffset*> by_name;
  for (const CommittedOffset& one : known) by_name[Partition::name_of(one.topic, one.partition)] = &one;
  std::vector<std::pair<std::string, std::int32_t>> before;  // given anew without having been taken
  if (!consumer_->is_cooperative()) {
    assignment_.for_each(
        [&before](const Partition& partition) { before.emplace_back(partition.topic, partition.number); });
  }
  for (const auto& [topic, number] : before) {
    if (const auto partition = assignment_.remove(topic, number)) in_flight_.drop_waiting(*partition);
  }
  const PartitionList placed = copy_of(partitions);
  for (int i = 0; i < placed->cnt; ++i) {
    rd_kafka_topic_partition_t& partition = placed->elems[i];
    const std::string name = Partition::name_of(partition.topic, partition.partition);
    const auto found = by_name.find(name);
    std::int64_t committed = -1;
    if (found != by_name.end()) {
      committed = found->second->offset;
      switch (start_rule_.of(*found->second)) {
        case StartRule::Begin::committed: partition.offset = committed; break;
        case StartRule::Begin::newest: partition.offset = RD_KAFKA_OFFSET_END; break;
        case StartRule::Begin::oldest:
          partition.offset = RD_KAFKA_OFFSET_BEGINNING;
          if (start_rule_.is_made(partition.topic)) break;
          log_.write(start_rule_.has_seen(partition.topic) ? LogLevel::warning : LogLevel::info,
                     "kafka: " + name + " is new to the group " + group_ + ": it is read from its oldest record on");
          break;
      }
    }
    assignment_.add(partition.topic, partition.partition, committed);
  }
  assignment_.forget_removed();
  consumer_->assign(*placed);
  tell_share();
  consumer_->poke();
}

/// What is in hand may be finished first, so that nobody else begins it meanwhile; but others wait for us.
void Intake::revoke(PartitionList partitions) {
  if (arriving_) {  // never begun
    query_->cancel();
    arriving_.reset();
  }
  if (leaving_) leave_soon();
  for (int i = 0; i < partitions->cnt; ++i) {
    const auto partition = assignment_.find(partitions->elems[i].topic, partitions->elems[i].partition);
    if (!partition) continue;
    partition->is_leaving = true;
    in_flight_.drop_waiting(*partition);
  }
  leaving_ = std::move(partitions);
  if (revoke_timeout_.count() == 0 || !has_in_hand(*leaving_) || consumer_->is_lost()) return leave_soon();
  leaving_timer_.expires_after(revoke_timeout_);
  leaving_timer_.async_wait([weak = weak_from_this()](std::error_code ec) {
    const auto self = weak.lock();
    if (!ec && self && !self->is_closed()) self->leave_soon();
  });
}

void Intake::leave_soon() {
  if (!leaving_) return;
  leaving_timer_.cancel();
  const PartitionList partitions = std::move(leaving_);
  store_offsets();
  revoked(*partitions);
  consumer_->unassign(*partitions);
}

bool Intake::has_in_hand(const rd_kafka_topic_partition_list_t& partitions) const {
  for (int i = 0; i < partitions.cnt; ++i) {
    const auto partition = assignment_.find(partitions.elems[i].topic, partitions.elems[i].partition);
    if (partition && partition->in_hand > 0) return true;
  }
  return false;
}

void Intake::revoked(const rd_kafka_topic_partition_list_t& partitions) {
  for (int i = 0; i < partitions.cnt; ++i) {
    const auto partition = assignment_.find(partitions.elems[i].topic, partitions.elems[i].partition);
    if (!partition) continue;
    if (partition->is_held) consumer_->resume(*partition);  // or it would stay so when it comes back
    assignment_.remove(partition->topic, partition->number);
  }
  tell_share();
}

void Intake::tell_share() {
  if (!is_stopped()) hooks_.on_share(assignment_.size());
  log_.debug("kafka: " + group_ + " has " + std::to_string(assignment_.size()) + " partitions here");
}

/// From what librdkafka knows of the ends of partitions: nobody is asked for it.
void Intake::tell_lag() {
  std::int64_t lag = 0;
  assignment_.for_each([&](const Partition& partition) {
    const std::int64_t end = consumer_->bounds_of(partition).second;
    const std::int64_t come = partition.last >= 0 ? partition.last + 1 : partition.fresh_from.value_or(end);
    if (end >= 0) lag += std::max<std::int64_t>(0, end - come);
  });
  metrics_("lag", static_cast<double>(lag));
}

/// Records that are not there any more, or a topic that is another one now.
void Intake::tell_gap(const Partition& partition, std::int64_t offset) {
  if (partition.committed < 0 || offset == partition.committed) return;
  const std::string place = "kafka: " + partition.name + ": the group " + group_ + " has come to offset " +
                            std::to_string(partition.committed);
  if (offset < partition.committed) {
    return log_.warning(place + ", which is not there: the topic was made anew, or cut off; going on at " +
                        std::to_string(offset));
  }
  const std::int64_t oldest = consumer_->bounds_of(partition).first;
  if (oldest <= partition.committed) return;  // compacted
  log_.warning(place + ", but the oldest record there is at " + std::to_string(oldest) + ": " +
               std::to_string(oldest - partition.committed) + " were deleted before they were read");
}

void Intake::tell_unpositioned() {
  std::string names;
  std::size_t count = 0;
  assignment_.for_each([&](const Partition& partition) {
    if (partition.fresh_from) return;
    if (++count <= 5) names += (names.empty() ? "" : ", ") + partition.name;
  });
  if (count == 0) return;
  log_.warning("kafka: " + std::to_string(count) + " of " + std::to_string(assignment_.size()) +
               " partitions cannot be read yet (no leader?), " + names + (count > 5 ? ", ..." : "") +
               ": they are when they can be");
}

/// More than a part of what all may have, its share of it.
bool Intake::has_many_waiting(const Partition& partition, std::size_t part) const {
  const std::size_t shares =
      std::max<std::size_t>(assignment_.size(), 1) * part;  // none is left when the sink has closed us
  return partition.waiting >= std::max(k_least_waiting, k_most_waiting / shares) ||
         partition.waiting_bytes >= std::max(k_least_bytes / part, max_in_hand_ / shares);
}

void Intake::hold_if_full(Partition& partition) {
  if (partition.is_held || !partition.is_ours) return;
  const bool is_wide = partition.offsets.span() >= k_most_span;
  if (!is_wide && !has_many_waiting(partition, 1)) return;
  partition.is_held = true;
  consumer_->pause(partition);
  if (!is_wide) return;
  log_.warning("kafka: " + partition.name + " is held: " + std::to_string(partition.offsets.span()) +
               " records have come since offset " + std::to_string(partition.offsets.first_open()) +
               ", which is not finished");
}

void Intake::release_if_room(Partition& partition) {
  if (!partition.is_ours || partition.offsets.span() > k_most_span / 2) return;
  if (has_many_waiting(partition, 2)) return;
  partition.is_held = false;
  if (!is_stopped()) consumer_->resume(partition);
}

}  // namespace waybill::kafka
