// Sends records again that were refused as too large: a broker refuses a whole batch, and it may have been the batch only.
#pragma once

#include "protocol/client.hpp"
#include "waybill/transports/kafka.hpp"

#include <memory>
#include <string>
#include <unordered_map>

namespace waybill::kafka {

class SingleSenderHooks {
 public:
  /// As ClientHooks::on_report() and on_batch_end().
  virtual void on_single_report(const rd_kafka_message_t& message) = 0;
  virtual void on_single_batch_end() = 0;
  virtual void on_single_error(rd_kafka_resp_err_t code, std::string_view reason, bool is_fatal) = 0;

 protected:
  ~SingleSenderHooks() = default;
};

/// A producer of its own, made at the first refusal, whose records share no batch. What it has learnt stays: a topic whose
/// batches were refused and whose records were not is sent to by way of it from then on.
///
/// Threads: all on the executor.
class SingleSender final : public ClientHooks {
 public:
  /// Errors: invalid_config.
  static Result<std::unique_ptr<SingleSender>> make(const Environment& environment, const Options& options,
                                                    const std::string& client_id, SingleSenderHooks& owner);
  ~SingleSender() { close(); }

  /// A record that was refused; its outcome is told to the owner. False: it cannot be sent again.
  bool send_again(const rd_kafka_message_t& refused);
  /// Records to this topic should come here: some are under way, or it is one whose batches are too large.
  bool wants(const std::string& topic) const { return topics_.contains(topic); }
  rd_kafka_t* get() const noexcept { return client_->get(); }
  /// REQUIRES: wants(topic).
  rd_kafka_topic_t* topic(const std::string& name) { return topics_.at(name).handle.get(); }
  /// A record was sent by way of get() and topic().
  void note_sent(const std::string& name) { ++topics_.at(name).under_way; }
  void close();

 private:
  struct Topic {
    TopicHandle handle;
    std::size_t under_way = 0;
    bool stays = false;  ///< A record has been taken that was refused in a batch.
  };
  explicit SingleSender(SingleSenderHooks& owner) : owner_(owner) {}
  void on_report(const rd_kafka_message_t& message) override;
  void on_batch_end() override { owner_.on_single_batch_end(); }
  void on_error(rd_kafka_resp_err_t code, std::string_view reason, bool is_fatal) override {
    owner_.on_single_error(code, reason, is_fatal);
  }

  SingleSenderHooks& owner_;
  std::shared_ptr<Client> client_;
  std::unordered_map<std::string, Topic> topics_;
};

}  // namespace waybill::kafka
