// Messages of one listener on one loop.
#pragma once

#include "source.hpp"

#include <memory>
#include <vector>

namespace waybill::telemetry {

class ListenerSource final : public LinkedSource {
 public:
  ListenerSource(std::string url, std::span<const std::string> routes, const Bounds& bounds);

  void message_came(const ObservedMessage& message) noexcept override;
  void message_handled(const ObservedMessage& message, const Error* error,
                       std::chrono::nanoseconds took) noexcept override;
  void message_settled(const ObservedMessage& message, Fate fate) noexcept override;
  void collect(Page& page, Part part) const override;

 private:
  static constexpr std::size_t k_fates = static_cast<std::size_t>(Fate::dropped) + 1;
  struct Series {
    explicit Series(const Bounds& bounds) : handled(bounds) {}
    Cell came, received, sent;
    std::array<Cell, k_fates> fates;
    Durations handled;
    Failures failures;
  };
  Series& of(const ObservedMessage& message) noexcept {
    const std::size_t route = message.route < routes_.size() ? message.route : routes_.size();
    return *series_[2 * route + (message.is_request ? 0 : 1)];
  }

  std::vector<std::string> routes_;
  std::vector<std::unique_ptr<Series>> series_;  // of each route requests and events; then of what has no handler
};

}  // namespace waybill::telemetry
