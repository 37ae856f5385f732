// Requests of one HTTP server.
#pragma once

#include "source.hpp"

#include <memory>
#include <vector>

namespace waybill::telemetry {

class HttpSource final : public Source {
 public:
  HttpSource(std::span<const std::string> routes, const Bounds& bounds);

  void http_began(const ObservedHttp& request) noexcept override;
  void http_ended(const ObservedHttp& request, std::chrono::nanoseconds took) noexcept override;
  void collect(Page& page, Part part) const override;

 private:
  /// Statuses that there were, one after the other; the last cell is for more than the others take.
  class Statuses {
   public:
    void add(int status) noexcept;
    template <class F>
    void each(F call) const {
      for (const One& one : ones_) {
        if (const auto count = one.count.value()) call(one.status.load(std::memory_order_relaxed), count);
      }
    }

   private:
    struct One {
      std::atomic<int> status{-1};
      Cell count;
    };
    std::array<One, 24> ones_;
  };
  struct Series {
    explicit Series(const Bounds& bounds) : took(bounds) {}
    std::string method, path;
    Cell began, ended, received, sent;
    Durations took;
    Statuses statuses;
  };
  Series& of(const ObservedHttp& request) noexcept;

  std::size_t routes_;
  std::vector<std::unique_ptr<Series>> series_;  // of each route; then of each method without one
};

}  // namespace waybill::telemetry
