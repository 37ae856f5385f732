#include "flow/intake.hpp"

#include "protocol/error.hpp"
#include "protocol/settings.hpp"
#include "waybill/transport/backoff.hpp"

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
      metrics_(environment.metrics),
      retry_backoff_(options.retry_backoff),
      revoke_timeout_(options.revoke_timeout),
      start_timeout_(options.start_timeout),
      from_beginning_(options.from_beginning),
      has_brokers_decide_(has_brokers_decide(options)),
      max_in_hand_(options.max_in_hand),
      group_(std::move(group)),
      hooks_(hooks),
      leaving_timer_(environment.executor),
      in_flight_(environment.max_in_flight, options.max_in_hand) {}

Result<std::shared_ptr<Intake>> Intake::make(const Environment& environment, const Options& options, Names names,
                                             IntakeHooks& hooks) {
  auto conf = make_conf(options, Role::group_consumer, names.client_id, names.group);
  if (!conf) return conf.error();
  std::shared_ptr<Intake> intake(new Intake(environment, options, std::move(names.group), hooks));
  auto client = Client::make(environment, RD_KAFKA_CONSUMER, std::move(*conf), *intake);
  if (!client) return client.error();
  intake->consumer_.emplace(std::move(*client));
  intake->query_.emplace(intake->executor_, intake->consumer_->get(), intake->group_, options.start_timeout);
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
  if (!gone_.empty()) renew_gone();
  Assignment::PartitionPtr partition = find(*message);
  if (!partition || partition->is_leaving || is_stopped()) return;
  if (partition->is_of_another_log(message->offset)) {
    begin_anew(partition);
    partition = find(*message);
  }
  partition->last = message->offset;
  if (!partition->fresh_from) note_position(partition, message->offset, false);
  if (partition->offsets.take(message->offset) != OffsetTracker::Seen::fresh)
    return assignment_.note_advance(partition);
  std::optional<std::string_view> key;
  if (message->key) key.emplace(static_cast<const char*>(message->key), message->key_len);
  const std::size_t bytes = message->len + message->key_len;
  in_flight_.add(std::move(message), partition, key, bytes);
  pump();
  if (!is_closed()) hold_if_full(*partition);
}

void Intake::take_error(const rd_kafka_message_t& message) {
  switch (message.err) {
    case RD_KAFKA_RESP_ERR__PARTITION_EOF:
      if (auto partition = find(message); partition && !partition->is_leaving) {
        if (partition->is_of_another_log(message.offset)) {
          begin_anew(partition);
          partition = find(message);
        }
        if (!partition->fresh_from) note_position(partition, message.offset, true);
        partition->offsets.pass(message.offset);
        assignment_.note_advance(partition);
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

/// Partitions that were deleted. They may be made anew, longer than they were.
void Intake::renew_gone() {
  std::vector<PlaceName> gone;
  gone.swap(gone_);
  for (const PlaceName& name : gone) {
    const auto partition = assignment_.find(name.topic, name.partition);
    if (!partition || !partition->fresh_from || partition->is_leaving) continue;
    begin_anew(partition);
    consumer_->read_from_beginning(*partition);
  }
}

/// What comes of the partition now has nothing to do with what came before.
void Intake::begin_anew(const Assignment::PartitionPtr& partition) {
  log_.warning("kafka: " + partition->name + " was deleted or made anew, where we had come to offset " +
               std::to_string(partition->last + 1) + ": it is read from its oldest record on when it is there");
  if (partition->is_held) consumer_->resume(*partition);
  assignment_.renew(partition);
}

/// The first that is heard of a partition since it became ours.
void Intake::note_position(const Assignment::PartitionPtr& partition, std::int64_t offset, bool is_end) {
  tell_gap(*partition, offset);
  partition->start(offset, is_end ? offset : consumer_->bounds_of(*partition).second);
  assignment_.note_advance(partition);
  if (partition->committed != offset) places_.emplace_back(partition, offset);
  if (assignment_.are_positioned()) pin_places();
}

void Intake::pin_places() {
  std::erase_if(places_, [](const auto& place) { return !place.first->is_ours; });
  if (places_.empty()) return;
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  consumer_->pin(places_, StartRule::mark(std::chrono::duration_cast<std::chrono::seconds>(now).count()));
  places_.clear();
}

void Intake::on_batch_end() {
  renew_gone();
  store_offsets();
  std::vector<std::pair<rd_kafka_resp_err_t, std::string>> errors;
  errors.swap(errors_);
  const auto self = shared_from_this();  // an error may end us
  for (const auto& [code, reason] : errors) {
    if (!is_closed()) hooks_.on_intake_error(code, reason, code == RD_KAFKA_RESP_ERR__FATAL);
  }
  if (is_closed() || arriving_ || !readiness_.turns_ready(assignment_)) return;
  tell_unpositioned();
  hooks_.on_intake_ready();
}

void Intake::on_tick() {
  readiness_.tick(has_brokers_decide_ && readiness_.is_joining() && !arriving_ && consumer_->is_taken_in());
  pin_places();
  if (leaving_ && consumer_->is_lost()) leave_soon();
  if (flow_.tick(is_blocked())) consumer_->pause(assignment_);
  if (metrics_ && !is_stopped()) tell_lag();
}

void Intake::on_error(rd_kafka_resp_err_t code, std::string_view reason, bool is_fatal) {
  if (is_not_there(code)) {
    if (auto place = place_in(reason)) gone_.push_back(std::move(*place));
  }
  asio::post(executor_, [weak = weak_from_this(), code, text = std::string(reason), is_fatal] {
    const auto self = weak.lock();
    if (self && !self->is_closed()) self->hooks_.on_intake_error(code, text, is_fatal);
  });
}

void Intake::on_commit(rd_kafka_resp_err_t code, const rd_kafka_topic_partition_list_t& partitions) {
  if (code == RD_KAFKA_RESP_ERR__NO_OFFSET) return;  // there was nothing to commit
  rd_kafka_resp_err_t failed = code;
  const rd_kafka_topic_partition_t* where = partitions.cnt > 0 ? &partitions.elems[0] : nullptr;
  for (int i = 0; i < partitions.cnt; ++i) {
    const rd_kafka_topic_partition_t& partition = partitions.elems[i];
    if (!code && !partition.err) {
      assignment_.note_committed(partition.topic, partition.partition, partition.offset);
      start_rule_.note_committed(partition.topic);
    } else if (partition.err) {
      failed = partition.err;
      where = &partition;
    }
  }
  if (!failed || !where) return;
  const auto suffix = limit_.wants("commit", std::chrono::steady_clock::now());
  if (!suffix) return;
  log_.warning("kafka: the group " + group_ + " cannot commit " + std::to_string(partitions.cnt) + " offsets, " +
               Partition::name_of(where->topic, where->partition) + " at " + std::to_string(where->offset) + ": " +
               rd_kafka_err2str(failed) + "; what is finished may come again" + *suffix);
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
    if (self->leaving_ && !self->is_closed() && !self->has_in_hand(*self->leaving_)) self->leave_soon();
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
  return record ? record->message.get() : nullptr;
}

void Intake::settle(Token token, Settlement settlement) {
  const InFlight::Record* record = in_flight_.in_hand(token);
  if (!record) return;
  pump_soon();
  const Assignment::PartitionPtr partition = record->partition;
  if (settlement == Settlement::retry) {
    const bool is_here = (partition->is_ours && !partition->is_leaving) || partition->is_gone;
    if (is_here && !is_stopped()) return retry_later(*record);
    partition->offsets.drop(record->message->offset);  // it stays uncommitted, and comes back to whoever is next
    return in_flight_.drop(token);
  }
  if (partition->is_ours)
    assignment_.finish(partition, record->message->offset);
  else
    partition->offsets.finish(record->message->offset);  // it counts should the partition come back
  in_flight_.finish(token);
  if (partition->is_held) release_if_room(*partition);
}

void Intake::retry_later(const InFlight::Record& record) {
  const Token token = record.token;
  const transport::Backoff backoff({retry_backoff_, k_longest_backoff}, static_cast<unsigned>(record.attempt - 1));
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
  query_->close();
  leaving_timer_.cancel();
  if (arriving_ && consumer_->is_cooperative()) consumer_->assign(*std::exchange(arriving_, nullptr));
  if (leaving_ || arriving_) consumer_->unassign(leaving_ ? *leaving_ : *arriving_);
  consumer_->close();
  if (!is_pumping_) in_flight_.clear();  // else a sink is looking at a message of theirs
}

}  // namespace waybill::kafka
