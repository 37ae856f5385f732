// Session: one client, on a loop of its own, for as long as a command needs it.
#pragma once

#include "arguments.hpp"
#include "outcome.hpp"
#include <waybill/client.hpp>
#include <waybill/log.hpp>
#include <waybill/registry.hpp>

#include <asio/awaitable.hpp>

#include <functional>
#include <memory>

namespace waybill::cli {

class Session {
 public:
  /// A client of the URL, with what else the command line says of connecting. Throws Error(invalid_config), UsageError.
  explicit Session(const Arguments& arguments);

  ClientConfig& config() noexcept { return config_; }
  /// Throws Error(invalid_config) for a serializer that nobody knows.
  const Serializer& format() const;

  /// Connects and does the work; then closes and lets the loop say goodbye.
  Outcome run(const Log& log, const std::function<asio::awaitable<Outcome>(Client&)>& work);

 private:
  std::shared_ptr<const Registry> registry_;
  ClientConfig config_;
};

}  // namespace waybill::cli
