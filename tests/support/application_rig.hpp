// An application on a loop of the test's, and a caller of its HTTP server.
#pragma once

#include "support/http_caller.hpp"
#include "waybill/application.hpp"

#include <asio/io_context.hpp>
#include <gtest/gtest.h>

#include <optional>
#include <string>

namespace waybill::test {

/// A base of fixtures.
class ApplicationRig {
 protected:
  ~ApplicationRig() {
    if (app_) app_->close();
    run_ready(loop_);
  }
  Application& make(const std::string& yaml) {
    app_.emplace(loop_.get_executor(), ApplicationConfig::parse(yaml));
    return *app_;
  }
  void start() {
    ASSERT_NO_THROW(run_until(loop_, [](Application& app) -> asio::awaitable<void> { co_await app.start(); }(*app_)));
    caller_.emplace(loop_, app_->addresses().back());
  }

  asio::io_context loop_{1};
  std::optional<Application> app_;
  std::optional<HttpCaller> caller_;
};

}  // namespace waybill::test
