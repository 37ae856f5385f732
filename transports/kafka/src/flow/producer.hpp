// Sends records and tells what became of them.
#pragma once

#include "flow/single_sender.hpp"
#include "flow/strays.hpp"
#include "protocol/client.hpp"
#include "protocol/settings.hpp"
#include "waybill/transport/transport.hpp"
#include "waybill/transports/kafka.hpp"
#include "wire/wire.hpp"

#include <asio/awaitable.hpp>
#include <asio/steady_timer.hpp>

#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace waybill::kafka {

/// What a producer tells its owner.
class ProducerHooks {
 public:
  /// The outcome of a record; called outside of librdkafka, never from within send(). `end`: of one that has failed.
  virtual void on_sent(Ticket ticket, rd_kafka_resp_err_t code, End end) = 0;
  virtual void on_producer_error(rd_kafka_resp_err_t code, std::string_view reason, bool is_fatal) = 0;
  /// A topic that is sent to is not there: looks for it, or makes it. What cannot be found fails.
  virtual void find_topic(const std::string& topic, std::function<void(Result<void>)> done);

 protected:
  ~ProducerHooks() = default;
};

/// Threads: all on the executor.
class Producer final : public ClientHooks, private SingleSenderHooks, private StraysOwner {
 public:
  /// `role`: producer or admin.
  static Result<std::unique_ptr<Producer>> make(const Environment& environment, const Options& options,
                                                const std::string& client_id, ProducerHooks& hooks,
                                                Role role = Role::producer);
  ~Producer() { close(); }

  /// The handle of a topic; valid until the next call.
  rd_kafka_topic_t* topic(const std::string& name);
  /// Takes the record before it returns. One whose topic is not there is kept, and sent when it is, up to `send_timeout`.
  /// Errors: queue full, too large; then on_sent is not called.
  rd_kafka_resp_err_t send(rd_kafka_topic_t* topic, const OutgoingRecord& record, Ticket ticket);

  rd_kafka_t* get() const noexcept { return client_->get(); }
  std::size_t unsent_bytes() const noexcept { return unsent_bytes_; }
  /// Completes when all that was sent is confirmed or has failed, or after close().
  /// Until no more are unsent than those that `besides` counts, which their sender waits for itself.
  asio::awaitable<void> flush(std::function<std::size_t()> besides = {});
  /// Nothing more can be sent: tells the end of all that was not confirmed.
  void abandon();
  void close();

 private:
  Producer(const Environment& environment, const Options& options, std::string client_id, ProducerHooks& hooks);
  void on_report(const rd_kafka_message_t& message) override;
  void on_single_report(const rd_kafka_message_t& message) override;
  void note_end(Ticket ticket, std::size_t bytes, rd_kafka_resp_err_t code, End end);
  rd_kafka_resp_err_t produce(rd_kafka_topic_t* topic, const OutgoingRecord& record, Ticket ticket);
  rd_kafka_resp_err_t keep(const std::string& topic, const OutgoingRecord& record, Ticket ticket,
                           rd_kafka_resp_err_t why);
  void find_topic(const std::string& topic, std::function<void(Result<void>)> done) override {
    hooks_.find_topic(topic, std::move(done));
  }
  void look_at(const std::string& topic) override;
  rd_kafka_resp_err_t send_stray(const std::string& topic, const Stray& stray) override;
  void fail_stray(const std::string& topic, const Stray& stray, rd_kafka_resp_err_t code) override;
  void on_strays_end() override { on_batch_end(); }
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
    End end;
  };
  Environment environment_;
  Options options_;
  std::string client_id_;
  ProducerHooks& hooks_;
  std::shared_ptr<Client> client_;
  std::unordered_map<std::string, TopicHandle> topics_;
  std::unique_ptr<SingleSender> single_;  ///< From the first record on that was refused as too large.
  std::shared_ptr<Strays> strays_;
  std::vector<Report> reports_;
  /// Outlives the producer where a flush() still waits.
  struct Waiting {
    explicit Waiting(const asio::any_io_executor& executor) : idle(executor) {}
    asio::steady_timer idle;  ///< Cancelled after each batch of reports, and at close().
    std::size_t unsent = 0;
    bool is_closed = false;
  };
  std::shared_ptr<Waiting> waiting_;
  std::size_t unsent_bytes_ = 0;
};

}  // namespace waybill::kafka
