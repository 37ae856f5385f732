// Files of TLS that are renewed under a role of redis: a link that is opened meanwhile does without the half written ones.
#include "protocol/session_pair.hpp"
#include "support/eventually.hpp"
#include "support/log_capture.hpp"

#include <asio/io_context.hpp>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace waybill::redis {
namespace {

class NoHooks final : public SessionHooks {
 public:
  void on_message(std::string_view, std::string_view, const Slice&) noexcept override {}
  void on_subscribed(const Question&, std::string_view) noexcept override {}
  void on_unsubscribed(const Question&, std::string_view) noexcept override {}
  void on_published(const Question&, std::int64_t) noexcept override {}
  void on_publish_refused(const Question&, std::string_view) noexcept override {}
  void on_answered(const Question&) noexcept override {}
};

class RedisTls : public testing::Test {
 protected:
  RedisTls() {
    std::filesystem::create_directories(folder);
    options.tls = true;
    options.ca = (folder / "ca.pem").string();
    Url::Host host;
    host.name = "127.0.0.1";
    host.port = 1;  // nobody is there
    options.hosts = {host};
    environment.executor = loop.get_executor();
    environment.log = logs.log();
  }
  ~RedisTls() override {
    test::run_ready(loop);
    std::filesystem::remove_all(folder);
  }
  bool make_authority() const {
    const std::string key = (folder / "ca.key").string();
    const std::string command =
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
        "-subj /CN=ca -keyout " +
        key + " -out " + options.ca + " 2>/dev/null";
    return std::system(command.c_str()) == 0;
  }
  std::error_code opened() {
    const auto pair = std::make_shared<SessionPair>(environment, options, memory, hooks, [](const Error&) {});
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    const Result<void> outcome = test::run_until(loop, pair->open(deadline, SIZE_MAX));
    pair->close();
    return outcome ? std::error_code() : outcome.error().code();
  }

  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() / ("waybill-redis-tls-" + std::to_string(::getpid()));
  asio::io_context loop{1};
  test::LogCapture logs;
  Environment environment;
  Options options;
  NoHooks hooks;
  std::shared_ptr<LinkMemory> memory = std::make_shared<LinkMemory>();
};

TEST_F(RedisTls, FilesThatAreHalfWrittenDoNotEndWhoHadGoodOnes) {
  ASSERT_TRUE(make_authority());
  memory.reset(new LinkMemory{false, false, 0, socket::FreshTls(std::chrono::milliseconds(0))});
  ASSERT_TRUE(opened() == errc::refused);
  std::ofstream(options.ca, std::ios::trunc) << "-----BEGIN CERTIFICATE-----\n";
  EXPECT_TRUE(opened() == errc::refused) << "nobody is there, as before: it is tried again";
  EXPECT_TRUE(logs.contains("the last ones stay"));
}

TEST_F(RedisTls, WithoutGoodFilesNothingBegins) {
  std::ofstream(options.ca) << "nothing";
  EXPECT_TRUE(opened() == errc::invalid_config);
}

}  // namespace
}  // namespace waybill::redis
