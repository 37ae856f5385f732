// HttpServer: a fixture with an HTTP server, and raw connections to it.
#pragma once

#include "support/http_caller.hpp"
#include "support/log_capture.hpp"
#include "waybill/http/server.hpp"

#include <gtest/gtest.h>

#include <optional>

namespace waybill::test {

/// A server on a free port, and raw connections to it.
class HttpServer : public testing::Test {
 protected:
  ~HttpServer() override {
    if (server_) server_->close();
    run_ready(loop_);
  }
  http::Server& server() {
    if (!server_) make("");
    return *server_;
  }
  void make(const std::string& options) {
    server_.emplace(loop_.get_executor(), http::ServerConfig::from_url("127.0.0.1:0" + options), log_.log());
  }
  void start() { ASSERT_TRUE(run_until(loop_, server().start())); }
  HttpCaller& caller() {
    if (!caller_) caller_.emplace(loop_, server().address());
    return *caller_;
  }
  asio::ip::tcp::socket connect() { return caller().connect(); }
  void send(asio::ip::tcp::socket& socket, std::string_view text) { HttpCaller::send(socket, text); }
  std::string read(asio::ip::tcp::socket& socket, const std::function<bool(const std::string&)>& is_whole) {
    return caller().read(socket, is_whole);
  }
  std::string exchange(asio::ip::tcp::socket& socket, std::string_view request) {
    return caller().exchange(socket, request);
  }
  std::string ask(std::string_view request) { return caller().ask(request); }
  std::string get(const std::string& target, const std::string& fields = {}) { return caller().get(target, fields); }
  static std::string status(const std::string& response) { return HttpCaller::status(response); }
  static std::string body(const std::string& response) { return HttpCaller::body(response); }

  asio::io_context loop_{1};
  LogCapture log_;
  std::optional<http::Server> server_;
  std::optional<HttpCaller> caller_;
};

}  // namespace waybill::test
