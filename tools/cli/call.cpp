#include "call.hpp"

#include "inputs.hpp"
#include "session.hpp"

#include <optional>

namespace waybill::cli {
namespace {

/// A call with everything that was typed turned into what the client takes. Throws UsageError.
struct Call {
  Call(const Arguments& arguments, const Serializer& format)
      : command(arguments.command),
        pattern(parse_pattern(arguments.pattern)),
        body(parse_value(read_data(arguments.data), format, "data")),
        count(arguments.count),
        serializer(format) {
    options.timeout = timeout_of(arguments);
    if (!arguments.options.empty()) options.properties = parse_headers(arguments.options, "--options").texts;
    if (!arguments.headers.empty()) take_headers(arguments.headers);
    if (!arguments.metadata.empty()) options.metadata = parse_value(arguments.metadata, format, "--metadata");
  }

  /// Nothing: what the URL says.
  static std::optional<std::chrono::milliseconds> timeout_of(const Arguments& arguments) {
    using namespace std::chrono_literals;
    if (!arguments.timeout.empty()) return parse_time(arguments.timeout, "--timeout");
    if (Url::parse(arguments.url).value().option("timeout")) return std::nullopt;
    return arguments.command == Command::stream ? std::chrono::milliseconds(24h * 365) : 5000ms;
  }

  void take_headers(const std::string& json) {
    JsonHeaders headers = parse_headers(json, "--headers");
    options.headers = std::move(headers.texts);
    // Where headers have types, this property gives them.
    if (!headers.are_texts) options.properties.set("headers", json);
  }
  /// As NestJS's events: they do not outlive their broker, unless that is asked for.
  void be_transient(const Url& url) {
    const bool is_said =
        url.option("persistent") || options.properties.find("persistent") || options.properties.find("deliveryMode");
    if (!is_said) options.properties.set("persistent", "false");
  }

  Command command;
  Pattern pattern;
  Payload body;
  CallOptions options;
  std::uint64_t count;
  const Serializer& serializer;
};

/// Prints values until the reply ends. Throws the Error that ended it.
asio::awaitable<void> print_reply(Client& client, const Call& call) {
  ReplyStream<Payload> values = client.stream<Payload>(call.pattern, call.body, call.options);
  for (std::uint64_t printed = 0; call.count == 0 || printed < call.count; ++printed) {
    const std::optional<Payload> value = co_await values.next();
    if (!value) break;
    if (!value->empty()) print_line(json_line(*value).value());
  }
}

asio::awaitable<void> send_event(Client& client, const Call& call) {
  co_await client.emit(call.pattern, call.body, call.options);
  co_await client.flush();
}

asio::awaitable<Outcome> run(Client& client, const Call& call) {
  try {
    if (call.command == Command::emit) {
      co_await send_event(client, call);
    } else {
      co_await print_reply(client, call);
    }
  } catch (const Error& error) {
    co_return call_failure(error, call.serializer);
  }
  co_return Outcome();
}

}  // namespace

Outcome call(const Arguments& arguments, const Log& log) {
  Session session(arguments);
  const Url url = Url::parse(arguments.url).value();
  // What was typed goes out and nothing besides, unless it is asked for.
  if (!url.option("tell_deadline")) session.config().tells_deadline = false;
  Call call(arguments, session.format());
  if (call.command == Command::emit) call.be_transient(url);
  return session.run(log, [&call](Client& client) { return cli::run(client, call); });
}

}  // namespace waybill::cli
