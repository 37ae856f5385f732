// What a service answers to those who ask what it is and does.
#pragma once

#include "service/route_table.hpp"
#include "waybill/introspection.hpp"
#include "waybill/observer.hpp"
#include "waybill/service.hpp"

#include <asio/awaitable.hpp>

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace waybill::detail {

/// Counts by handler, as an observer of the service's messages.
///
/// Threads: any, once it is made.
class Introspection final : public Observer {
 public:
  /// What the service itself knows at the moment that it is asked.
  struct Now {
    std::vector<ListenerState> listeners;
    ServiceStats stats;
  };

  /// REQUIRES: the tables are complete. They must outlive it.
  Introspection(const Config& config, const std::vector<RouteTable>& tables, std::function<Now()> now);

  asio::awaitable<ServiceInfo> answer(const IntrospectionQuery& query) const;

  void message_handled(const ObservedMessage& message, const Error* error,
                       std::chrono::nanoseconds took) noexcept override;

 private:
  struct Figures {
    std::atomic<std::uint64_t> handled{0}, failed{0};
    std::atomic<std::int64_t> total{0}, most{0};  // nanoseconds
  };
  struct Entry {
    std::string_view pattern;
    bool is_request = false;
    HandlerTypes types;
    Figures figures;
    std::string last_error;  // guarded by mutex_
  };
  void add(std::string_view pattern, bool is_request, const Handler& handler);
  Entry* find(std::string_view pattern, bool is_request) const noexcept;
  HandlerInfo describe(const Entry& entry, IntrospectionQuery::Ask ask) const;

  ServiceInfo self_;
  std::function<Now()> now_;
  std::vector<std::unique_ptr<Entry>> entries_;  // in the order of their registration
  std::unordered_map<std::string_view, Entry*> requests_, events_;
  mutable std::atomic<std::uint64_t> answering_{0};
  mutable std::mutex mutex_;
};

}  // namespace waybill::detail
