// What traces a client, a listener, an HTTP server.
#pragma once

#include "spans.hpp"

namespace waybill::opentelemetry {

class ClientSpans final : public Spans {
 public:
  using Spans::Spans;
  void call_traced(const ObservedCall& call, TraceContext& trace) noexcept override;
  void call_repeated(const ObservedCall& call, int attempt, const Error& why) noexcept override;
  void call_ended(const ObservedCall& call, const Error* error, std::chrono::nanoseconds took) noexcept override;
};

/// Spans of messages last until their handlers have ended, and are handed over when the carrier knows what became of them.
class ListenerSpans final : public Spans {
 public:
  using Spans::Spans;
  void message_traced(const ObservedMessage& message, TraceContext& trace) noexcept override;
  void message_handled(const ObservedMessage& message, const Error* error,
                       std::chrono::nanoseconds took) noexcept override;
  void message_settled(const ObservedMessage& message, Fate fate) noexcept override;
};

class HttpSpans final : public Spans {
 public:
  using Spans::Spans;
  void http_traced(const ObservedHttp& request, TraceContext& trace) noexcept override;
  void http_ended(const ObservedHttp& request, std::chrono::nanoseconds took) noexcept override;
};

}  // namespace waybill::opentelemetry
