// One librdkafka instance, producer or consumer, on an Asio loop.
#pragma once

#include "protocol/handle.hpp"
#include "protocol/log_limit.hpp"
#include "protocol/queue_watch.hpp"
#include "protocol/undertaker.hpp"
#include "waybill/result.hpp"
#include "waybill/transport/transport.hpp"

#include <asio/steady_timer.hpp>

#include <memory>
#include <string>
#include <string_view>

namespace waybill::kafka {

/// What an instance tells its owner; always on the executor. on_report, on_error, on_rebalance and on_commit are called
/// from within librdkafka: they must not throw and must not run anybody else's code.
class ClientHooks {
 public:
  /// A record, or an error in its place (message->err). Consumers only.
  virtual void on_message(Message message) { (void)message; }
  /// False: leave the rest in the queue; Client::poke() goes on.
  virtual bool wants_messages() { return true; }
  /// A batch of messages is through.
  virtual void on_batch_end() {}
  /// What became of a message that was produced. Producers only.
  virtual void on_report(const rd_kafka_message_t& message) { (void)message; }
  /// Every second.
  virtual void on_tick() {}
  /// Something is wrong with the instance; librdkafka goes on by itself unless it is fatal.
  virtual void on_error(rd_kafka_resp_err_t code, std::string_view reason, bool is_fatal) = 0;
  /// REQUIRES of the callee: assigns or unassigns. Group consumers only.
  virtual void on_rebalance(rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t* partitions) {
    (void)code;
    (void)partitions;
  }
  /// What became of offsets that were committed: all of them have failed with `code`, or each has its own error. Group
  /// consumers only.
  virtual void on_commit(rd_kafka_resp_err_t code, const rd_kafka_topic_partition_list_t& partitions) {
    (void)code;
    (void)partitions;
  }

 protected:
  ~ClientHooks() = default;
};

/// Threads:  all members on the executor, hooks too; librdkafka's own threads never call into us.
/// Lifetime: after close() no hook is called. A consumer leaves its group in the background and lives on until then; what
///           librdkafka still has to end, it ends beside the loop (Undertaker).
class Client : public std::enable_shared_from_this<Client> {
 public:
  /// Errors: invalid_config.
  static Result<std::shared_ptr<Client>> make(const Environment& environment, rd_kafka_type_t type, Conf conf,
                                              ClientHooks& hooks);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  rd_kafka_t* get() const noexcept { return instance_.get(); }
  void poke() noexcept { watch_->poke(); }
  void close();

 private:
  struct Private {};

 public:
  Client(Private, const Environment& environment, rd_kafka_type_t type, ClientHooks& hooks);

 private:
  static void on_log(const rd_kafka_t* instance, int level, const char* facility, const char* line) noexcept;
  void say(int level, std::string_view facility, std::string_view line);
  static void on_error(rd_kafka_t* instance, int code, const char* reason, void* self) noexcept;
  static void on_report(rd_kafka_t* instance, const rd_kafka_message_t* message, void* self) noexcept;
  static void on_rebalance(rd_kafka_t* instance, rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t* partitions,
                           void* self) noexcept;
  static void on_commit(rd_kafka_t* instance, rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t* partitions,
                        void* self) noexcept;
  static int on_statistics(rd_kafka_t* instance, char* json, std::size_t size, void* self) noexcept;
  void start();
  bool drain();
  void tick();
  void tell_figures(const std::string& statistics);
  void leave_now();
  void wait_until_left(std::chrono::steady_clock::time_point deadline);

  asio::any_io_executor executor_;
  Log log_;
  MetricSink metrics_;
  rd_kafka_type_t type_;
  ClientHooks* hooks_;
  Undertaker& undertaker_;
  Instance instance_;
  std::shared_ptr<QueueWatch> watch_;
  asio::steady_timer tick_;
  LogLimit limit_;
  bool is_closed_ = false;
  bool has_waited_ = false;  ///< For the group to be left, as long as that may take.
};

}  // namespace waybill::kafka
