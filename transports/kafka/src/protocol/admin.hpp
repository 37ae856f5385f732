// Topics: created or checked, and the proof that a broker answers; through a producer's instance.
#pragma once

#include "protocol/handle.hpp"
#include "protocol/queue_watch.hpp"
#include "waybill/result.hpp"
#include "waybill/transports/kafka.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace waybill::kafka {

/// Threads:  all on the executor.
/// Lifetime: close() before the instance is destroyed; after it nothing is called.
class Admin {
 public:
  struct Topic {
    std::string name;
    bool is_new = false;  ///< Created by this call: it is empty.
  };
  using Done = std::function<void(Result<std::vector<Topic>>)>;

  Admin(const asio::any_io_executor& executor, rd_kafka_t* instance, const Options& options);
  ~Admin() { close(); }

  /// If this topic is created, its records are kept for good, and may be as large as what we send.
  void keep(std::string topic) { kept_ = std::move(topic); }
  /// All of the topics are there when `done` is called with success: created, or (create_topics=false) found.
  /// Errors: invalid_config that names the topic, unauthorized, timeout, what the broker says.
  void ensure(const std::vector<std::string>& topics, Done done);
  /// As ensure(), but looks first: quicker where they mostly exist.
  void find_or_create(const std::vector<std::string>& topics, Done done);
  /// Looks only. Errors: as for ensure().
  void check(const std::vector<std::string>& topics, Done done);
  /// A broker was reached and has accepted us. Errors: timeout, after `limit`.
  void ping(std::chrono::milliseconds limit, std::function<void(Result<void>)> done);
  void close();

 private:
  enum class Task { create, find, check, ping };
  struct Call {
    Task task;
    std::vector<std::string> topics;
    Done done;
  };
  void create(std::unique_ptr<Call> call);
  void describe(std::unique_ptr<Call> call, std::chrono::milliseconds limit);
  void describe(std::unique_ptr<Call> call) { describe(std::move(call), options_.start_timeout); }
  bool drain();
  void on_result(rd_kafka_event_t* event);
  void on_created(rd_kafka_event_t* event, Call& call);
  void on_described(rd_kafka_event_t* event, Call& call);

  rd_kafka_t* instance_;
  Options options_;
  std::string kept_;
  std::shared_ptr<QueueWatch> watch_;
  std::vector<std::unique_ptr<Call>> calls_;
};

}  // namespace waybill::kafka
