// `waybill health`: exit codes that supervisors go by.
#include "cli_process.hpp"

#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/read_until.hpp>
#include <asio/write.hpp>
#include <gtest/gtest.h>

#include <string>
#include <thread>

namespace waybill {
namespace {

using asio::ip::tcp;
using test::Cli;

/// Answers one caller, and keeps what it asked for.
class OneAnswer {
 public:
  explicit OneAnswer(std::string answer) : acceptor_(loop_, {asio::ip::address_v4::loopback(), 0}) {
    thread_ = std::thread([this, answer = std::move(answer)] {
      tcp::socket socket = acceptor_.accept();
      std::error_code ignored;
      asio::read_until(socket, asio::dynamic_buffer(request), "\r\n\r\n", ignored);
      asio::write(socket, asio::buffer(answer), ignored);
    });
  }
  void wait() { thread_.join(); }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()); }
  std::string request;

 private:
  asio::io_context loop_;
  tcp::acceptor acceptor_;
  std::thread thread_;
};

TEST(HealthCli, IsDoneWhenTheProgramIsReadyAndPrintsWhatItSays) {
  OneAnswer program("HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\n{\"ready\":true}");
  Cli health({"health", program.url()});
  EXPECT_EQ(health.rest(), std::vector<std::string>{R"({"ready":true})"});
  EXPECT_EQ(health.exit_code(), 0);
  program.wait();
  EXPECT_EQ(program.request.find("GET /readyz HTTP/1.1\r\n"), 0u) << program.request;
}

TEST(HealthCli, WhatATerminalWouldTakeForCommandsIsNotPrinted) {
  OneAnswer program(
      "HTTP/1.1 200 OK\r\n\r\na\x1b[2Jb\xc2\x9b"
      "c\xe2\x80\xae"
      "d\xe2\x81\xa6"
      "e\xc3\xa4");
  Cli health({"health", program.url()});
  EXPECT_EQ(health.rest(), std::vector<std::string>{"a?[2Jb?c?d?e\xc3\xa4"});
  EXPECT_EQ(health.exit_code(), 0);
  program.wait();
}

TEST(HealthCli, EndsWithOneWhenItIsNot) {
  OneAnswer program("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 15\r\n\r\n{\"ready\":false}");
  Cli health({"health", program.url(), "--live"});
  EXPECT_NE(health.error_line("not_live").find("503 {\\\"ready\\\":false}"), std::string::npos);
  EXPECT_EQ(health.exit_code(), 1);
  program.wait();
  EXPECT_EQ(program.request.find("GET /livez HTTP/1.1\r\n"), 0u) << program.request;
}

TEST(HealthCli, AsksThePathOfTheUrl) {
  OneAnswer program("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  Cli health({"health", program.url() + "/health/of/it"});
  EXPECT_EQ(health.exit_code(), 0);
  program.wait();
  EXPECT_EQ(program.request.find("GET /health/of/it HTTP/1.1\r\n"), 0u) << program.request;
}

TEST(HealthCli, EndsWithThreeWhereNobodyIsAndWithFourWhereNobodyAnswers) {
  asio::io_context loop;
  tcp::acceptor silent(loop, {asio::ip::address_v4::loopback(), 0});
  const std::string url = "http://127.0.0.1:" + std::to_string(silent.local_endpoint().port());
  Cli waits({"health", url, "--timeout", "200ms"});
  EXPECT_EQ(waits.exit_code(), 4);
  silent.close();
  Cli refused({"health", url});
  EXPECT_EQ(refused.exit_code(), 3);
}

TEST(HealthCli, RefusesWhatIsNoUrlOfHttp) {
  for (const char* url : {"tcp://127.0.0.1:1", "127.0.0.1:80", "http://", "http://a,b", "http://user@a"}) {
    Cli health({"health", url});
    EXPECT_EQ(health.exit_code(), 2) << url;
  }
}

TEST(HealthCli, WhatAnswersOtherwiseHasFailed) {
  OneAnswer program("+OK ready\r\n\r\n");
  Cli health({"health", program.url()});
  EXPECT_EQ(health.exit_code(), 5);
  program.wait();
}

}  // namespace
}  // namespace waybill
