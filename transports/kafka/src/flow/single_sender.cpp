#include "flow/single_sender.hpp"

#include "protocol/settings.hpp"

namespace waybill::kafka {

Result<std::unique_ptr<SingleSender>> SingleSender::make(const Environment& environment, const Options& options,
                                                         const std::string& client_id, SingleSenderHooks& owner) {
  auto conf = make_conf(options, Role::single, client_id, {});
  if (!conf) return conf.error();
  std::unique_ptr<SingleSender> sender(new SingleSender(owner));
  auto client = Client::make(environment, RD_KAFKA_PRODUCER, std::move(*conf), *sender);
  if (!client) return client.error();
  sender->client_ = std::move(*client);
  return sender;
}

bool SingleSender::send_again(const rd_kafka_message_t& refused) {
  const std::string name = rd_kafka_topic_name(refused.rkt);
  Topic& topic = topics_[name];
  if (!topic.handle) topic.handle.reset(rd_kafka_topic_new(client_->get(), name.c_str(), nullptr));
  rd_kafka_vu_t fields[8];
  std::size_t count = 0;
  const auto add = [&fields, &count](rd_kafka_vtype_t type) -> rd_kafka_vu_t& {
    fields[count].vtype = type;
    return fields[count++];
  };
  add(RD_KAFKA_VTYPE_RKT).u.rkt = topic.handle.get();
  add(RD_KAFKA_VTYPE_PARTITION).u.i32 = refused.partition;
  add(RD_KAFKA_VTYPE_MSGFLAGS).u.i = RD_KAFKA_MSG_F_COPY;
  add(RD_KAFKA_VTYPE_OPAQUE).u.ptr = refused._private;
  if (refused.payload) add(RD_KAFKA_VTYPE_VALUE).u.mem = {refused.payload, refused.len};
  if (refused.key) add(RD_KAFKA_VTYPE_KEY).u.mem = {refused.key, refused.key_len};
  rd_kafka_timestamp_type_t kind;
  if (const auto time = rd_kafka_message_timestamp(&refused, &kind); time > 0)
    add(RD_KAFKA_VTYPE_TIMESTAMP).u.i64 = time;
  HeaderList headers;
  rd_kafka_headers_t* its = nullptr;
  if (rd_kafka_message_headers(&refused, &its) == RD_KAFKA_RESP_ERR_NO_ERROR) {
    headers.reset(rd_kafka_headers_copy(its));
    add(RD_KAFKA_VTYPE_HEADERS).u.headers = headers.get();
  }
  const KafkaError error(rd_kafka_produceva(client_->get(), fields, count));
  if (error) return false;
  [[maybe_unused]] const auto* taken = headers.release();
  ++topic.under_way;
  return true;
}

void SingleSender::on_report(const rd_kafka_message_t& message) {
  const auto found = topics_.find(rd_kafka_topic_name(message.rkt));
  if (found != topics_.end()) {
    Topic& topic = found->second;
    topic.stays = topic.stays || !message.err;
    if (--topic.under_way == 0 && !topic.stays) topics_.erase(found);
  }
  owner_.on_single_report(message);
}

void SingleSender::close() {
  topics_.clear();
  if (!client_) return;
  rd_kafka_purge(client_->get(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_NON_BLOCKING);
  client_->close();
}

}  // namespace waybill::kafka
