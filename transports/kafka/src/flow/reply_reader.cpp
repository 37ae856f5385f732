#include "flow/reply_reader.hpp"

#include "protocol/error.hpp"
#include "protocol/settings.hpp"
#include "waybill/transport/backoff.hpp"
#include "wire/names.hpp"

#include <asio/post.hpp>

namespace waybill::kafka {
namespace {

constexpr std::chrono::milliseconds k_first_look{20};
constexpr std::chrono::milliseconds k_last_look{2'000};

}  // namespace

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

rd_kafka_error_t* ReplyReader::assign(const std::string& topic, std::int64_t offset) {
  const PartitionList list(rd_kafka_topic_partition_list_new(1));
  rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), options_.reply_partition)->offset = offset;
  return rd_kafka_incremental_assign(client_->get(), list.get());
}

void ReplyReader::unassign(const std::string& topic) {
  const PartitionList list(rd_kafka_topic_partition_list_new(1));
  rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), options_.reply_partition);
  KafkaError(rd_kafka_incremental_unassign(client_->get(), list.get()));
}

void ReplyReader::read(const std::string& topic, bool is_empty, Ready ready) {
  // From the last record that is there: it comes at once, and tells that the partition is positioned. An empty one tells
  // it by being at its end.
  const KafkaError error(assign(topic, is_empty ? 0 : RD_KAFKA_OFFSET_TAIL(1)));
  if (error) {
    return ready(Error(make_code(rd_kafka_error_code(error.get())),
                       "cannot read replies from " + topic + ": " + rd_kafka_error_string(error.get()), End::rejected));
  }
  Reading& reading = reading_.try_emplace(topic, executor_).first->second;
  if (is_empty) {
    reading.phase = Phase::reading;
    return ready({});
  }
  ++positioning_;
  reading.ready = std::move(ready);
  reading.timer.expires_after(options_.start_timeout);
  reading.timer.async_wait([weak = weak_from_this(), topic](std::error_code ec) {
    const auto self = weak.lock();
    if (ec || !self || !self->hooks_) return;
    self->fail(topic, Error(errc::refused,
                            "cannot read replies from " + topic + ": its partition " +
                                std::to_string(self->options_.reply_partition) + " cannot be read (no leader?)",
                            End::rejected));
  });
}

void ReplyReader::on_message(Message message) {
  const bool is_at_end = message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF;
  if (message->err && !is_at_end) {
    return on_record_error(message->rkt ? rd_kafka_topic_name(message->rkt) : "", message->err,
                           rd_kafka_message_errstr(message.get()));
  }
  if (positioning_ > 0) positioned(rd_kafka_topic_name(message->rkt));
  if (!is_at_end && hooks_) hooks_->on_reply_record(*message);
}

void ReplyReader::positioned(const std::string& topic) {
  const auto found = reading_.find(topic);
  if (found == reading_.end() || found->second.phase != Phase::positioning) return;
  Reading& reading = found->second;
  --positioning_;
  reading.phase = Phase::reading;
  const bool was_gone = std::exchange(reading.looks, 0) > 0;
  reading.timer.cancel();
  if (was_gone) tell_hindered();
  if (const Ready ready = std::exchange(reading.ready, nullptr)) ready({});
}

void ReplyReader::fail(const std::string& topic, const Error& error) {
  auto failed = reading_.extract(topic);
  if (!failed || !failed.mapped().ready) return;
  --positioning_;
  unassign(topic);
  failed.mapped().ready(error);
}

void ReplyReader::on_record_error(const std::string& topic, rd_kafka_resp_err_t code, const std::string& reason) {
  const bool has_no_partition = code == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION;
  const auto found = reading_.find(topic);
  if (found != reading_.end() && found->second.ready) {
    if (code == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC) return;  // made just now
    const std::string why =
        has_no_partition ? "it has no partition " + std::to_string(options_.reply_partition) : reason;
    return fail(topic, Error(make_code(code), "cannot read replies from " + topic + ": " + why, End::rejected));
  }
  if (found == reading_.end() || !is_not_there(code)) {
    if (hooks_) hooks_->on_reader_error(code, reason, false);
    return;
  }
  Reading& reading = found->second;
  if (reading.phase == Phase::gone) return;
  if (reading.phase == Phase::positioning) --positioning_;
  reading.phase = Phase::gone;
  unassign(topic);
  look_later(topic);
  if (!hooks_ || reading.looks != 1) return;
  hooks_->on_reader_error(code, "the topic of replies " + topic + " is gone; looking for it", false);
  tell_hindered();
}

void ReplyReader::tell_hindered() {
  if (!hooks_) return;
  for (const auto& [topic, reading] : reading_) {
    if (reading.looks > 0) return hooks_->on_hindered("the topic of replies " + topic + " is gone");
  }
  hooks_->on_hindered({});
}

void ReplyReader::look_later(const std::string& topic) {
  Reading& reading = reading_.find(topic)->second;
  const transport::Backoff backoff({k_first_look, k_last_look}, reading.looks++);
  reading.timer.expires_after(backoff.step());
  reading.timer.async_wait([weak = weak_from_this(), topic](std::error_code ec) {
    const auto self = weak.lock();
    if (!ec && self && self->hooks_) self->look(topic);
  });
}

void ReplyReader::look(const std::string& topic) {
  admin_->find_or_create({topic}, [weak = weak_from_this(), topic](const Result<std::vector<Admin::Topic>>& there) {
    const auto self = weak.lock();
    if (!self || !self->hooks_) return;
    // All of it is new: what was asked meanwhile is answered there.
    const KafkaError error(there ? self->assign(topic, RD_KAFKA_OFFSET_BEGINNING) : nullptr);
    if (!there || error) return self->look_later(topic);
    self->reading_.find(topic)->second.phase = Phase::positioning;
    ++self->positioning_;
  });
}

void ReplyReader::on_error(rd_kafka_resp_err_t code, std::string_view reason, bool is_fatal) {
  asio::post(executor_, [weak = weak_from_this(), code, text = std::string(reason), is_fatal] {
    const auto self = weak.lock();
    if (!self || !self->hooks_) return;
    const auto place = is_not_there(code) ? place_in(text) : std::nullopt;
    if (place) return self->on_record_error(place->topic, code, text);
    self->hooks_->on_reader_error(code, text, is_fatal);
  });
}

void ReplyReader::close() {
  hooks_ = nullptr;
  reading_.clear();
  positioning_ = 0;
  expected_.clear();
  if (admin_) admin_->close();
  if (client_) client_->close();
}

}  // namespace waybill::kafka
