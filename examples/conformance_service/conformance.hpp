// The conformance service: handlers of agreed behaviour, which other implementations of the wire format are tested
// against. docs/interop-with-nestjs.md says what each does.
#pragma once

#include <waybill/adapt/nlohmann.hpp>
#include <waybill/waybill.hpp>

#include <asio/steady_timer.hpp>
#include <nlohmann/json.hpp>

#include <map>
#include <string>
#include <vector>

namespace conformance {

using Json = nlohmann::ordered_json;

/// What events leave behind and operations ask for, whichever URL they come through. Handlers run on one loop: no lock.
struct Memory {
  std::map<std::string, double> counters;
  std::map<std::string, Json> last;              ///< By name: data and fields of the last event.
  std::map<std::string, std::vector<Json>> log;  ///< By name: sequence numbers in the order of arrival.
};

/// What the handlers of one URL know.
struct State {
  Memory& memory;
  std::string instance;
  std::string scheme;  ///< Which fields of a message its handlers report.

  Json add(const std::string& name, double amount) { return {{"count", memory.counters[name] += amount}}; }
};

/// Registers a handler under the text `conf.NAME` and, but on Kafka, whose topics have names that objects do not fit, under
/// the object {"KEY":"NAME"}.
class Handlers {
 public:
  Handlers(waybill::Service& service, bool is_kafka) : service_(service), is_kafka_(is_kafka) {}

  template <class F>
  void operation(const std::string& name, F handler) {
    service_.on_request("conf." + name, handler);
    if (!is_kafka_) service_.on_request({{"cmd", name}}, handler);
  }
  template <class F>
  void event(const std::string& name, F handler) {
    service_.on_event("conf." + name, handler);
    if (!is_kafka_) service_.on_event({{"ev", name}}, handler);
  }
  waybill::Service& service() noexcept { return service_; }
  bool is_kafka() const noexcept { return is_kafka_; }

 private:
  waybill::Service& service_;
  bool is_kafka_;
};

void add_operations(Handlers& handlers, State& state);
void add_streams(Handlers& handlers);
void add_failures(Handlers& handlers);
void add_events(Handlers& handlers, State& state);
void add_other_patterns(Handlers& handlers);
/// Patterns with wildcards, where the URL is of Redis and asks for them.
void add_globs(Handlers& handlers, State& state, const waybill::Url& url);

/// What a URL of AMQP means to this service: NestJS's default is to acknowledge nothing, so that is ours here, too.
struct AmqpMode {
  bool acknowledges = false;   ///< noAck=false: handlers acknowledge by hand.
  bool has_wildcards = false;  ///< wildcards=true
};
bool is_amqp(const waybill::Url& url);
/// Reads the mode, and makes of a URL that says nothing of acknowledgements one that wants none.
/// REQUIRES: is_amqp(url)
AmqpMode adapt_amqp(waybill::Url& url);
void add_amqp(Handlers& handlers, State& state, const AmqpMode& mode);

/// `none` if the message has no payload, `binary` if it is raw bytes, else what JavaScript calls the payload's type, with
/// `null` and `array`.
std::string type_of(const Json& data, const waybill::Context& context, bool is_kafka);
/// {"data":data}; without the member if the message has no payload.
Json with_data(const Json& data, const waybill::Context& context);
/// What a handler can see of the message besides its data; which fields those are depends on the carrier.
void add_message_fields(Json& object, const std::string& scheme, waybill::Context& context);

/// A member of an object, or `otherwise` if it is missing or of another type.
template <class T>
T member(const Json& data, const char* name, T otherwise) {
  if (!data.is_object() || !data.contains(name)) return otherwise;
  const Json& value = data.at(name);
  if constexpr (std::is_same_v<T, std::string>) {
    return value.is_string() ? value.get<T>() : otherwise;
  } else {
    return value.is_number() ? value.get<T>() : otherwise;
  }
}

asio::awaitable<void> pause(std::chrono::milliseconds time);

}  // namespace conformance
