// Reads what is in a dead-letter topic, from an offset to its end.
#pragma once

#include "protocol/client.hpp"
#include "protocol/step.hpp"
#include "waybill/transports/kafka.hpp"
#include "wire/kept_record.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace waybill::kafka {

/// One scan of one partition, by a consumer of its own that joins no group.
///
/// Threads: all on the executor. Lifetime: close() before destruction.
class DeadLetterScan final : public ClientHooks {
 public:
  using Wanted = std::function<bool(std::int64_t offset)>;

  /// Begins; `step` is told when the partition's end or `limit` wanted records are reached.
  DeadLetterScan(std::shared_ptr<Step> step, Wanted wanted, std::size_t limit)
      : step_(std::move(step)), wanted_(std::move(wanted)), limit_(limit) {}
  ~DeadLetterScan() { close(); }
  Result<void> start(const Environment& environment, const Options& options, const std::string& topic,
                     std::int64_t from);
  void close();

  std::vector<KeptRecord> records;    ///< Those that are wanted.
  std::vector<std::int64_t> offsets;  ///< Of all that were seen.

 private:
  void on_message(Message message) override;
  bool wants_messages() override { return !is_done_; }
  void on_error(rd_kafka_resp_err_t, std::string_view, bool) override {}  // the producer beside it tells the same
  void done(Result<void> outcome);

  std::shared_ptr<Step> step_;
  Wanted wanted_;
  std::size_t limit_;
  std::shared_ptr<Client> client_;
  bool is_done_ = false;
};

}  // namespace waybill::kafka
