// A client's reader of replies where no broker is: what waits for it does not wait for ever.
// No unit test: librdkafka's threads crash under the thread sanitizer.
#include "flow/reply_reader.hpp"
#include "support/eventually.hpp"
#include "support/log_capture.hpp"

#include <gtest/gtest.h>

#include <optional>

namespace waybill::kafka {
namespace {

class NoReplies final : public ReplyReaderHooks {
 public:
  void on_reply_record(const rd_kafka_message_t&) override {}
  void on_hindered(std::string_view) override {}
  void on_reader_error(rd_kafka_resp_err_t, std::string_view, bool) override {}
};

TEST(KafkaReplyReader, TellsThatATopicCannotBeReadInTimeAndMayBeAskedAgain) {
  asio::io_context loop(1);
  const test::LogCapture logs;
  Environment environment;
  environment.executor = loop.get_executor();
  environment.log = logs.log();
  Options options;
  options.hosts = {{"127.0.0.1", 1}};
  options.start_timeout = std::chrono::milliseconds(100);
  NoReplies hooks;
  const auto reader = ReplyReader::make(environment, options, hooks).value();
  for (int i = 0; i < 2; ++i) {
    std::optional<Result<void>> outcome;
    reader->read("work.reply", false, [&outcome](Result<void> ready) { outcome = std::move(ready); });
    ASSERT_TRUE(test::eventually(loop, [&] { return outcome.has_value(); }));
    ASSERT_FALSE(*outcome);
    EXPECT_TRUE(outcome->error().is_retryable());
    EXPECT_NE(std::string(outcome->error().what()).find("cannot read replies from work.reply"), std::string::npos);
  }
  reader->close();
  test::run_ready(loop);
}

}  // namespace
}  // namespace waybill::kafka
