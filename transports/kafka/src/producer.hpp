// Sends records and tells what became of them.
#pragma once

#include "client.hpp"
#include "settings.hpp"
#include "single_sender.hpp"
#include "waybill/transport.hpp"
#include "waybill/transports/kafka.hpp"
#include "wire.hpp"

#include <asio/awaitable.hpp>
#include <asio/steady_timer.hpp>

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace waybill::kafka {

/// What a producer tells its owner.
class ProducerHooks {
 public:
  /// The outcome of a record; called outside of librdkafka, never from within send().
  virtual void on_sent(Ticket ticket, rd_kafka_resp_err_t code) = 0;
  virtual void on_producer_error(rd_kafka_resp_err_t code, std::string_view reason, bool is_fatal) = 0;

 protected:
  ~ProducerHooks() = default;
};

/// Threads: all on the executor.
class Producer final : public ClientHooks, private SingleSenderHooks {
 public:
  /// `role`: producer or admin.
  static Result<std::unique_ptr<Producer>> make(const Environment& environment, const Options& options,
                                                const std::string& client_id, ProducerHooks& hooks,
                                                Role role = Role::producer);
  ~Producer() { close(); }

  /// The handle of a topic; valid until the next call.
  rd_kafka_topic_t* topic(const std::string& name);
  /// Takes the record before it returns. Errors: queue full, too large; then on_sent is not called.
  rd_kafka_resp_err_t send(rd_kafka_topic_t* topic, const OutgoingRecord& record, Ticket ticket);

  rd_kafka_t* get() const noexcept { return client_->get(); }
  std::size_t unsent_bytes() const noexcept { return unsent_bytes_; }
  /// Completes when all that was sent is confirmed or has failed, or after close().
  asio::awaitable<void> flush();
  void close();

 private:
  Producer(const Environment& environment, const Options& options, std::string client_id, ProducerHooks& hooks)
      : environment_(environment),
        options_(options),
        client_id_(std::move(client_id)),
        hooks_(hooks),
        waiting_(std::make_shared<Waiting>(environment.executor)) {}
  void on_report(const rd_kafka_message_t& message) override;
  void on_single_report(const rd_kafka_message_t& message) override;
  void on_single_batch_end() override { on_batch_end(); }
  void on_single_error(rd_kafka_resp_err_t code, std::string_view reason, bool is_fatal) override {
    on_error(code, reason, is_fatal);
  }
  bool send_alone(const rd_kafka_message_t& refused);
  void on_batch_end() override;
  void on_error(rd_kafka_resp_err_t code, std::string_view reason, bool is_fatal) override;

  struct Report {
    Ticket ticket;
    rd_kafka_resp_err_t code;
  };
  Environment environment_;
  Options options_;
  std::string client_id_;
  ProducerHooks& hooks_;
  std::shared_ptr<Client> client_;
  std::unordered_map<std::string, TopicHandle> topics_;
  std::unique_ptr<SingleSender> single_;  ///< From the first record on that was refused as too large.
  std::vector<Report> reports_;
  /// Outlives the producer where a flush() still waits.
  struct Waiting {
    explicit Waiting(const asio::any_io_executor& executor) : idle(executor) {}
    asio::steady_timer idle;  ///< Cancelled when nothing is unsent, or at close().
    std::size_t unsent = 0;
    bool is_closed = false;
  };
  std::shared_ptr<Waiting> waiting_;
  std::size_t unsent_bytes_ = 0;
};

}  // namespace waybill::kafka
