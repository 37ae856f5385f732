// What tells instruments of a client, a listener, an HTTP server.
#pragma once

#include "instruments.hpp"
#include "waybill/observer.hpp"

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>

namespace waybill::opentelemetry {

/// Base of what observes one client, listener or HTTP server.
///
/// Threads: that of whom it observes.
class SourceMetrics : public Observer {
 public:
  SourceMetrics(std::shared_ptr<const Instruments> instruments, std::string_view url)
      : instruments_(std::move(instruments)), peer_(url) {}
  void link_changed(std::string_view url, Status status) noexcept override;

 protected:
  const std::shared_ptr<const Instruments> instruments_;
  const Peer peer_;

 private:
  bool was_ready_ = false;
  bool was_lost_ = false;
};

class ClientMetrics final : public SourceMetrics {
 public:
  ClientMetrics(std::shared_ptr<const Instruments> instruments, std::string_view url, std::size_t max_patterns)
      : SourceMetrics(std::move(instruments), url), max_patterns_(max_patterns) {}
  void call_began(const ObservedCall& call) noexcept override;
  void call_ended(const ObservedCall& call, const Error* error, std::chrono::nanoseconds took) noexcept override;

 private:
  Attributes attributes_of(const ObservedCall& call);
  const std::size_t max_patterns_;
  std::unordered_set<std::string> patterns_;
};

class ListenerMetrics final : public SourceMetrics {
 public:
  using SourceMetrics::SourceMetrics;
  void message_came(const ObservedMessage& message) noexcept override;
  void message_handled(const ObservedMessage& message, const Error* error,
                       std::chrono::nanoseconds took) noexcept override;
  void message_settled(const ObservedMessage& message, Fate fate) noexcept override;

 private:
  Attributes attributes_of(const ObservedMessage& message) const;
};

class HttpMetrics final : public SourceMetrics {
 public:
  using SourceMetrics::SourceMetrics;
  void http_began(const ObservedHttp& request) noexcept override;
  void http_ended(const ObservedHttp& request, std::chrono::nanoseconds took) noexcept override;

 private:
  Attributes attributes_of(const ObservedHttp& request) const;
};

}  // namespace waybill::opentelemetry
