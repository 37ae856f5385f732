// Calls of one client.
#pragma once

#include "source.hpp"

#include <memory>
#include <vector>

namespace waybill::telemetry {

class ClientSource final : public LinkedSource {
 public:
  ClientSource(std::string url, std::size_t max_patterns, const Bounds& bounds);

  void call_began(const ObservedCall& call) noexcept override;
  void call_ended(const ObservedCall& call, const Error* error, std::chrono::nanoseconds took) noexcept override;
  void collect(Page& page, Part part) const override;

 private:
  struct Series {
    Series(std::string_view of, bool requests, const Bounds& bounds)
        : pattern(of), is_request(requests), took(bounds) {}
    const std::string pattern;  // as it was called
    const bool is_request;
    Cell began, ended, sent, received;
    Durations took;
    Failures failures;
  };
  Series& of(const ObservedCall& call) noexcept;
  Series* find(std::string_view pattern, bool is_request) noexcept;

  const Bounds& bounds_;
  const std::size_t most_;  // patterns of requests, and of events; one more of each is for what goes beyond
  std::unique_ptr<std::atomic<Series*>[]> series_;
  std::atomic<std::size_t> count_{0};
  std::vector<Series*> table_;          // by hash, open addressing; of the one that is told
  std::array<std::size_t, 2> known_{};  // events, requests
  Series* last_ = nullptr;              // calls of one pattern come in rows
  std::vector<std::unique_ptr<Series>> owned_;
};

}  // namespace waybill::telemetry
