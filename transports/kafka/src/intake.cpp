#include "intake.hpp"

#include "error.hpp"
#include "settings.hpp"

#include <asio/post.hpp>

#include <algorithm>

namespace waybill::kafka {
namespace {

/// Records that may wait for others of their key, beside those in hand.
constexpr std::size_t k_most_waiting = 4096;
constexpr std::chrono::milliseconds k_longest_backoff{1'000};

std::string name_of(std::string_view topic, std::int32_t number) {
  return std::string(topic) + '/' + std::to_string(number);
}

std::chrono::milliseconds backoff_of(std::chrono::milliseconds first, int attempt) noexcept {
  std::chrono::milliseconds backoff = first;
  for (int i = 1; i < attempt && backoff < k_longest_backoff; ++i) backoff *= 2;
  return std::min(backoff, k_longest_backoff);
}

}  // namespace

Intake::Intake(const asio::any_io_executor& executor, Log log, const Options& options, Settings settings,
               IntakeHooks& hooks)
    : executor_(executor), log_(std::move(log)), options_(options), settings_(std::move(settings)), hooks_(&hooks) {}

Result<std::shared_ptr<Intake>> Intake::make(const asio::any_io_executor& executor, Log log, const Options& options,
                                             Settings settings, IntakeHooks& hooks) {
  auto conf = make_conf(options, Role::group_consumer, settings.client_id, settings.group);
  if (!conf) return conf.error();
  std::shared_ptr<Intake> intake(new Intake(executor, log, options, std::move(settings), hooks));
  auto client = Client::make(executor, std::move(log), RD_KAFKA_CONSUMER, std::move(*conf), *intake);
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
      return log_.warning("kafka: the group " + settings_.group + " gave us up because we did not poll; joining again");
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
  log_.debug("kafka: " + settings_.group + " has " + std::to_string(partitions_.size()) + " partitions here");
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
  return is_paused_ || is_stopped_ || in_hand_ + runnable_.size() >= settings_.max_in_flight ||
         slots_.size() - free_slots_.size() >= settings_.max_in_flight + k_most_waiting;
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
  while (!runnable_.empty() && in_hand_ < settings_.max_in_flight && !is_paused_ && !is_stopped_ && hooks_) {
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

const rd_kafka_message_t* Intake::message(Token token) const noexcept {
  const auto index = static_cast<std::uint32_t>(token);
  if (index >= slots_.size()) return nullptr;
  const Slot& slot = slots_[index];
  const bool is_there = slot.state == State::in_hand && slot.generation == token >> 32 && slot.partition->is_ours;
  return is_there ? slot.message.get() : nullptr;
}

void Intake::settle(Token token, Settlement settlement) {
  const auto index = static_cast<std::uint32_t>(token);
  if (index >= slots_.size()) return;
  Slot& slot = slots_[index];
  if (slot.state != State::in_hand || slot.generation != token >> 32) return;
  --in_hand_;
  schedule_pump();
  const PartitionPtr partition = slot.partition;
  if (!partition->is_ours) return release(index);
  if (settlement == Settlement::retry) {
    if (is_stopped_) return release(index);  // unfinished: it stays uncommitted, and comes back to whoever is next
    return retry_later(index);
  }
  partition->offsets.finish(slot.message->offset);
  mark_dirty(partition);
  if (!slot.lane.empty()) {
    if (const auto next = lanes_.leave(slot.lane)) runnable_.push_back(*next);
  }
  release(index);
}

void Intake::retry_later(std::uint32_t index) {
  Slot& slot = slots_[index];
  slot.state = State::retrying;
  const auto timer = std::make_shared<asio::steady_timer>(executor_, backoff_of(options_.retry_backoff, slot.attempt));
  timer->async_wait([weak = weak_from_this(), timer, index, generation = slot.generation](std::error_code) {
    const auto self = weak.lock();
    if (!self || self->is_closed_) return;
    Slot& again = self->slots_[index];
    if (again.state != State::retrying || again.generation != generation) return;
    ++again.attempt;
    again.state = State::waiting;
    self->runnable_.push_back(index);
    self->pump();
  });
}

void Intake::release(std::uint32_t index) {
  Slot& slot = slots_[index];
  slot.message.reset();
  slot.partition.reset();
  slot.lane.clear();
  slot.state = State::unused;
  ++slot.generation;
  free_slots_.push_back(index);
}

void Intake::mark_dirty(const PartitionPtr& partition) {
  if (std::exchange(partition->is_dirty, true)) return;
  dirty_.push_back(partition);
}

void Intake::store_offsets() {
  if (dirty_.empty() || is_closed_) return;
  const PartitionList list(rd_kafka_topic_partition_list_new(static_cast<int>(dirty_.size())));
  for (const PartitionPtr& partition : dirty_) {
    partition->is_dirty = false;
    const auto next = partition->offsets.advance();
    if (!next || !partition->is_ours) continue;
    rd_kafka_topic_partition_list_add(list.get(), partition->topic.c_str(), partition->number)->offset = *next;
  }
  dirty_.clear();
  if (list->cnt > 0) rd_kafka_offsets_store(client_->get(), list.get());
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
