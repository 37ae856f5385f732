#include "service/introspection.hpp"

#include "random_bits.hpp"
#include "waybill/schema.hpp"
#include "waybill/time.hpp"

#include <asio/this_coro.hpp>
#include <errno.h>
#include <unistd.h>

#include <algorithm>
#include <array>

namespace waybill::detail {
namespace {

using namespace std::chrono_literals;
using Ask = IntrospectionQuery::Ask;

/// Long enough for the answers of others to come first, short enough for a person not to notice.
constexpr auto k_give_way = 50ms;

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? std::string(name.data()) : std::string();
}

std::string make_instance() {
  std::string instance;
  for (std::uint64_t bits = random_bits(), i = 0; i < 12; ++i, bits >>= 5) {
    instance += "abcdefghijkmnpqrstuvwxyz23456789"[bits & 31];
  }
  return instance;
}

double milliseconds(std::int64_t nanoseconds) noexcept { return static_cast<double>(nanoseconds / 1000) / 1000.0; }

}  // namespace

Introspection::Introspection(const Config& config, const std::vector<RouteTable>& tables, std::function<Now()> now)
    : now_(std::move(now)) {
  self_.name = config.name.empty() ? program_invocation_short_name : config.name;
  self_.version = config.version;
  self_.instance = make_instance();
  self_.host = host_name();
  self_.pid = ::getpid();
  self_.started = std::chrono::system_clock::now();
  for (const RouteTable& table : tables) {
    for (const RouteEntry* entry : table.entries()) {
      if (entry->request) add(entry->pattern.route(), true, *entry->request);
      if (!entry->events.empty()) add(entry->pattern.route(), false, *entry->events.front());
    }
  }
}

void Introspection::add(std::string_view pattern, bool is_request, const Handler& handler) {
  auto& known = is_request ? requests_ : events_;
  if (known.contains(pattern)) return;  // another listener has it, too
  auto entry = std::make_unique<Entry>();
  entry->pattern = pattern;
  entry->is_request = is_request;
  entry->types = handler.types();
  known.emplace(pattern, entry.get());
  entries_.push_back(std::move(entry));
}

Introspection::Entry* Introspection::find(std::string_view pattern, bool is_request) const noexcept {
  const auto& known = is_request ? requests_ : events_;
  const auto found = known.find(pattern);
  return found == known.end() ? nullptr : found->second;
}

void Introspection::message_handled(const ObservedMessage& message, const Error* error,
                                    std::chrono::nanoseconds took) noexcept {
  Entry* entry = find(message.pattern, message.is_request);
  if (!entry) return;
  Figures& figures = entry->figures;
  figures.handled.fetch_add(1, std::memory_order_relaxed);
  figures.total.fetch_add(took.count(), std::memory_order_relaxed);
  std::int64_t most = figures.most.load(std::memory_order_relaxed);
  while (took.count() > most && !figures.most.compare_exchange_weak(most, took.count(), std::memory_order_relaxed)) {
  }
  if (!error) return;
  figures.failed.fetch_add(1, std::memory_order_relaxed);
  const std::lock_guard lock(mutex_);
  try {
    entry->last_error = error->name().empty() ? error->code().message() : std::string(error->name());
  } catch (const std::bad_alloc&) {
    entry->last_error.clear();
  }
}

HandlerInfo Introspection::describe(const Entry& entry, Ask ask) const {
  HandlerInfo info;
  info.pattern = entry.pattern;
  info.kind = entry.is_request ? "request" : "event";
  if (ask == Ask::schemas) {
    if (entry.types.argument) info.argument = json_schema(entry.types.argument());
    if (entry.is_request) info.reply = entry.types.reply ? json_schema(entry.types.reply()) : "false";
    info.is_stream = entry.types.is_stream;
  }
  if (ask != Ask::stats) return info;
  const Figures& figures = entry.figures;
  const std::uint64_t handled = figures.handled.load(std::memory_order_relaxed);
  info.handled = handled;
  info.failed = figures.failed.load(std::memory_order_relaxed);
  if (handled > 0) {
    info.mean_ms = milliseconds(figures.total.load(std::memory_order_relaxed) / static_cast<std::int64_t>(handled));
    info.most_ms = milliseconds(figures.most.load(std::memory_order_relaxed));
  }
  const std::lock_guard lock(mutex_);
  if (!entry.last_error.empty()) info.last_error = entry.last_error;
  return info;
}

asio::awaitable<ServiceInfo> Introspection::answer(const IntrospectionQuery& query) const {
  /// Requests of this kind are not the service's own work.
  struct Answering {
    explicit Answering(std::atomic<std::uint64_t>& all) : count(all) { ++count; }
    ~Answering() { --count; }
    Answering(const Answering&) = delete;
    Answering& operator=(const Answering&) = delete;
    std::atomic<std::uint64_t>& count;
  };
  const Answering answering(answering_);
  ServiceInfo info = self_;
  if (query.ask != Ask::ping) {
    const Now now = now_();
    std::vector<ListenerInfo>& listeners = info.listeners.emplace();
    for (const ListenerState& listener : now.listeners) {
      listeners.push_back({listener.name, listener.url, std::string(name_of(listener.status))});
    }
    std::vector<HandlerInfo>& handlers = info.handlers.emplace();
    for (const auto& entry : entries_) handlers.push_back(describe(*entry, query.ask));
    if (query.ask == Ask::stats) {
      info.in_flight = now.stats.in_flight - std::min<std::uint64_t>(now.stats.in_flight, answering_);
      info.unhandled = now.stats.unhandled;
      info.retried = now.stats.retried;
      info.dead_lettered = now.stats.dead_lettered;
      info.dropped = now.stats.dropped;
    }
  }
  const auto& known = query.known;
  if (std::find(known.begin(), known.end(), self_.instance) != known.end()) {
    Timer pause(co_await asio::this_coro::executor, k_give_way);
    co_await pause.async_wait();
  }
  co_return info;
}

}  // namespace waybill::detail
