#include "dlq.hpp"

#include "goodbye.hpp"
#include "inputs.hpp"
#include "json_line.hpp"
#include "table.hpp"
#include <waybill/config.hpp>
#include <waybill/dead_letters.hpp>
#include <waybill/registry.hpp>

#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>

#include <algorithm>
#include <chrono>
#include <limits>
#include <memory>
#include <optional>
#include <vector>

namespace waybill::cli {
namespace {

constexpr std::size_t k_listed = 1'000;  // without --limit

std::string summary_of(const DeadLetter& letter) {
  return R"({"id":)" + json_quoted(letter.id) + R"(,"origin":)" + json_quoted(letter.origin) + R"(,"attempts":)" +
         std::to_string(letter.attempts) + R"(,"error":)" + json_quoted(letter.error);
}

/// All that is known of it.
std::string details_of(const DeadLetter& letter) {
  const Packet& packet = letter.packet;
  std::string line = summary_of(letter);
  if (packet.has_pattern) line += R"(,"pattern":)" + json_quoted(packet.pattern.text);
  if (packet.has_payload) line += R"(,"data":)" + json_shown(Payload(packet.payload, *packet.serializer));
  line += R"(,"headers":{)";
  for (const auto& [name, value] : packet.headers) {
    if (line.back() != '{') line += ',';
    line += json_quoted(name) + ':' + json_quoted(value);
  }
  return line + "}}";
}

bool is_meant(const DeadLetter& letter, const std::vector<std::string>& ids) {
  return ids.empty() || std::find(ids.begin(), ids.end(), letter.id) != ids.end();
}

/// What was typed, checked. Throws UsageError.
struct Plan {
  explicit Plan(const Arguments& arguments)
      : command(arguments.command), ids(arguments.ids), limit(arguments.count ? arguments.count : k_listed) {
    const bool decides = command == Command::dlq_replay || command == Command::dlq_drop;
    if (decides && ids.empty() && !arguments.is_all)
      throw UsageError("say which: the ids that `waybill dlq ls` shows, or --all");
    if (!ids.empty() && arguments.is_all) throw UsageError("--all and ids exclude each other");
    if (!ids.empty() || arguments.is_all) limit = std::numeric_limits<std::uint32_t>::max();
  }
  Command command;
  std::vector<std::string> ids;
  std::size_t limit;
};

/// Throws the Error that ends it.
asio::awaitable<void> decide(DeadLetters& box, const Plan& plan, const Log& log) {
  Result<std::vector<DeadLetter>> listed = co_await box.list(plan.limit);
  std::vector<std::string> missing = plan.ids;
  for (const DeadLetter& letter : listed.value()) {
    if (!is_meant(letter, plan.ids)) continue;
    std::erase(missing, letter.id);
    Result<void> outcome;
    switch (plan.command) {
      case Command::dlq_show: print_line(details_of(letter)); break;
      case Command::dlq_replay: outcome = co_await box.replay(letter); break;
      case Command::dlq_drop: outcome = co_await box.drop(letter); break;
      default: print_line(summary_of(letter) + '}');
    }
    outcome.value();
    if (plan.command == Command::dlq_replay || plan.command == Command::dlq_drop) print_line(summary_of(letter) + '}');
  }
  if (!missing.empty()) {
    std::string all;
    for (const std::string& id : missing) all += (all.empty() ? "" : ", ") + printable(id);
    throw UsageError("no dead letter has the id " + all + ": `waybill dlq ls` shows what is there");
  }
  if (plan.ids.empty() && listed->size() == plan.limit) {
    log.warning("shown are the oldest " + std::to_string(plan.limit) + ": --limit shows more");
  }
}

asio::awaitable<Outcome> run(DeadLetters& box, const Plan& plan, const Log& log) {
  try {
    co_await decide(box, plan, log);
  } catch (const UsageError& error) {
    co_return usage_error(error.what());
  } catch (const Error& error) {
    co_return connect_failure(error);
  }
  co_return Outcome();
}

}  // namespace

Outcome dlq(const Arguments& arguments, const Log& log) {
  const Plan plan(arguments);
  const ListenerConfig config = ListenerConfig::from_url(arguments.url);
  asio::io_context loop(1);
  std::optional<DeadLetters> letters;
  try {
    letters.emplace(loop.get_executor(), config, default_registry(), log);
  } catch (const Error& error) {
    throw UsageError(std::string(error.message()));
  }

  std::optional<Outcome> outcome;
  asio::co_spawn(loop, run(*letters, plan, log), [&](std::exception_ptr thrown, Outcome ended) {
    letters->close();
    outcome = std::move(ended);
    if (thrown) std::rethrow_exception(thrown);
  });
  // Every step within a box has a deadline of its own; this one is for all of it.
  constexpr std::chrono::minutes k_longest{10};
  const auto give_up = std::chrono::steady_clock::now() + k_longest;
  while (!outcome && loop.run_one_until(give_up) > 0) {
  }
  if (!outcome) return failure(Exit::no_answer, "timeout", "the dead letters could not be read in ten minutes");
  say_goodbye(loop);
  return *outcome;
}

}  // namespace waybill::cli
