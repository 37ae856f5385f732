#include "flow/dead_letter_scan.hpp"

#include "protocol/error.hpp"
#include "protocol/settings.hpp"
#include "wire/message_view.hpp"
#include "wire/names.hpp"

namespace waybill::kafka {

Result<void> DeadLetterScan::start(const Environment& environment, const Options& options, const std::string& topic,
                                   std::int64_t from) {
  auto conf = make_conf(options, Role::scanner, client_name(options, false), options.prefix + "waybill-dead-letters");
  if (!conf) return conf.error();
  auto client = Client::make(environment, RD_KAFKA_CONSUMER, std::move(*conf), *this);
  if (!client) return client.error();
  client_ = std::move(*client);
  const PartitionList list(rd_kafka_topic_partition_list_new(1));
  rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), k_dead_letter_partition)->offset =
      from < 0 ? RD_KAFKA_OFFSET_BEGINNING : from;
  if (const auto code = rd_kafka_assign(client_->get(), list.get())) {
    return make_error(code, "cannot read " + topic, End::rejected);
  }
  return {};
}

void DeadLetterScan::on_message(Message message) {
  if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) return done({});
  if (message->err) {
    return done(Error(make_code(message->err),
                      std::string("the dead letters cannot be read: ") + rd_kafka_message_errstr(message.get()),
                      End::rejected));
  }
  offsets.push_back(message->offset);
  if (wanted_(message->offset)) records.emplace_back(kafka::view_of(*message));
  if (records.size() >= limit_) done({});
}

void DeadLetterScan::done(Result<void> outcome) {
  if (std::exchange(is_done_, true)) return;
  step_->set(std::move(outcome));
}

void DeadLetterScan::close() {
  is_done_ = true;
  if (client_) client_->close();
  client_.reset();
}

}  // namespace waybill::kafka
