// Records whose topic, or partition, was not there when they were to be sent: kept in their order while it is looked for,
// or made, and sent then.
#pragma once

#include "protocol/handle.hpp"
#include "waybill/result.hpp"
#include "waybill/transport/transport.hpp"
#include "wire/kept_record.hpp"

#include <asio/any_io_executor.hpp>
#include <asio/steady_timer.hpp>

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

namespace waybill::kafka {

struct Stray {
  KeptRecord record;
  std::int32_t partition;
  std::optional<std::int64_t> timestamp;
  Ticket ticket;
};

class StraysOwner {
 public:
  /// Looks for the topic, or makes it; outside of librdkafka. Errors: invalid_config if it is not there.
  virtual void find_topic(const std::string& topic, std::function<void(Result<void>)> done) = 0;
  /// Asks anew where the topic is, without waiting for the answer.
  virtual void look_at(const std::string& topic) = 0;
  /// Errors: as Producer::send().
  virtual rd_kafka_resp_err_t send_stray(const std::string& topic, const Stray& stray) = 0;
  virtual void fail_stray(const std::string& topic, const Stray& stray, rd_kafka_resp_err_t code) = 0;
  /// After some of them. It may destroy the owner.
  virtual void on_strays_end() = 0;

 protected:
  ~StraysOwner() = default;
};

/// Threads:  all on the executor; add() also from within librdkafka, the owner is called outside of it.
/// Lifetime: shared by what is under way; after close() the owner is not called.
class Strays : public std::enable_shared_from_this<Strays> {
 public:
  /// `limit`: how long a record is kept while its topic is not there.
  Strays(const asio::any_io_executor& executor, std::chrono::milliseconds limit, StraysOwner& owner)
      : executor_(executor), limit_(limit), owner_(&owner) {}

  bool empty() const noexcept { return topics_.empty(); }
  /// Records of this topic must queue here, behind those that were sent before them.
  bool holds(const std::string& topic) const;
  /// `is_gone`: false if the topic is there, and only this record's partition is not.
  void add(const std::string& topic, Stray stray, rd_kafka_resp_err_t why, bool is_gone);
  /// All of them fail, at once; on_strays_end() is not called.
  void abandon(rd_kafka_resp_err_t code);
  void close();

 private:
  using Clock = std::chrono::steady_clock;
  struct Topic {
    explicit Topic(const asio::any_io_executor& executor) : timer(executor) {}
    std::deque<Stray> records;
    rd_kafka_resp_err_t why = RD_KAFKA_RESP_ERR_NO_ERROR;
    bool is_gone = false;
    int tries = 0;  ///< For a partition, since the topic was found.
    Clock::time_point give_up;
    asio::steady_timer timer;
  };

  void find(const std::string& name);
  void found(const std::string& name, const Result<void>& outcome);
  void send_all(const std::string& name);
  void later(const std::string& name, void (Strays::*what)(const std::string& name));
  void fail_all(const std::string& name, rd_kafka_resp_err_t code);

  asio::any_io_executor executor_;
  std::chrono::milliseconds limit_;
  StraysOwner* owner_;
  std::unordered_map<std::string, Topic> topics_;
};

}  // namespace waybill::kafka
