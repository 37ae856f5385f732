#include "flow/producer.hpp"

#include "protocol/error.hpp"
#include "protocol/settings.hpp"
#include "waybill/detail/asio.hpp"
#include "wire/message_view.hpp"

#include <algorithm>
#include <array>

namespace waybill::kafka {
namespace {

constexpr std::size_t k_most_topics = 4096;

/// librdkafka takes pointers to what it does not change.
void* bytes_of(std::string_view view) noexcept { return const_cast<char*>(view.data()); }

/// The fields of one record for rd_kafka_produceva. Only the union's member that belongs to a type is read: nothing else
/// of the 64 bytes is written.
class RecordFields {
 public:
  rd_kafka_vu_t& add(rd_kafka_vtype_t type) noexcept {
    fields_[count_].vtype = type;
    return fields_[count_++];
  }
  void add(rd_kafka_vtype_t type, const Bytes& bytes) noexcept {
    if (!bytes) return;
    rd_kafka_vu_t& field = add(type);
    field.u.mem.ptr = bytes_of(bytes->empty() ? std::string_view("") : *bytes);
    field.u.mem.size = bytes->size();
  }
  const rd_kafka_vu_t* data() const noexcept { return fields_.data(); }
  std::size_t size() const noexcept { return count_; }

 private:
  std::array<rd_kafka_vu_t, 8> fields_;  // NOLINT(cppcoreguidelines-pro-type-member-init)
  std::size_t count_ = 0;
};

HeaderList make_headers(const std::vector<RecordHeader>& headers) {
  HeaderList list(rd_kafka_headers_new(headers.size()));
  for (const auto& [name, value] : headers) {
    rd_kafka_header_add(list.get(), name.data(), static_cast<ssize_t>(name.size()),
                        value ? (value->empty() ? "" : value->data()) : nullptr,
                        value ? static_cast<ssize_t>(value->size()) : 0);
  }
  return list;
}

}  // namespace

void ProducerHooks::find_topic(const std::string& topic, std::function<void(Result<void>)> done) {
  done(Error(errc::invalid_config, "there is no topic \"" + topic + "\"", End::rejected));
}

Producer::Producer(const Environment& environment, const Options& options, std::string client_id, ProducerHooks& hooks)
    : environment_(environment),
      options_(options),
      client_id_(std::move(client_id)),
      hooks_(hooks),
      strays_(std::make_shared<Strays>(environment.executor, options.send_timeout, static_cast<StraysOwner&>(*this))),
      waiting_(std::make_shared<Waiting>(environment.executor)) {}

Result<std::unique_ptr<Producer>> Producer::make(const Environment& environment, const Options& options,
                                                 const std::string& client_id, ProducerHooks& hooks, Role role) {
  auto conf = make_conf(options, role, client_id, {});
  if (!conf) return conf.error();
  std::unique_ptr<Producer> producer(new Producer(environment, options, client_id, hooks));
  auto client = Client::make(environment, RD_KAFKA_PRODUCER, std::move(*conf), *producer);
  if (!client) return client.error();
  producer->client_ = std::move(*client);
  return producer;
}

rd_kafka_topic_t* Producer::topic(const std::string& name) {
  if (topics_.size() >= k_most_topics && !topics_.contains(name))
    topics_.clear();  // names of replies come from outside
  TopicHandle& handle = topics_[name];
  if (!handle) handle.reset(rd_kafka_topic_new(client_->get(), name.c_str(), nullptr));
  return handle.get();
}

rd_kafka_resp_err_t Producer::send(rd_kafka_topic_t* topic, const OutgoingRecord& record, Ticket ticket) {
  const RecordContent& content = record.content;
  const std::size_t bytes = content.value ? content.value->size() : 0;
  if (bytes + (content.key ? content.key->size() : 0) > options_.max_message)
    return RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE;
  rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC;
  const bool is_held = !strays_->empty() && strays_->holds(rd_kafka_topic_name(topic));
  if (!is_held) code = produce(topic, record, ticket);
  if (is_not_there(code)) code = keep(rd_kafka_topic_name(topic), record, ticket, code);
  if (code) return code;
  ++waiting_->unsent;
  unsent_bytes_ += bytes;
  return code;
}

rd_kafka_resp_err_t Producer::produce(rd_kafka_topic_t* topic, const OutgoingRecord& record, Ticket ticket) {
  std::string alone;
  if (single_ && single_->wants(rd_kafka_topic_name(topic))) {
    alone = rd_kafka_topic_name(topic);
    topic = single_->topic(alone);
  }
  RecordFields fields;
  fields.add(RD_KAFKA_VTYPE_RKT).u.rkt = topic;
  fields.add(RD_KAFKA_VTYPE_PARTITION).u.i32 =
      record.partition == k_any_partition ? RD_KAFKA_PARTITION_UA : record.partition;
  fields.add(RD_KAFKA_VTYPE_MSGFLAGS).u.i = RD_KAFKA_MSG_F_COPY;
  static_assert(sizeof(void*) >= sizeof(Ticket), "a ticket travels in librdkafka's opaque pointer");
  fields.add(RD_KAFKA_VTYPE_OPAQUE).u.ptr = reinterpret_cast<void*>(ticket);
  fields.add(RD_KAFKA_VTYPE_VALUE, record.content.value);
  fields.add(RD_KAFKA_VTYPE_KEY, record.content.key);
  if (record.content.timestamp) fields.add(RD_KAFKA_VTYPE_TIMESTAMP).u.i64 = *record.content.timestamp;
  HeaderList headers;
  if (!record.headers.empty()) {
    headers = make_headers(record.headers);
    fields.add(RD_KAFKA_VTYPE_HEADERS).u.headers = headers.get();
  }
  rd_kafka_t* by = alone.empty() ? client_->get() : single_->get();
  const KafkaError error(rd_kafka_produceva(by, fields.data(), fields.size()));
  if (error) return rd_kafka_error_code(error.get());
  [[maybe_unused]] const auto* taken = headers.release();
  if (!alone.empty()) single_->note_sent(alone);
  return RD_KAFKA_RESP_ERR_NO_ERROR;
}

/// The topic or partition of a new record is not there.
rd_kafka_resp_err_t Producer::keep(const std::string& topic, const OutgoingRecord& record, Ticket ticket,
                                   rd_kafka_resp_err_t why) {
  const std::size_t bytes = record.content.value ? record.content.value->size() : 0;
  if (unsent_bytes_ + bytes > options_.max_unsent) return RD_KAFKA_RESP_ERR__QUEUE_FULL;
  rd_kafka_poll(client_->get(), 0);  // those before it may have been refused as well, and go first
  client_->poke();
  strays_->add(topic, {KeptRecord(record), record.partition, record.content.timestamp, ticket}, why,
               why != RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION);
  return RD_KAFKA_RESP_ERR_NO_ERROR;
}

void Producer::look_at(const std::string& name) {
  const rd_kafka_metadata_t* seen = nullptr;
  if (!rd_kafka_metadata(client_->get(), 0, topic(name), &seen, 0)) rd_kafka_metadata_destroy(seen);
}

rd_kafka_resp_err_t Producer::send_stray(const std::string& name, const Stray& stray) {
  const IncomingRecord kept = stray.record.view(name);
  OutgoingRecord record;
  record.content.key = kept.key;
  record.content.value = kept.value;
  record.content.timestamp = stray.timestamp;
  record.headers = kept.headers;
  record.partition = stray.partition;
  return produce(topic(name), record, stray.ticket);
}

void Producer::fail_stray(const std::string&, const Stray& stray, rd_kafka_resp_err_t code) {
  note_end(stray.ticket, stray.record.value ? stray.record.value->size() : 0, code, End::rejected);
}

void Producer::on_report(const rd_kafka_message_t& message) {
  if (message.err != RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE || !send_alone(message)) on_single_report(message);
}

/// The broker refuses a batch as a whole: of its records perhaps none is too large.
bool Producer::send_alone(const rd_kafka_message_t& refused) {
  if (!single_) {
    auto made = SingleSender::make(environment_, options_, client_id_, *this);
    if (!made) return false;
    single_ = std::move(*made);
    environment_.log.warning(std::string("kafka: the broker refuses a batch to ") + rd_kafka_topic_name(refused.rkt) +
                             " as too large (max.message.bytes of the topic); its records are sent one by one");
  }
  return single_->send_again(refused);
}

void Producer::on_error(rd_kafka_resp_err_t code, std::string_view reason, bool is_fatal) {
  if (is_fatal && waiting_->unsent > 0) {
    environment_.log.error("kafka: the producer has failed for good; " + std::to_string(waiting_->unsent) +
                           " records that it had were not confirmed and are not sent again");
  }
  hooks_.on_producer_error(code, reason, is_fatal);
}

/// The record's end, unless its topic is only not there for now.
void Producer::on_single_report(const rd_kafka_message_t& message) {
  const auto ticket = reinterpret_cast<Ticket>(message._private);
  if (!is_not_there(message.err)) {
    return note_end(ticket, message.len, message.err, end_of(message.err, rd_kafka_message_status(&message)));
  }
  rd_kafka_timestamp_type_t kind;
  const std::int64_t time = rd_kafka_message_timestamp(&message, &kind);
  const std::string topic = rd_kafka_topic_name(message.rkt);
  strays_->add(topic,
               {KeptRecord(kafka::view_of(message)), message.partition,
                time > 0 ? std::optional<std::int64_t>(time) : std::nullopt, ticket},
               message.err, true);
}

void Producer::note_end(Ticket ticket, std::size_t bytes, rd_kafka_resp_err_t code, End end) {
  --waiting_->unsent;
  unsent_bytes_ -= std::min(unsent_bytes_, bytes);
  if (code || (ticket && !(ticket & k_failure_only))) reports_.push_back({ticket, code, end});
}

void Producer::on_batch_end() {
  waiting_->idle.cancel();
  if (reports_.empty()) return;
  std::vector<Report> reports;
  reports.swap(reports_);
  const std::shared_ptr<Waiting> waiting = waiting_;  // a report may close us
  for (const Report& report : reports) {
    if (waiting->is_closed) return;
    hooks_.on_sent(report.ticket, report.code, report.end);
  }
  if (waiting->is_closed) return;
  reports.clear();
  if (reports_.empty()) reports_.swap(reports);  // its memory
}

asio::awaitable<void> Producer::flush(std::function<std::size_t()> besides) {
  const std::shared_ptr<Waiting> waiting = waiting_;
  while (!waiting->is_closed && waiting->unsent > (besides ? besides() : 0)) {
    waiting->idle.expires_at(asio::steady_timer::time_point::max());
    co_await waybill::detail::wait_quietly(waiting->idle);
  }
}

void Producer::abandon() {
  strays_->abandon(RD_KAFKA_RESP_ERR__PURGE_QUEUE);
  for (rd_kafka_t* instance : {client_->get(), single_ ? single_->get() : nullptr}) {
    if (!instance) continue;
    rd_kafka_purge(instance, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    rd_kafka_poll(instance, 0);
  }
  on_batch_end();
}

void Producer::close() {
  if (std::exchange(waiting_->is_closed, true)) return;
  waiting_->idle.cancel();
  topics_.clear();
  strays_->close();
  if (single_) single_->close();
  if (!client_) return;
  rd_kafka_purge(client_->get(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_NON_BLOCKING);
  client_->close();
}

}  // namespace waybill::kafka
