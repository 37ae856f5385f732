#include "listen.hpp"

#include "goodbye.hpp"
#include "inputs.hpp"
#include "json_line.hpp"
#include <waybill/format/recorded_value.hpp>
#include <waybill/service.hpp>

#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <asio/redirect_error.hpp>
#include <asio/signal_set.hpp>
#include <asio/steady_timer.hpp>

#include <algorithm>
#include <csignal>
#include <variant>

namespace waybill::cli {
namespace {

constexpr std::chrono::seconds k_drain_limit{2};

/// {"kind":"event","pattern":"order.created","data":...,"headers":{...},"metadata":...}; what is absent is left out.
std::string describe(Context& context) {
  std::string line = context.is_request() ? R"({"kind":"request")" : R"({"kind":"event")";
  line += R"(,"pattern":)" + json_quoted(context.pattern());
  if (context.has_payload()) line += R"(,"data":)" + json_shown(context.payload());
  line += R"(,"headers":{)";
  for (const auto& [name, value] : context.headers()) {
    if (line.back() != '{') line += ',';
    line += json_quoted(name) + ':' + json_quoted(value);
  }
  line += '}';
  if (!context.metadata().empty()) line += R"(,"metadata":)" + json_shown(context.metadata());
  return line + '}';
}

/// What requests are answered with. JSON is answered as it was typed; a caller that speaks another format, in that.
class Reply {
 public:
  using Any = std::variant<Payload, format::RecordedValue>;
  explicit Reply(std::string_view typed)
      : text_(parse_value(typed, json_serializer(), "--reply")), value_(text_.decode<format::RecordedValue>()) {}

  Any to(Context& context) const {
    if (context.payload().serializer() == text_.serializer()) return text_;
    return value_;
  }

 private:
  Payload text_;
  format::RecordedValue value_;
};

/// Lives as long as the loop runs.
struct Listening {
  Listening(asio::io_context& loop, Config config, const Arguments& arguments)
      : service(loop.get_executor(), std::move(config)),
        signals(loop, SIGINT, SIGTERM),
        end(loop, asio::steady_timer::time_point::max()),
        has_end(arguments.count > 0),
        left(arguments.count) {}

  /// What comes after the last that was wanted is neither shown, nor answered, nor taken away from others: false.
  bool take(Context& context) {
    if (has_end && left == 0) {
      context.leave();
      return false;
    }
    print_line(describe(context));
    if (has_end && --left == 0) stop();
    return true;
  }
  /// It is enough, even if the service still waits for its broker.
  void stop() {
    end.expires_at(asio::steady_timer::time_point::min());
    service.stop();
  }

  Service service;
  asio::signal_set signals;
  asio::steady_timer end;  ///< Expires when it is enough.
  bool has_end;            ///< After so many messages.
  std::uint64_t left;      ///< Messages until then.
};

asio::awaitable<Outcome> serve(Listening& listening) {
  listening.signals.async_wait([&listening](std::error_code ec, int) {
    if (!ec) listening.stop();
  });
  try {
    co_await listening.service.start();
  } catch (const Error& error) {
    if (error.code() == errc::closed) co_return Outcome();  // stopped
    co_return error.code() == errc::unsupported ? usage_error(error.what()) : connect_failure(error);
  }
  std::error_code woken;
  co_await listening.end.async_wait(asio::redirect_error(asio::use_awaitable, woken));
  co_await listening.service.drain(k_drain_limit);
  co_return Outcome();
}

}  // namespace

Outcome listen(const Arguments& arguments, const Log& log) {
  Config config = Config::listen({arguments.url});
  if (arguments.count > 0) {  // brokers hand out no more than that at a time
    std::size_t& most = config.listeners.front().max_in_flight;
    most = static_cast<std::size_t>(std::min<std::uint64_t>(most, arguments.count));
  }
  std::optional<Reply> reply;
  if (!arguments.reply.empty()) reply.emplace(arguments.reply);

  asio::io_context loop(1);
  Listening listening(loop, std::move(config), arguments);
  listening.service.log_to([log](LogLevel level, std::string_view line) { log.write(level, line); });
  // Event handlers: they see requests as well, and on brokers they take nothing away from other groups.
  for (const std::string& typed : arguments.patterns) {
    const Pattern pattern = parse_pattern(typed);
    if (reply) {
      listening.service.on_event(pattern, [&listening, &reply](Context& context) {
        return listening.take(context) ? reply->to(context) : Reply::Any();
      });
    } else {
      listening.service.on_event(pattern, [&listening](Context& context) { listening.take(context); });
    }
  }

  Outcome outcome = failure(Exit::failed, "closed", "the service ended by itself");
  asio::co_spawn(loop, serve(listening), [&](std::exception_ptr thrown, Outcome ended) {
    outcome = std::move(ended);
    loop.stop();
    if (thrown) std::rethrow_exception(thrown);
  });
  loop.run();
  listening.signals.cancel();
  listening.end.cancel();
  say_goodbye(loop);
  return outcome;
}

}  // namespace waybill::cli
