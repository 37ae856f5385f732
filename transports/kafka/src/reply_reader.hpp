// A connection's consumer: reads one partition of each reply topic, assigned by hand from its end.
#pragma once

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
  static Result<std::shared_ptr<ReplyReader>> make(const asio::any_io_executor& executor, Log log,
                                                   const Options& options, ReplyReaderHooks& hooks);

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
  std::map<std::string, std::function<void(Result<void>)>, std::less<>> waiting_;  ///< Topics not positioned yet.
};

}  // namespace waybill::kafka
