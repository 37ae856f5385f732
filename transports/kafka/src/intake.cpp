#include "intake.hpp"

#include "error.hpp"
#include "settings.hpp"
#include "waybill/detail/backoff.hpp"

#include <asio/post.hpp>
#include <asio/steady_timer.hpp>

#include <algorithm>

namespace waybill::kafka {
namespace {

constexpr std::chrono::milliseconds k_longest_backoff{1'000};

}  // namespace

Intake::Intake(const Environment& environment, const Options& options, std::string group, IntakeHooks& hooks)
    : executor_(environment.executor),
      log_(environment.log),
      retry_backoff_(options.retry_backoff),
      group_(std::move(group)),
      hooks_(hooks),
      in_flight_(environment.max_in_flight) {}

Result<std::shared_ptr<Intake>> Intake::make(const Environment& environment, const Options& options, Names names,
                                             IntakeHooks& hooks) {
  auto conf = make_conf(options, Role::group_consumer, names.client_id, names.group);
  if (!conf) return conf.error();
  std::shared_ptr<Intake> intake(new Intake(environment, options, std::move(names.group), hooks));
  auto client = Client::make(environment, RD_KAFKA_CONSUMER, std::move(*conf), *intake);
  if (!client) return client.error();
  intake->consumer_.emplace(std::move(*client), options.from_beginning);
  return intake;
}

Result<void> Intake::subscribe(const std::vector<std::string>& topics) {
  readiness_.subscribed(topics);
  if (const auto code = consumer_->subscribe(topics)) return make_error(code, "cannot subscribe", End::rejected);
  return {};
}

void Intake::on_message(Message message) {
  if (message->err)
    take_error(*message);
  else
    take(std::move(message));
}

void Intake::take(Message message) {
  Assignment::PartitionPtr partition = find(*message);
  if (!partition || is_stopped()) return;
  if (!partition->fresh_from) note_position(*partition, message->offset, false);
  partition->offsets.take(message->offset);
  if (partition->is_done(message->offset)) return assignment_.finish(partition, message->offset);
  std::optional<std::string_view> key;
  if (message->key) key.emplace(static_cast<const char*>(message->key), message->key_len);
  in_flight_.add(std::move(message), std::move(partition), key);
  pump();
}

void Intake::take_error(const rd_kafka_message_t& message) {
  switch (message.err) {
    case RD_KAFKA_RESP_ERR__PARTITION_EOF:
      if (const auto partition = find(message); partition && !partition->fresh_from) {
        note_position(*partition, message.offset, true);
      }
      return;
    case RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED:
      return log_.warning("kafka: the group " + group_ + " gave us up because we did not poll; joining again");
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART: {
      const std::string_view topic = message.rkt ? rd_kafka_topic_name(message.rkt) : "";
      if (topic.starts_with('^')) return readiness_.unmatched(topic);
      [[fallthrough]];
    }
    default: {
      std::string reason = rd_kafka_message_errstr(&message);
      const std::string_view topic = message.rkt ? rd_kafka_topic_name(message.rkt) : "";
      if (reason.find(topic) == std::string::npos) reason.insert(0, std::string(topic) + ": ");
      errors_.emplace_back(message.err, std::move(reason));
    }
  }
}

Assignment::PartitionPtr Intake::find(const rd_kafka_message_t& message) {
  if (!message.rkt) return nullptr;
  return assignment_.find(message.rkt, rd_kafka_topic_name(message.rkt), message.partition);
}

/// The first that is heard of a partition since it became ours.
void Intake::note_position(Partition& partition, std::int64_t offset, bool is_end) {
  partition.start(offset, is_end ? offset : consumer_->end_of(partition));
  consumer_->pin(partition, offset);
}

void Intake::on_batch_end() {
  store_offsets();
  std::vector<std::pair<rd_kafka_resp_err_t, std::string>> errors;
  errors.swap(errors_);
  const auto self = shared_from_this();  // an error may end us
  for (const auto& [code, reason] : errors) {
    if (!is_closed()) hooks_.on_intake_error(code, reason, code == RD_KAFKA_RESP_ERR__FATAL);
  }
  if (!is_closed() && readiness_.turns_ready(assignment_)) hooks_.on_intake_ready();
}

void Intake::on_tick() {
  if (flow_.tick(is_blocked())) consumer_->pause(assignment_);
}

void Intake::on_error(rd_kafka_resp_err_t code, std::string_view reason, bool is_fatal) {
  asio::post(executor_, [weak = weak_from_this(), code, text = std::string(reason), is_fatal] {
    const auto self = weak.lock();
    if (self && !self->is_closed()) self->hooks_.on_intake_error(code, text, is_fatal);
  });
}

void Intake::on_rebalance(rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t* partitions) {
  if (flow_.rebalanced()) consumer_->resume(assignment_);
  if (code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
    assigned(*partitions);
    consumer_->assign(*partitions);
    return;
  }
  store_offsets();
  revoked(*partitions);
  consumer_->unassign(*partitions);
}

void Intake::assigned(const rd_kafka_topic_partition_list_t& partitions) {
  const bool is_first = readiness_.assigned();
  for (int i = 0; i < partitions.cnt; ++i) {
    const rd_kafka_topic_partition_t& partition = partitions.elems[i];
    if (is_first) consumer_->note_existing(partition.topic);
    assignment_.add(partition.topic, partition.partition);
  }
  assignment_.forget_removed();
  tell_share();
}

void Intake::revoked(const rd_kafka_topic_partition_list_t& partitions) {
  for (int i = 0; i < partitions.cnt; ++i) {
    const auto lost = assignment_.remove(partitions.elems[i].topic, partitions.elems[i].partition);
    if (lost) in_flight_.drop_all(*lost);  // of those in hand, their settlement finds that they are not ours any more
  }
  tell_share();
}

void Intake::tell_share() {
  log_.debug("kafka: " + group_ + " has " + std::to_string(assignment_.size()) + " partitions here");
}

void Intake::on_commit(const rd_kafka_topic_partition_list_t& partitions) {
  for (int i = 0; i < partitions.cnt; ++i) {
    const rd_kafka_topic_partition_t& partition = partitions.elems[i];
    if (!partition.err) assignment_.note_committed(partition.topic, partition.partition, partition.offset);
  }
}

void Intake::pump() {
  if (is_pumping_) return;
  const auto self = shared_from_this();  // the sink may end us
  is_pumping_ = true;
  while (mode_ == Mode::running) {
    const InFlight::Record* next = in_flight_.start();
    if (!next) break;
    hand_over(*next);
  }
  is_pumping_ = false;
}

void Intake::pump_soon() {
  if (is_pumping_ || std::exchange(is_pump_posted_, true)) return;
  asio::post(executor_, [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self) return;
    self->is_pump_posted_ = false;
    if (self->is_closed()) return;
    self->pump();
    self->store_offsets();
    self->unblock();
  });
}

void Intake::hand_over(const InFlight::Record& record) {
  const bool is_redelivered = record.attempt > 1 || record.message->offset < *record.partition->fresh_from;
  // The message stays where it is even if the record moves.
  hooks_.on_record(record.token, *record.message, record.attempt, is_redelivered);
}

const rd_kafka_message_t* Intake::message(Token token) const noexcept {
  const InFlight::Record* record = in_flight_.in_hand(token);
  return record && record->partition->is_ours ? record->message.get() : nullptr;
}

void Intake::settle(Token token, Settlement settlement) {
  const InFlight::Record* record = in_flight_.in_hand(token);
  if (!record) return;
  pump_soon();
  if (!record->partition->is_ours) {
    // It counts should the partition come back; what was given up does not, it has not been put anywhere.
    if (settlement == Settlement::ack) record->partition->offsets.finish(record->message->offset);
    return in_flight_.drop(token);
  }
  if (settlement == Settlement::retry) {
    if (is_stopped()) return in_flight_.drop(token);  // it stays uncommitted, and comes back to whoever is next
    return retry_later(*record);
  }
  assignment_.finish(record->partition, record->message->offset);
  in_flight_.finish(token);
}

void Intake::retry_later(const InFlight::Record& record) {
  const Token token = record.token;
  const detail::Backoff backoff({retry_backoff_, k_longest_backoff}, static_cast<unsigned>(record.attempt - 1));
  in_flight_.retry(token);
  const auto timer = std::make_shared<asio::steady_timer>(executor_, backoff.step());
  timer->async_wait([weak = weak_from_this(), timer, token](std::error_code) {
    const auto self = weak.lock();
    if (self && !self->is_closed() && self->in_flight_.again(token)) self->pump_soon();
  });
}

void Intake::store_offsets() {
  if (!is_closed()) consumer_->store_offsets(assignment_);
}

void Intake::unblock() {
  if (is_blocked()) return;
  const auto before = flow_.reopen();
  if (before == FlowControl::State::paused) consumer_->resume(assignment_);
  if (before != FlowControl::State::flowing) consumer_->poke();
}

void Intake::pause() {
  if (mode_ == Mode::running) mode_ = Mode::paused;
}

void Intake::resume() {
  if (mode_ != Mode::paused) return;
  mode_ = Mode::running;
  pump_soon();
}

void Intake::stop() {
  if (is_stopped()) return;
  mode_ = Mode::stopped;
  flow_.pause();
  consumer_->pause(assignment_);
}

void Intake::close() {
  if (is_closed()) return;
  store_offsets();
  mode_ = Mode::closed;
  consumer_->close();
  if (!is_pumping_) in_flight_.clear();  // else a sink is looking at a message of theirs
}

}  // namespace waybill::kafka
