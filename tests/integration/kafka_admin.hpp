// What tests do to a Kafka broker behind the back of services: topics, partitions, rights. Each call blocks.
#pragma once

#include "protocol/handle.hpp"

#include <chrono>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace waybill::test {

class KafkaAdmin {
 public:
  /// `url`: kafka://host:port.
  explicit KafkaAdmin(const std::string& url) {
    rd_kafka_conf_t* conf = rd_kafka_conf_new();
    char problem[256] = "";
    rd_kafka_conf_set(conf, "bootstrap.servers", url.substr(url.find("//") + 2).c_str(), problem, sizeof(problem));
    rd_kafka_conf_set(conf, "batch.num.messages", "1", problem, sizeof(problem));
    instance_.reset(rd_kafka_new(RD_KAFKA_PRODUCER, conf, problem, sizeof(problem)));
    if (!instance_) throw std::runtime_error(problem);
    queue_.reset(rd_kafka_queue_new(instance_.get()));
  }

  using Settings = std::vector<std::pair<std::string, std::string>>;
  void create(const std::string& topic, int partitions, const Settings& settings = {}) {
    const kafka::NewTopic made(rd_kafka_NewTopic_new(topic.c_str(), partitions, 1, nullptr, 0));
    for (const auto& [name, value] : settings) rd_kafka_NewTopic_set_config(made.get(), name.c_str(), value.c_str());
    rd_kafka_NewTopic_t* all[] = {made.get()};
    rd_kafka_CreateTopics(instance_.get(), all, 1, nullptr, queue_.get());
    wait();
    for (int i = 0; i < 200 && !knows(topic); ++i) std::this_thread::yield();
  }
  /// The broker tells of the topic: some time after it was created.
  bool knows(const std::string& topic) {
    const kafka::TopicHandle handle(rd_kafka_topic_new(instance_.get(), topic.c_str(), nullptr));
    const rd_kafka_metadata_t* seen = nullptr;
    if (rd_kafka_metadata(instance_.get(), 0, handle.get(), &seen, 10'000)) return false;
    const bool is_there = seen->topic_cnt == 1 && !seen->topics[0].err && seen->topics[0].partition_cnt > 0;
    rd_kafka_metadata_destroy(seen);
    return is_there;
  }
  void remove(const std::string& topic) {
    rd_kafka_DeleteTopic_t* gone = rd_kafka_DeleteTopic_new(topic.c_str());
    rd_kafka_DeleteTopics(instance_.get(), &gone, 1, nullptr, queue_.get());
    wait();
    rd_kafka_DeleteTopic_destroy(gone);
  }
  void set_partitions(const std::string& topic, std::size_t count) {
    rd_kafka_NewPartitions_t* more = rd_kafka_NewPartitions_new(topic.c_str(), count, nullptr, 0);
    rd_kafka_CreatePartitions(instance_.get(), &more, 1, nullptr, queue_.get());
    wait();
    rd_kafka_NewPartitions_destroy(more);
  }
  /// Deletes the records before `offset` in partition 0.
  void remove_records(const std::string& topic, std::int64_t offset) {
    const kafka::PartitionList list(rd_kafka_topic_partition_list_new(1));
    rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), 0)->offset = offset;
    rd_kafka_DeleteRecords_t* gone = rd_kafka_DeleteRecords_new(list.get());
    rd_kafka_DeleteRecords(instance_.get(), &gone, 1, nullptr, queue_.get());
    wait();
    rd_kafka_DeleteRecords_destroy(gone);
  }
  /// Until the broker has it. `value` as it is.
  void produce(const std::string& topic, std::int32_t partition, const std::string& value) {
    for (bool is_sent = false; !is_sent;) {
      const auto code =
          rd_kafka_producev(instance_.get(), RD_KAFKA_V_TOPIC(topic.c_str()), RD_KAFKA_V_PARTITION(partition),
                            RD_KAFKA_V_VALUE(const_cast<char*>(value.data()), value.size()),
                            RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
      is_sent = code == RD_KAFKA_RESP_ERR_NO_ERROR;
      if (!is_sent) refresh(topic);
    }
    if (rd_kafka_flush(instance_.get(), 20'000)) throw std::runtime_error("a record was not taken");
  }
  /// A setting of a topic.
  std::string setting(const std::string& topic, const std::string& name) {
    const kafka::ConfigResource asked(rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic.c_str()));
    rd_kafka_ConfigResource_t* all[] = {asked.get()};
    rd_kafka_DescribeConfigs(instance_.get(), all, 1, nullptr, queue_.get());
    const kafka::Event event(rd_kafka_queue_poll(queue_.get(), 20'000));
    if (!event) throw std::runtime_error("the broker does not answer");
    std::size_t count = 0;
    const auto* found =
        rd_kafka_DescribeConfigs_result_resources(rd_kafka_event_DescribeConfigs_result(event.get()), &count);
    std::size_t entries = 0;
    const auto* settings = count == 1 ? rd_kafka_ConfigResource_configs(found[0], &entries) : nullptr;
    for (std::size_t i = 0; i < entries; ++i) {
      if (rd_kafka_ConfigEntry_name(settings[i]) == name) return rd_kafka_ConfigEntry_value(settings[i]);
    }
    return {};
  }
  /// A request of a caller that waits for `waits` milliseconds and has sent it `age` milliseconds ago.
  void request(const std::string& topic, const std::string& id, std::int64_t waits, std::int64_t age) {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const std::int64_t sent = std::chrono::duration_cast<std::chrono::milliseconds>(now).count() - age;
    const std::string reply_topic = topic + ".reply";
    const std::string limit = std::to_string(waits);
    rd_kafka_producev(
        instance_.get(), RD_KAFKA_V_TOPIC(topic.c_str()), RD_KAFKA_V_VALUE(const_cast<char*>(id.data()), id.size()),
        RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_TIMESTAMP(sent),
        RD_KAFKA_V_HEADER("kafka_correlationId", id.data(), static_cast<ssize_t>(id.size())),
        RD_KAFKA_V_HEADER("kafka_replyTopic", reply_topic.data(), static_cast<ssize_t>(reply_topic.size())),
        RD_KAFKA_V_HEADER("waybill-deadline", limit.data(), static_cast<ssize_t>(limit.size())), RD_KAFKA_V_END);
    if (rd_kafka_flush(instance_.get(), 20'000)) throw std::runtime_error("a request was not taken");
  }
  void allow(const std::string& user, rd_kafka_ResourceType_t type, const std::string& name,
             rd_kafka_AclOperation_t what) {
    rd_kafka_AclBinding_t* right =
        rd_kafka_AclBinding_new(type, name.c_str(), RD_KAFKA_RESOURCE_PATTERN_LITERAL, ("User:" + user).c_str(), "*",
                                what, RD_KAFKA_ACL_PERMISSION_TYPE_ALLOW, nullptr, 0);
    rd_kafka_CreateAcls(instance_.get(), &right, 1, nullptr, queue_.get());
    wait();
    rd_kafka_AclBinding_destroy(right);
  }
  /// Whatever there is.
  void allow_all(const std::string& user) {
    for (const auto type : {RD_KAFKA_RESOURCE_TOPIC, RD_KAFKA_RESOURCE_GROUP})
      allow(user, type, "*", RD_KAFKA_ACL_OPERATION_ALL);
    allow(user, RD_KAFKA_RESOURCE_BROKER, "kafka-cluster", RD_KAFKA_ACL_OPERATION_ALL);
  }
  void forbid_all(const std::string& user) {
    rd_kafka_AclBindingFilter_t* rights = rd_kafka_AclBindingFilter_new(
        RD_KAFKA_RESOURCE_ANY, nullptr, RD_KAFKA_RESOURCE_PATTERN_ANY, ("User:" + user).c_str(), nullptr,
        RD_KAFKA_ACL_OPERATION_ANY, RD_KAFKA_ACL_PERMISSION_TYPE_ANY, nullptr, 0);
    rd_kafka_DeleteAcls(instance_.get(), &rights, 1, nullptr, queue_.get());
    wait();
    rd_kafka_AclBinding_destroy(rights);
  }

 private:
  void refresh(const std::string& topic) {
    const kafka::TopicHandle handle(rd_kafka_topic_new(instance_.get(), topic.c_str(), nullptr));
    const rd_kafka_metadata_t* seen = nullptr;
    if (!rd_kafka_metadata(instance_.get(), 0, handle.get(), &seen, 1'000)) rd_kafka_metadata_destroy(seen);
  }
  void wait() {
    const kafka::Event event(rd_kafka_queue_poll(queue_.get(), 20'000));
    if (!event) throw std::runtime_error("the broker does not answer");
    if (rd_kafka_event_error(event.get())) throw std::runtime_error(rd_kafka_event_error_string(event.get()));
  }

  kafka::Instance instance_;
  kafka::Queue queue_;
};

}  // namespace waybill::test
