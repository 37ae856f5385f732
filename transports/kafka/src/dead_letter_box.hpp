// The dead letters of a topic, as core sees them: its records that nobody has decided about.
#pragma once

#include "flow/dead_letter_scan.hpp"
#include "flow/decided_offsets.hpp"
#include "flow/producer.hpp"
#include "protocol/admin.hpp"
#include "protocol/group_offsets.hpp"
#include "protocol/startup.hpp"
#include "protocol/step.hpp"
#include "waybill/transport/dead_letter.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace waybill::kafka {

/// A letter's name is its offset. What was decided is kept as the committed offset of a group, so that records need not
/// be deleted, which Kafka cannot do one by one.
class KafkaDeadLetterBox final : public DeadLetterBox, private ProducerHooks {
 public:
  KafkaDeadLetterBox(Environment environment, const Options& options, const Registry& registry);
  ~KafkaDeadLetterBox() override { close(); }

  asio::awaitable<Result<std::vector<DeadLetter>>> list(std::size_t limit) override;
  asio::awaitable<Result<void>> replay(const DeadLetter& letter) override;
  asio::awaitable<Result<void>> drop(const DeadLetter& letter) override;
  void close() override;

 private:
  void on_sent(Ticket ticket, rd_kafka_resp_err_t code, End end) override;
  void on_producer_error(rd_kafka_resp_err_t code, std::string_view reason, bool is_fatal) override;
  Result<void> open();
  /// A new step under way, and its end within start_timeout.
  std::shared_ptr<Step> begin() { return step_ = std::make_shared<Step>(environment_.executor); }
  asio::awaitable<Result<void>> finish();
  asio::awaitable<Result<void>> read_decisions();
  asio::awaitable<Result<void>> scan(std::size_t limit);
  DeadLetter letter_of(const KeptRecord& record) const;
  const KeptRecord* find(const DeadLetter& letter) const noexcept;

  Environment environment_;
  const Options options_;
  Formats formats_;
  std::string topic_;
  StartupTrouble startup_;
  std::shared_ptr<Step> step_;
  std::unique_ptr<Producer> producer_;
  std::unique_ptr<Admin> admin_;
  std::unique_ptr<GroupOffsets> offsets_;
  std::unique_ptr<DeadLetterScan> scan_;
  DecidedOffsets decided_;
  std::vector<KeptRecord> records_;  ///< Of the last list().
  std::vector<std::int64_t> there_;  ///< Offsets that it saw.
  bool is_closed_ = false;
};

}  // namespace waybill::kafka
