// The spans of one client, listener or HTTP server that are open.
#pragma once

#include "error_type.hpp"
#include "peer.hpp"
#include "waybill/opentelemetry.hpp"

#include <opentelemetry/trace/span.h>
#include <opentelemetry/trace/tracer.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

namespace waybill::opentelemetry {

namespace api = ::opentelemetry::trace;

/// A span that has not ended.
struct OpenSpan {
  ::opentelemetry::nostd::shared_ptr<api::Span> span;
  std::chrono::steady_clock::time_point done;  ///< When its work was done; not yet: zero.
  std::chrono::system_clock::time_point done_at;

  void fail(const std::string& type);
  /// It ends when its work was done, if that is known; else now.
  void end();
};

/// Base of what traces one client, listener or HTTP server.
///
/// Threads: that of whom it traces.
class Spans : public Observer {
 public:
  Spans(::opentelemetry::nostd::shared_ptr<api::Tracer> tracer, double ratio, std::string_view url)
      : peer_(url), tracer_(std::move(tracer)), ratio_(ratio) {}
  bool traces() const noexcept override { return true; }

 protected:
  /// Whether to ask for a span. If not, `trace` has become a step that is not sampled.
  bool wants(TraceContext& trace) const;
  enum class LinksParent { no, yes };
  /// Makes a span under the step that `trace` is, which becomes the step of the span; kept if it is recorded.
  void start(std::uint64_t number, const std::string& name, api::SpanKind kind, const Attributes& attributes,
             LinksParent links, TraceContext& trace);
  /// Null: it is not recorded.
  OpenSpan* find(std::uint64_t number) {
    if (open_.empty()) return nullptr;
    const auto found = open_.find(number);
    return found == open_.end() ? nullptr : &found->second;
  }
  void end(std::uint64_t number);
  /// Of messages; what a broker's conventions want besides, too.
  Attributes attributes_of(std::string_view operation, std::string_view destination) const;

  const Peer peer_;

 private:
  const ::opentelemetry::nostd::shared_ptr<api::Tracer> tracer_;
  const double ratio_;
  std::unordered_map<std::uint64_t, OpenSpan> open_;
};

}  // namespace waybill::opentelemetry
