#include "protocol/admin.hpp"

#include "protocol/error.hpp"
#include "wire/wire.hpp"

#include <algorithm>

namespace waybill::kafka {
namespace {

AdminOptions make_options(rd_kafka_t* instance, rd_kafka_admin_op_t operation, std::chrono::milliseconds limit,
                          void* call) {
  AdminOptions options(rd_kafka_AdminOptions_new(instance, operation));
  char problem[256];
  rd_kafka_AdminOptions_set_request_timeout(options.get(), static_cast<int>(limit.count()), problem, sizeof(problem));
  if (operation == RD_KAFKA_ADMIN_OP_CREATETOPICS) {
    // The broker answers when the topic is usable.
    rd_kafka_AdminOptions_set_operation_timeout(options.get(), static_cast<int>(limit.count()), problem,
                                                sizeof(problem));
  }
  rd_kafka_AdminOptions_set_opaque(options.get(), call);
  return options;
}

Error missing(const std::string& topic, bool creates) {
  return Error(make_code(RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART),
               "there is no topic \"" + topic + "\"" + (creates ? "" : ": create it, or set create_topics=true"),
               End::rejected);
}

}  // namespace

Admin::Admin(const asio::any_io_executor& executor, rd_kafka_t* instance, const Options& options)
    : instance_(instance), options_(options) {
  watch_ = std::make_shared<QueueWatch>(executor, Queue(rd_kafka_queue_new(instance)), [this] { return drain(); });
  watch_->start();
}

void Admin::close() {
  watch_->stop();
  calls_.clear();
}

void Admin::ensure(const std::vector<std::string>& topics, Done done) {
  if (!options_.create_topics) return check(topics, std::move(done));
  create(std::make_unique<Call>(Call{Task::create, topics, std::move(done)}));
}

void Admin::find_or_create(const std::vector<std::string>& topics, Done done) {
  const Task task = options_.create_topics ? Task::find : Task::check;
  describe(std::make_unique<Call>(Call{task, topics, std::move(done)}));
}

void Admin::check(const std::vector<std::string>& topics, Done done) {
  describe(std::make_unique<Call>(Call{Task::check, topics, std::move(done)}));
}

void Admin::ping(std::chrono::milliseconds limit, std::function<void(Result<void>)> done) {
  auto call =
      std::make_unique<Call>(Call{Task::ping, {"__consumer_offsets"}, [done](Result<std::vector<Topic>> reached) {
                                    done(reached ? Result<void>() : Result<void>(reached.error()));
                                  }});
  describe(std::move(call), limit);
}

void Admin::create(std::unique_ptr<Call> call) {
  std::vector<NewTopic> owned;
  std::vector<rd_kafka_NewTopic_t*> topics;
  char problem[256];
  for (const std::string& name : call->topics) {
    owned.emplace_back(
        rd_kafka_NewTopic_new(name.c_str(), options_.partitions, options_.replication, problem, sizeof(problem)));
    topics.push_back(owned.back().get());
    if (name != kept_) continue;
    const std::size_t most = std::max<std::size_t>(options_.max_message, 1'048'588) + k_most_death;
    rd_kafka_NewTopic_set_config(topics.back(), "retention.ms", "-1");
    rd_kafka_NewTopic_set_config(topics.back(), "max.message.bytes", std::to_string(most).c_str());
  }
  const AdminOptions options =
      make_options(instance_, RD_KAFKA_ADMIN_OP_CREATETOPICS, options_.start_timeout, call.get());
  calls_.push_back(std::move(call));
  rd_kafka_CreateTopics(instance_, topics.data(), topics.size(), options.get(), watch_->queue());
}

void Admin::describe(std::unique_ptr<Call> call, std::chrono::milliseconds limit) {
  std::vector<ConfigResource> owned;
  std::vector<rd_kafka_ConfigResource_t*> resources;
  for (const std::string& name : call->topics) {
    owned.emplace_back(rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, name.c_str()));
    resources.push_back(owned.back().get());
  }
  const AdminOptions options = make_options(instance_, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, limit, call.get());
  calls_.push_back(std::move(call));
  rd_kafka_DescribeConfigs(instance_, resources.data(), resources.size(), options.get(), watch_->queue());
}

bool Admin::drain() {
  use_events(watch_, [this](rd_kafka_event_t* event) { on_result(event); });
  return false;
}

void Admin::on_result(rd_kafka_event_t* event) {
  const auto is_this = [opaque = rd_kafka_event_opaque(event)](const auto& call) { return call.get() == opaque; };
  const auto found = std::find_if(calls_.begin(), calls_.end(), is_this);
  if (found == calls_.end()) return;
  const std::unique_ptr<Call> call = std::move(*found);
  calls_.erase(found);
  if (const auto code = rd_kafka_event_error(event)) {
    const char* story = rd_kafka_event_error_string(event);
    return call->done(Error(make_code(code), story ? story : rd_kafka_err2str(code), End::rejected));
  }
  if (call->task == Task::create) return on_created(event, *call);
  if (call->task == Task::ping) return call->done(std::vector<Topic>());
  on_described(event, *call);
}

void Admin::on_created(rd_kafka_event_t* event, Call& call) {
  std::size_t count = 0;
  const auto* results = rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count);
  std::vector<Topic> topics;
  bool may_not_create = false;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string name = rd_kafka_topic_result_name(results[i]);
    switch (const auto code = rd_kafka_topic_result_error(results[i])) {
      case RD_KAFKA_RESP_ERR_NO_ERROR: topics.push_back({name, true}); break;
      case RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS: topics.push_back({name, false}); break;
      case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
      case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED: may_not_create = true; break;
      default: {
        const char* story = rd_kafka_topic_result_error_string(results[i]);
        return call.done(Error(make_code(code),
                               "cannot create the topic \"" + name + "\": " + (story ? story : rd_kafka_err2str(code)),
                               End::rejected));
      }
    }
  }
  if (!may_not_create) return call.done(std::move(topics));
  // Not allowed to create: it may be there all the same.
  describe(std::make_unique<Call>(Call{Task::check, call.topics, call.done}));
}

void Admin::on_described(rd_kafka_event_t* event, Call& call) {
  std::size_t count = 0;
  const auto* results = rd_kafka_DescribeConfigs_result_resources(rd_kafka_event_DescribeConfigs_result(event), &count);
  std::vector<Topic> topics;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string name = rd_kafka_ConfigResource_name(results[i]);
    const auto code = rd_kafka_ConfigResource_error(results[i]);
    const bool is_missing = code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
    if (code && call.task == Task::find) {
      return create(std::make_unique<Call>(Call{Task::create, std::move(call.topics), std::move(call.done)}));
    }
    if (is_missing) return call.done(missing(name, options_.create_topics));
    topics.push_back({name, false});  // not allowed to look is no proof that it is not there
  }
  call.done(std::move(topics));
}

}  // namespace waybill::kafka
