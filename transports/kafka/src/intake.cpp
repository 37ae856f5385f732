#include "intake.hpp"

#include "error.hpp"
#include "settings.hpp"

#include <asio/post.hpp>

#include <algorithm>

namespace waybill::kafka {
namespace {

/// Records that may wait for others of their key, beside those in hand.
constexpr std::size_t k_most_waiting = 4096;

std::string name_of(std::string_view topic, std::int32_t number) {
  return std::string(topic) + '/' + std::to_string(number);
}

}  // namespace

Intake::Intake(const Environment& environment, const Options& options, std::string group, IntakeHooks& hooks)
    : executor_(environment.executor),
      log_(environment.log),
      max_in_flight_(environment.max_in_flight),
      options_(options),
      group_(std::move(group)),
      hooks_(&hooks) {}

Result<std::shared_ptr<Intake>> Intake::make(const Environment& environment, const Options& options, Names names,
                                             IntakeHooks& hooks) {
  auto conf = make_conf(options, Role::group_consumer, names.client_id, names.group);
  if (!conf) return conf.error();
  std::shared_ptr<Intake> intake(new Intake(environment, options, std::move(names.group), hooks));
  auto client = Client::make(environment, RD_KAFKA_CONSUMER, std::move(*conf), *intake);
  if (!client) return client.error();
  intake->client_ = std::move(*client);
  return intake;
}

Result<void> Intake::subscribe(const std::vector<std::string>& topics) {
  const PartitionList list(rd_kafka_topic_partition_list_new(static_cast<int>(topics.size())));
  for (const std::string& topic : topics) {
    rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), RD_KAFKA_PARTITION_UA);
    if (!topic.starts_with('^')) note_known(topic);
  }
  subscribed_ = std::set<std::string>(topics.begin(), topics.end()).size();
  if (const auto code = rd_kafka_subscribe(client_->get(), list.get())) {
    return make_error(code, "cannot subscribe", End::rejected);
  }
  return {};
}

/// A topic that is there when we start: without a committed offset it is read from its end.
void Intake::note_known(const std::string& topic) {
  if (options_.from_beginning) return;
  rd_kafka_topic_conf_t* conf = rd_kafka_default_topic_conf_dup(client_->get());
  rd_kafka_topic_conf_set(conf, "auto.offset.reset", "latest", nullptr, 0);
  if (TopicHandle handle{rd_kafka_topic_new(client_->get(), topic.c_str(), conf)}) known_.push_back(std::move(handle));
}

void Intake::on_message(Message message) {
  if (message->err)
    take_error(*message);
  else
    take(std::move(message));
}

void Intake::take(Message message) {
  PartitionPtr partition = find(*message);
  if (!partition || is_stopped_) return;
  if (!partition->is_positioned) note_position(*partition, message->offset, false);
  partition->offsets.take(message->offset);
  std::uint32_t index = 0;
  if (free_slots_.empty()) {
    index = static_cast<std::uint32_t>(slots_.size());
    slots_.emplace_back();
  } else {
    index = free_slots_.back();
    free_slots_.pop_back();
  }
  Slot& slot = slots_[index];
  slot.state = State::waiting;
  slot.attempt = 1;
  if (message->key) {
    slot.lane = partition->topic;
    slot.lane += '/';
    slot.lane.append(static_cast<const char*>(message->key), message->key_len);
  }
  slot.partition = std::move(partition);
  slot.message = std::move(message);
  if (slot.lane.empty() || lanes_.enter(slot.lane, index)) runnable_.push_back(index);
  pump();
}

void Intake::take_error(const rd_kafka_message_t& message) {
  switch (message.err) {
    case RD_KAFKA_RESP_ERR__PARTITION_EOF:
      if (const PartitionPtr partition = find(message); partition && !partition->is_positioned) {
        note_position(*partition, message.offset, true);
      }
      return;
    case RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED:
      return log_.warning("kafka: the group " + group_ + " gave us up because we did not poll; joining again");
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
      if (message.rkt && note_unmatched(rd_kafka_topic_name(message.rkt))) return;
      [[fallthrough]];
    default: errors_.emplace_back(message.err, rd_kafka_message_errstr(&message));
  }
}

/// While none of our regular expressions matches a topic there is nothing to join a group for, and no partition to wait for.
bool Intake::note_unmatched(std::string_view name) {
  if (!name.starts_with('^')) return false;
  unmatched_.emplace(name);
  if (unmatched_.size() == subscribed_) is_assigned_ = true;
  return true;
}

Intake::PartitionPtr Intake::find(const rd_kafka_message_t& message) {
  if (last_partition_ && last_topic_ == message.rkt && last_partition_->number == message.partition) {
    return last_partition_;
  }
  if (!message.rkt) return nullptr;
  const auto found = partitions_.find(name_of(rd_kafka_topic_name(message.rkt), message.partition));
  if (found == partitions_.end()) return nullptr;
  last_topic_ = message.rkt;
  return last_partition_ = found->second;
}

/// The first that is heard of a partition since it became ours.
void Intake::note_position(Partition& partition, std::int64_t offset, bool is_end) {
  partition.is_positioned = true;
  partition.fresh_from = offset;
  if (!is_end) {
    std::int64_t low = 0;
    std::int64_t high = 0;
    if (!rd_kafka_get_watermark_offsets(client_->get(), partition.topic.c_str(), partition.number, &low, &high)) {
      partition.fresh_from = std::max(offset, high);
    }
  }
  // The group's place is pinned now: without a committed offset, a successor would start behind what is in hand here.
  const PartitionList list(rd_kafka_topic_partition_list_new(1));
  rd_kafka_topic_partition_list_add(list.get(), partition.topic.c_str(), partition.number)->offset = offset;
  rd_kafka_commit(client_->get(), list.get(), 1);
}

void Intake::on_batch_end() {
  store_offsets();
  std::vector<std::pair<rd_kafka_resp_err_t, std::string>> errors;
  errors.swap(errors_);
  const auto self = shared_from_this();  // an error may end us
  for (const auto& [code, reason] : errors) {
    if (hooks_) hooks_->on_intake_error(code, reason, code == RD_KAFKA_RESP_ERR__FATAL);
  }
  check_ready();
}

void Intake::check_ready() {
  if (is_ready_ || !is_assigned_ || !hooks_) return;
  const auto is_positioned = [](const auto& entry) { return entry.second->is_positioned; };
  if (!std::all_of(partitions_.begin(), partitions_.end(), is_positioned)) return;
  is_ready_ = true;
  hooks_->on_intake_ready();
}

void Intake::on_tick() {
  // Records that nobody takes may stay in librdkafka's queue for a moment; but rebalances come through it as well.
  blocked_ticks_ = is_blocked() ? blocked_ticks_ + 1 : 0;
  if (blocked_ticks_ > 1 && !is_broker_paused_) pause_at_broker(true);
}

void Intake::on_error(rd_kafka_resp_err_t code, std::string_view reason, bool is_fatal) {
  asio::post(executor_, [weak = weak_from_this(), code, text = std::string(reason), is_fatal] {
    const auto self = weak.lock();
    if (self && self->hooks_) self->hooks_->on_intake_error(code, text, is_fatal);
  });
}

void Intake::on_rebalance(rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t* partitions) {
  const char* protocol = rd_kafka_rebalance_protocol(client_->get());
  const bool is_cooperative = protocol && std::string_view(protocol) == "COOPERATIVE";
  last_partition_.reset();
  if (is_broker_paused_) pause_at_broker(false);  // what comes is not paused: all are alike; the next tick sees to it
  if (code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
    assigned(*partitions);
    if (is_cooperative)
      KafkaError(rd_kafka_incremental_assign(client_->get(), partitions));
    else
      rd_kafka_assign(client_->get(), partitions);
    return;
  }
  store_offsets();
  revoked(*partitions);
  // What was stored is committed on the way.
  if (is_cooperative)
    KafkaError(rd_kafka_incremental_unassign(client_->get(), partitions));
  else
    rd_kafka_assign(client_->get(), nullptr);
}

void Intake::assigned(const rd_kafka_topic_partition_list_t& partitions) {
  const bool is_first = !std::exchange(is_assigned_, true);
  for (int i = 0; i < partitions.cnt; ++i) {
    auto partition = std::make_shared<Partition>();
    partition->topic = partitions.elems[i].topic;
    partition->number = partitions.elems[i].partition;
    if (is_first) note_known(partition->topic);
    partitions_[name_of(partition->topic, partition->number)] = std::move(partition);
  }
  log_.debug("kafka: " + group_ + " has " + std::to_string(partitions_.size()) + " partitions here");
}

void Intake::revoked(const rd_kafka_topic_partition_list_t& partitions) {
  for (int i = 0; i < partitions.cnt; ++i) {
    const auto found = partitions_.find(name_of(partitions.elems[i].topic, partitions.elems[i].partition));
    if (found == partitions_.end()) continue;
    const PartitionPtr partition = found->second;
    partition->is_ours = false;
    partitions_.erase(found);
    for (std::uint32_t index = 0; index < slots_.size(); ++index) {
      Slot& slot = slots_[index];
      if (slot.partition != partition) continue;
      if (!slot.lane.empty()) lanes_.drop(slot.lane);
      if (slot.state == State::in_hand) continue;  // its settlement finds that it is not ours any more
      std::erase(runnable_, index);
      release(index);
    }
  }
}

bool Intake::is_blocked() const noexcept {
  return is_paused_ || is_stopped_ || in_hand_ + runnable_.size() >= max_in_flight_ ||
         slots_.size() - free_slots_.size() >= max_in_flight_ + k_most_waiting;
}

bool Intake::wants_messages() {
  if (is_broker_paused_ || !is_blocked()) return true;
  is_held_ = true;
  return false;
}

void Intake::unblock() {
  if (is_blocked() || is_closed_) return;
  if (is_broker_paused_) pause_at_broker(false);
  if (std::exchange(is_held_, false)) client_->poke();
}

void Intake::pause_at_broker(bool paused) {
  is_broker_paused_ = paused;
  const PartitionList list(rd_kafka_topic_partition_list_new(static_cast<int>(partitions_.size())));
  for (const auto& [name, partition] : partitions_) {
    rd_kafka_topic_partition_list_add(list.get(), partition->topic.c_str(), partition->number);
  }
  if (paused)
    rd_kafka_pause_partitions(client_->get(), list.get());
  else
    rd_kafka_resume_partitions(client_->get(), list.get());
}

void Intake::pump() {
  if (is_pumping_) return;
  const auto self = shared_from_this();  // the sink may end us
  is_pumping_ = true;
  while (!runnable_.empty() && in_hand_ < max_in_flight_ && !is_paused_ && !is_stopped_ && hooks_) {
    const std::uint32_t index = runnable_.front();
    runnable_.pop_front();
    deliver(index);
  }
  is_pumping_ = false;
}

void Intake::schedule_pump() {
  if (is_pumping_ || std::exchange(is_pump_posted_, true)) return;
  asio::post(executor_, [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self) return;
    self->is_pump_posted_ = false;
    if (self->is_closed_) return;
    self->pump();
    self->store_offsets();
    self->unblock();
  });
}

void Intake::deliver(std::uint32_t index) {
  Slot& slot = slots_[index];
  slot.state = State::in_hand;
  ++in_hand_;
  const Token token = Token{slot.generation} << 32 | index;
  const bool is_redelivered = slot.attempt > 1 || slot.message->offset < slot.partition->fresh_from;
  // The message stays where it is even if the slots move.
  const rd_kafka_message_t& message = *slot.message;
  hooks_->on_record(token, message, slot.attempt, is_redelivered);
}

void Intake::pause() { is_paused_ = true; }

void Intake::resume() {
  if (!std::exchange(is_paused_, false)) return;
  schedule_pump();
}

void Intake::stop() {
  if (std::exchange(is_stopped_, true) || is_closed_) return;
  runnable_.clear();  // their slots stay used: nothing new is taken any more
  pause_at_broker(true);
}

void Intake::close() {
  if (is_closed_) return;
  store_offsets();
  is_closed_ = true;
  hooks_ = nullptr;
  known_.clear();
  if (client_) client_->close();
  last_partition_.reset();
  runnable_.clear();
  if (!is_pumping_) slots_.clear();  // else a sink is looking at a message of theirs
}

}  // namespace waybill::kafka
