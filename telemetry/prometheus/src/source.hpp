// What is counted of one client, listener or server.
#pragma once

#include "page.hpp"
#include "waybill/observer.hpp"

#include <array>
#include <atomic>
#include <map>
#include <mutex>
#include <string>
#include <utility>

namespace waybill::telemetry {

/// Threads: told by one at a time; collect() from any.
class Source : public Observer {
 public:
  enum class Part {
    all,
    counts,  ///< Of what is gone: no gauges.
  };
  virtual void collect(Page& page, Part part) const = 0;
};

/// Bounds by name, of which there are few.
class BoundCells {
 public:
  void add(std::string_view bound) noexcept;
  void collect(const Metric& metric, const std::string& url, Page& page) const;

 private:
  static constexpr std::array<std::string_view, 4> k_names{"max_in_flight", "max_queued", "max_unsent", k_other};
  std::array<Cell, k_names.size()> cells_;
};

/// What a carrier's library tells. Rarely, so that a lock does no harm.
class Figures {
 public:
  void tell(std::string_view name, double value) noexcept;
  void collect(const std::string& url, Page& page) const;

 private:
  static constexpr std::size_t k_most = 2000;
  mutable std::mutex mutex_;
  std::map<std::string, double, std::less<>> values_;
};

/// One that has a link: a client, or a listener.
class LinkedSource : public Source {
 public:
  explicit LinkedSource(std::string url) : url_(std::move(url)) {}

  void link_changed(std::string_view, Status status) noexcept override { link_.changed(status); }
  void bound_reached(std::string_view, std::string_view bound) noexcept override { bounds_reached_.add(bound); }
  void figure_told(std::string_view, std::string_view name, double value) noexcept override {
    figures_.tell(name, value);
  }

 protected:
  struct LinkMetrics {
    const Metric& links;
    const Metric& reconnects;
    const Metric& bounds;
  };
  void collect_link(const LinkMetrics& metrics, Part part, Page& page) const;

  const std::string url_;

 private:
  Link link_;
  BoundCells bounds_reached_;
  Figures figures_;
};

}  // namespace waybill::telemetry
