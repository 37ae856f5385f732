#include "reply_reader.hpp"

#include "error.hpp"
#include "names.hpp"
#include "settings.hpp"

#include <asio/post.hpp>

namespace waybill::kafka {

Result<std::shared_ptr<ReplyReader>> ReplyReader::make(const Environment& environment, const Options& options,
                                                       ReplyReaderHooks& hooks) {
  // librdkafka wants a group's name even from those who join none.
  const std::string unused_group = options.prefix + options.group_id + "-replies";
  auto conf = make_conf(options, Role::reply_consumer, client_name(options, false), unused_group);
  if (!conf) return conf.error();
  std::shared_ptr<ReplyReader> reader(new ReplyReader(environment.executor, options, hooks));
  auto client = Client::make(environment, RD_KAFKA_CONSUMER, std::move(*conf), *reader);
  if (!client) return client.error();
  reader->client_ = std::move(*client);
  reader->admin_ = std::make_unique<Admin>(environment.executor, reader->client_->get(), options);
  return reader;
}

void ReplyReader::expect(const std::string& topic) {
  TopicHandle& handle = expected_[topic];
  if (!handle) handle.reset(rd_kafka_topic_new(client_->get(), topic.c_str(), nullptr));
}

void ReplyReader::read(const std::string& topic, bool is_empty, std::function<void(Result<void>)> ready) {
  const PartitionList list(rd_kafka_topic_partition_list_new(1));
  // From the last record that is there: it comes at once, and tells that the partition is positioned. An empty one tells
  // it by being at its end.
  rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), options_.reply_partition)->offset =
      is_empty ? 0 : RD_KAFKA_OFFSET_TAIL(1);
  const KafkaError error(rd_kafka_incremental_assign(client_->get(), list.get()));
  if (error) {
    return ready(Error(make_code(rd_kafka_error_code(error.get())),
                       "cannot read replies from " + topic + ": " + rd_kafka_error_string(error.get()), End::rejected));
  }
  if (is_empty) return ready({});
  waiting_[topic] = std::move(ready);
}

void ReplyReader::on_message(Message message) {
  const std::string topic = message->rkt ? rd_kafka_topic_name(message->rkt) : "";
  const bool is_at_end = message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF;
  if (!message->err || is_at_end) {
    if (!waiting_.empty()) positioned(topic, {});
    if (!is_at_end && hooks_) hooks_->on_reply_record(*message);
    return;
  }
  const std::string reason = rd_kafka_message_errstr(message.get());
  if (waiting_.contains(topic) && message->err != RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC) {
    const PartitionList list(rd_kafka_topic_partition_list_new(1));
    rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), options_.reply_partition);
    KafkaError(rd_kafka_incremental_unassign(client_->get(), list.get()));
    const bool is_missing = message->err == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION;
    positioned(topic,
               Error(make_code(message->err),
                     "cannot read replies from " + topic + ": " +
                         (is_missing ? "it has no partition " + std::to_string(options_.reply_partition) : reason),
                     End::rejected));
    return;
  }
  if (hooks_) hooks_->on_reader_error(message->err, reason, false);
}

void ReplyReader::positioned(const std::string& topic, Result<void> outcome) {
  const auto found = waiting_.find(topic);
  if (found == waiting_.end()) return;
  const auto ready = std::move(found->second);
  waiting_.erase(found);
  ready(std::move(outcome));
}

void ReplyReader::on_error(rd_kafka_resp_err_t code, std::string_view reason, bool is_fatal) {
  asio::post(executor_, [weak = weak_from_this(), code, text = std::string(reason), is_fatal] {
    const auto self = weak.lock();
    if (self && self->hooks_) self->hooks_->on_reader_error(code, text, is_fatal);
  });
}

void ReplyReader::close() {
  hooks_ = nullptr;
  waiting_.clear();
  expected_.clear();
  if (admin_) admin_->close();
  if (client_) client_->close();
}

}  // namespace waybill::kafka
