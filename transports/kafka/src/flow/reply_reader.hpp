// A connection's consumer: reads one partition of each reply topic, assigned by hand from its end.
#pragma once

#include "protocol/admin.hpp"
#include "protocol/client.hpp"
#include "waybill/transports/kafka.hpp"

#include <asio/steady_timer.hpp>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace waybill::kafka {

class ReplyReaderHooks {
 public:
  virtual void on_reply_record(const rd_kafka_message_t& message) = 0;
  /// Replies do not come, and why; empty: they come again.
  virtual void on_hindered(std::string_view reason) = 0;
  virtual void on_reader_error(rd_kafka_resp_err_t code, std::string_view reason, bool is_fatal) = 0;

 protected:
  ~ReplyReaderHooks() = default;
};

/// Threads: all on the executor.
class ReplyReader final : public ClientHooks, public std::enable_shared_from_this<ReplyReader> {
 public:
  static Result<std::shared_ptr<ReplyReader>> make(const Environment& environment, const Options& options,
                                                   ReplyReaderHooks& hooks);

  /// The topic will be read soon: finds out where it is, which would take half a second if reading began without it.
  void expect(const std::string& topic);
  /// Looks for topics and creates them by way of this consumer: when it answers, what was expected has been found as well.
  Admin& admin() noexcept { return *admin_; }
  /// Reads the topic from now on; `ready` when a reply to a request sent then cannot be missed. `is_empty`: it was
  /// created just now, so that nothing has to be found out. Each topic once, until its `ready` has failed; within
  /// `start_timeout`. A topic that is deleted then is made anew, and read from its beginning.
  void read(const std::string& topic, bool is_empty, std::function<void(Result<void>)> ready);
  void close();

 private:
  using Ready = std::function<void(Result<void>)>;
  enum class Phase : std::uint8_t {
    positioning,  ///< Assigned.
    reading,
    gone,  ///< Deleted: being looked for.
  };
  struct Reading {
    explicit Reading(const asio::any_io_executor& executor) : timer(executor) {}
    Phase phase = Phase::positioning;
    Ready ready;               ///< Waits for the first position.
    asio::steady_timer timer;  ///< Until it must have that, or for the next look.
    unsigned looks = 0;        ///< Since it was positioned last.
  };

  ReplyReader(const asio::any_io_executor& executor, const Options& options, ReplyReaderHooks& hooks)
      : executor_(executor), options_(options), hooks_(&hooks) {}
  void tell_hindered();
  void on_message(Message message) override;
  void on_error(rd_kafka_resp_err_t code, std::string_view reason, bool is_fatal) override;
  void on_record_error(const std::string& topic, rd_kafka_resp_err_t code, const std::string& reason);
  rd_kafka_error_t* assign(const std::string& topic, std::int64_t offset);
  void unassign(const std::string& topic);
  void positioned(const std::string& topic);
  void fail(const std::string& topic, const Error& error);
  void look_later(const std::string& topic);
  void look(const std::string& topic);

  asio::any_io_executor executor_;
  Options options_;
  ReplyReaderHooks* hooks_;
  std::shared_ptr<Client> client_;
  std::unique_ptr<Admin> admin_;
  std::map<std::string, TopicHandle, std::less<>> expected_;
  std::map<std::string, Reading, std::less<>> reading_;
  std::size_t positioning_ = 0;  ///< Of those: the next record is of interest to them.
};

}  // namespace waybill::kafka
