// A connection's consumer: reads one partition of each reply topic, assigned by hand from its end.
#pragma once

#include "admin.hpp"
#include "client.hpp"
#include "waybill/transports/kafka.hpp"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace waybill::kafka {

class ReplyReaderHooks {
 public:
  virtual void on_reply_record(const rd_kafka_message_t& message) = 0;
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
  /// created just now, so that nothing has to be found out. Each topic once, until its `ready` has failed.
  void read(const std::string& topic, bool is_empty, std::function<void(Result<void>)> ready);
  void close();

 private:
  ReplyReader(const asio::any_io_executor& executor, const Options& options, ReplyReaderHooks& hooks)
      : executor_(executor), options_(options), hooks_(&hooks) {}
  void on_message(Message message) override;
  void on_error(rd_kafka_resp_err_t code, std::string_view reason, bool is_fatal) override;
  void positioned(const std::string& topic, Result<void> outcome);

  asio::any_io_executor executor_;
  Options options_;
  ReplyReaderHooks* hooks_;
  std::shared_ptr<Client> client_;
  std::unique_ptr<Admin> admin_;
  std::map<std::string, TopicHandle, std::less<>> expected_;
  std::map<std::string, std::function<void(Result<void>)>, std::less<>> waiting_;  ///< Topics not positioned yet.
};

}  // namespace waybill::kafka
