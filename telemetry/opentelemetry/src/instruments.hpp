// Instruments of the semantic conventions for messaging and HTTP: one set for all that one provider keeps.
#pragma once

#include "peer.hpp"

#include <opentelemetry/metrics/meter_provider.h>
#include <opentelemetry/metrics/sync_instruments.h>
#include <opentelemetry/nostd/shared_ptr.h>
#include <opentelemetry/nostd/unique_ptr.h>

#include <chrono>
#include <cstdint>
#include <memory>

namespace waybill::opentelemetry {

/// Threads: any.
class Instruments {
 public:
  using Provider = ::opentelemetry::nostd::shared_ptr<::opentelemetry::metrics::MeterProvider>;
  /// Those that there are already, or new ones: of two instruments of one name the SDK (1.19) reads only the later one.
  static std::shared_ptr<const Instruments> of(const Provider& provider);

  using Duration = ::opentelemetry::nostd::unique_ptr<::opentelemetry::metrics::Histogram<double>>;     // seconds
  using Size = ::opentelemetry::nostd::unique_ptr<::opentelemetry::metrics::Histogram<std::uint64_t>>;  // bytes
  using Count = ::opentelemetry::nostd::unique_ptr<::opentelemetry::metrics::Counter<std::uint64_t>>;
  using Level = ::opentelemetry::nostd::unique_ptr<::opentelemetry::metrics::UpDownCounter<std::int64_t>>;

  Count sent, consumed, settled, reconnects;
  Duration call, process, http;
  Level http_active;
  Size http_received, http_sent;

  static void record(const Duration& into, std::chrono::nanoseconds took, const Attributes& attributes) noexcept;
  static void record(const Size& into, std::uint64_t bytes, const Attributes& attributes) noexcept;

 private:
  explicit Instruments(const Provider& provider);
  Provider provider_;
};

}  // namespace waybill::opentelemetry
