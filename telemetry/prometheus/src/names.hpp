// Every metric: its name, its type, what it says. docs/metrics.md has the same, with the labels.
#pragma once

#include <prometheus/metric_type.h>

namespace waybill::telemetry {

struct Metric {
  const char* name;
  ::prometheus::MetricType type;
  const char* help;
};

namespace names {
using Type = ::prometheus::MetricType;

// clang-format off
inline constexpr Metric k_client_calls{"waybill_client_calls_total", Type::Counter, "Calls that clients have made."};
inline constexpr Metric k_client_in_flight{"waybill_client_calls_in_flight", Type::Gauge, "Calls that have not ended."};
inline constexpr Metric k_client_durations{"waybill_client_call_duration_seconds", Type::Histogram, "From a call to its end, of calls that somebody waits for."};
inline constexpr Metric k_client_errors{"waybill_client_call_errors_total", Type::Counter, "Calls that ended with an error."};
inline constexpr Metric k_client_sent{"waybill_client_sent_bytes_total", Type::Counter, "Bytes of payloads sent."};
inline constexpr Metric k_client_received{"waybill_client_received_bytes_total", Type::Counter, "Bytes of the last payloads of replies."};
inline constexpr Metric k_client_links{"waybill_client_links", Type::Gauge, "Clients by what their link is."};
inline constexpr Metric k_client_reconnects{"waybill_client_reconnects_total", Type::Counter, "Links that were lost and are back."};
inline constexpr Metric k_client_bounds{"waybill_client_bounds_reached_total", Type::Counter, "How often a bound made calls wait or fail."};

inline constexpr Metric k_messages{"waybill_service_messages_total", Type::Counter, "Messages that have come."};
inline constexpr Metric k_in_flight{"waybill_service_messages_in_flight", Type::Gauge, "Messages that are not settled: handled, waiting to be tried again or to be parked."};
inline constexpr Metric k_durations{"waybill_service_handler_duration_seconds", Type::Histogram, "From the coming of a message to the end of its handlers."};
inline constexpr Metric k_errors{"waybill_service_handler_errors_total", Type::Counter, "Messages whose handlers failed."};
inline constexpr Metric k_settled{"waybill_service_messages_settled_total", Type::Counter, "Messages by what became of them."};
inline constexpr Metric k_received{"waybill_service_received_bytes_total", Type::Counter, "Bytes of payloads that have come."};
inline constexpr Metric k_sent{"waybill_service_sent_bytes_total", Type::Counter, "Bytes of payloads of replies."};
inline constexpr Metric k_links{"waybill_service_links", Type::Gauge, "Listeners, one on each loop, by what their link is."};
inline constexpr Metric k_reconnects{"waybill_service_reconnects_total", Type::Counter, "Links that were lost and are back."};
inline constexpr Metric k_bounds{"waybill_service_bounds_reached_total", Type::Counter, "How often a bound made messages wait."};
inline constexpr Metric k_lag{"waybill_service_lag_messages", Type::Gauge, "Messages that wait at the broker for this listener."};
inline constexpr Metric k_letters{"waybill_service_dead_letters_waiting", Type::Gauge, "Messages that were given up and have no place in the dead-letter channel."};

inline constexpr Metric k_http_requests{"waybill_http_requests_total", Type::Counter, "Requests that have ended; status 0: their caller left before."};
inline constexpr Metric k_http_in_flight{"waybill_http_requests_in_flight", Type::Gauge, "Requests that have not ended."};
inline constexpr Metric k_http_durations{"waybill_http_request_duration_seconds", Type::Histogram, "From a whole request to its whole response."};
inline constexpr Metric k_http_received{"waybill_http_received_bytes_total", Type::Counter, "Bytes of bodies of requests."};
inline constexpr Metric k_http_sent{"waybill_http_sent_bytes_total", Type::Counter, "Bytes of bodies of responses."};

inline constexpr Metric k_held{"waybill_held_bytes", Type::Gauge, "Bytes of others that this process holds: buffers of sockets, messages in hand."};
inline constexpr Metric k_held_limit{"waybill_held_bytes_limit", Type::Gauge, "From where on connections that hold most are closed."};
inline constexpr Metric k_figure{"waybill_transport_figure", Type::Gauge, "What the library of a carrier tells of itself."};
// clang-format on
}  // namespace names

}  // namespace waybill::telemetry
