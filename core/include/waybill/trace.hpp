// TraceContext: which trace a message belongs to: W3C Trace Context and Baggage, as headers of a message on every transport.
#pragma once

#include "waybill/headers.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace waybill {

namespace header {
inline constexpr std::string_view k_traceparent = "traceparent";
inline constexpr std::string_view k_tracestate = "tracestate";
inline constexpr std::string_view k_baggage = "baggage";
}  // namespace header

/// The value of `traceparent`: a trace, and the step of it that calls.
struct Traceparent {
  static constexpr std::uint8_t k_sampled = 1;

  std::array<std::uint8_t, 16> trace_id{};
  std::array<std::uint8_t, 8> parent_id{};
  std::uint8_t flags = 0;

  /// The first step of a new trace. Its ids cannot be guessed.
  static Traceparent start(bool is_sampled);
  /// A further step of the same trace, with the same flags.
  Traceparent next() const;
  /// Nothing for what the W3C's rules call invalid. Of a later version than 00 the parts that 00 knows.
  static std::optional<Traceparent> parse(std::string_view text) noexcept;
  /// In version 00: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".
  std::string to_text() const;
  std::string trace_id_text() const;  ///< 32 hexadecimal digits.
  bool is_sampled() const noexcept { return (flags & k_sampled) != 0; }

  friend bool operator==(const Traceparent&, const Traceparent&) = default;
};

/// What of a trace goes along with a message. A value; whatever was malformed when it was read is not in it.
struct TraceContext {
  static constexpr std::size_t k_max_state = 512;     ///< Bytes of `tracestate`,
  static constexpr std::size_t k_max_baggage = 8192;  ///< and of `baggage`; of longer ones whole members are left out.

  TraceContext() {}  // NOLINT: not an aggregate, so that g++ 12 may destroy it inside a co_await statement
  std::optional<Traceparent> parent;
  std::string state;    ///< Only where there is a parent.
  std::string baggage;  ///< Also without.

  bool empty() const noexcept { return !parent && baggage.empty(); }
  /// A further step of the trace that there is; else the first step of a new one. `ratio` of the new ones are sampled, from 0 to 1.
  void step(double ratio);
  static TraceContext of(const Headers& headers);
  static TraceContext of(std::string_view traceparent, std::string_view tracestate, std::string_view baggage);
  /// Sets the three headers; those that it has nothing for are gone afterwards.
  void write_to(Headers& headers) const;
};

}  // namespace waybill
