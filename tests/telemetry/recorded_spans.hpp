// Spans that were made, as a test looks at them.
#pragma once

#include "waybill/opentelemetry.hpp"

#include <gtest/gtest.h>
#include <opentelemetry/exporters/memory/in_memory_span_data.h>
#include <opentelemetry/exporters/memory/in_memory_span_exporter_factory.h>
#include <opentelemetry/sdk/trace/samplers/always_on.h>
#include <opentelemetry/sdk/trace/simple_processor_factory.h>
#include <opentelemetry/sdk/trace/tracer_provider_factory.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace waybill::test {

namespace sdk = ::opentelemetry::sdk::trace;
namespace api = ::opentelemetry::trace;
namespace memory_exporter = ::opentelemetry::exporter::memory;

struct RecordedEvent {
  std::string name;
  std::map<std::string, std::string> attributes;
};

struct RecordedSpan {
  std::string name;
  api::SpanKind kind{};
  std::string trace_id, id, parent;  ///< In hexadecimal; a parent of zeros: none.
  std::vector<std::string> links;
  std::map<std::string, std::string> attributes;
  std::vector<RecordedEvent> events;
  bool is_failed = false;
  std::chrono::nanoseconds took{};
  bool has(const std::string& attribute) const { return attributes.contains(attribute); }
  std::string at(const std::string& attribute) const { return has(attribute) ? attributes.at(attribute) : "(none)"; }
};

template <class Id>
std::string hex_of(const Id& id) {
  char text[2 * Id::kSize];
  id.ToLowerBase16(text);
  return std::string(text, sizeof text);
}

struct TextOf {
  std::string operator()(const std::string& text) const { return text; }
  std::string operator()(bool flag) const { return flag ? "true" : "false"; }
  template <class T>
  std::string operator()(const T& value) const {
    if constexpr (std::is_arithmetic_v<T>) {
      return std::to_string(value);
    } else {
      return "(a list)";
    }
  }
};

template <class Attributes>
std::map<std::string, std::string> texts_of(const Attributes& attributes) {
  std::map<std::string, std::string> texts;
  for (const auto& [name, value] : attributes) texts[name] = ::opentelemetry::nostd::visit(TextOf(), value);
  return texts;
}

/// A provider whose spans stay in memory.
class RecordedSpans {
 public:
  RecordedSpans() {
    auto exporter = memory_exporter::InMemorySpanExporterFactory::Create(data_, 20'000);
    provider_ = ::opentelemetry::nostd::shared_ptr<api::TracerProvider>(
        sdk::TracerProviderFactory::Create(sdk::SimpleSpanProcessorFactory::Create(std::move(exporter))).release());
  }
  opentelemetry::TracingOptions options(double ratio = 1) const {
    opentelemetry::TracingOptions made;
    made.provider = provider_;
    made.ratio = ratio;
    return made;
  }
  std::shared_ptr<Observer> tracing(double ratio = 1) const { return opentelemetry::tracing(options(ratio)); }
  const ::opentelemetry::nostd::shared_ptr<api::TracerProvider>& provider() const { return provider_; }

  /// All that have ended, in the order of their ends.
  const std::vector<RecordedSpan>& all() {
    for (const auto& span : data_->GetSpans()) {
      RecordedSpan one;
      one.name = std::string(span->GetName());
      one.kind = span->GetSpanKind();
      one.trace_id = hex_of(span->GetTraceId());
      one.id = hex_of(span->GetSpanId());
      one.parent = hex_of(span->GetParentSpanId());
      one.attributes = texts_of(span->GetAttributes());
      for (const auto& link : span->GetLinks()) one.links.push_back(hex_of(link.GetSpanContext().span_id()));
      for (const auto& event : span->GetEvents())
        one.events.push_back({event.GetName(), texts_of(event.GetAttributes())});
      one.is_failed = span->GetStatus() == api::StatusCode::kError;
      one.took = span->GetDuration();
      spans_.push_back(std::move(one));
    }
    return spans_;
  }
  std::size_t count() { return all().size(); }
  /// The nth of that name.
  const RecordedSpan& of(const std::string& name, std::size_t nth = 0) {
    for (const RecordedSpan& span : all()) {
      if (span.name == name && nth-- == 0) return span;
    }
    ADD_FAILURE() << "no span " << name;
    static const RecordedSpan none;
    return none;
  }

 private:
  std::shared_ptr<memory_exporter::InMemorySpanData> data_;
  ::opentelemetry::nostd::shared_ptr<api::TracerProvider> provider_;
  std::vector<RecordedSpan> spans_;
};

inline const std::string k_no_parent = "0000000000000000";

}  // namespace waybill::test
