#include "world.hpp"

#include "random_bits.hpp"

#include <asio/multiple_exceptions.hpp>
#include <asio/post.hpp>

#include <cstdio>

namespace waybill::simulation {

using namespace std::chrono_literals;

namespace {

constexpr std::chrono::milliseconds k_busy = 5s;  // the time in which the seed acts
constexpr const char* k_dead = "dead";

/// How often an event's handler fails before it does not.
int failures_of(int number) { return number % 5 == 0 ? number / 5 % 3 : 0; }
bool is_poison(int number) { return number % 13 == 0; }

}  // namespace

World::World(std::uint64_t seed, bool tells) : dice_(seed), tells_(tells), ledger_(bed_.time()) {
  detail::seed_random_bits(seed);
}

World::~World() = default;

void World::tell(const std::string& what) {
  if (tells_) std::printf("%9.3f s  %s\n", static_cast<double>(bed_.time().now() / 1us) / 1e6, what.c_str());
}

void World::later(std::chrono::milliseconds most, std::function<void()> action) {
  const bool is_posted = dice_.one_in(2);
  bed_.time().call_after(dice_.up_to(most), [this, is_posted, action = std::move(action)] {
    if (!is_posted) return action();
    asio::post(bed_.loop(), action);
  });
}

void World::perhaps_bang() {
  if (!has_throwing_callbacks_ || !dice_.one_in(6)) return;
  tell("a callback throws");
  ++thrown_;
  throw Bang();
}

bool World::runs_through(const std::function<void()>& step) {
  try {
    step();
    return true;
  } catch (const Bang&) {
    ++seen_;
  } catch (const asio::multiple_exceptions&) {  // Asio's, of what several handlers of one turn have thrown
    seen_ += 2;
    has_seen_several_ = true;
  }
  return false;
}

void World::settle() {
  while (!runs_through([this] { bed_.settle(); })) continue;
}

void World::advance(std::chrono::milliseconds by) {
  const Moment end = bed_.time().now() + by;
  const auto rest = [this, end] {
    return std::chrono::duration_cast<std::chrono::milliseconds>(end - bed_.time().now());
  };
  while (!runs_through([this, rest] { bed_.advance(rest()); })) continue;
}

bool World::eventually(const std::function<bool()>& condition, std::chrono::milliseconds limit) {
  bool is_met = false;
  while (!runs_through([&] { is_met = bed_.eventually(condition, limit); })) continue;
  return is_met;
}

std::vector<std::string> World::run() {
  plan();
  add_server();
  for (int i = 1 + dice_.below(3); i > 0; --i) add_customer();
  for (int i = 5 + dice_.below(40); i > 0; --i) later(k_busy, [this] { act(); });
  advance(k_busy);
  finish();
  return ledger_.judge(bed_.dead_letters(k_dead), dropped_);
}

void World::plan() {
  ledger_.run.attempts = 1 + dice_.below(5);
  ledger_.run.backoff = std::chrono::milliseconds(10 * (1 + dice_.below(20)));
  has_dead_letters_ = !dice_.one_in(3);
  has_service_middleware_ = dice_.one_in(4);
  has_leaving_handlers_ = dice_.one_in(3);
  has_throwing_callbacks_ = dice_.one_in(3);
  listener_options_ = "attempts=" + std::to_string(ledger_.run.attempts) +
                      "&backoff=" + std::to_string(ledger_.run.backoff.count()) + "ms..2s";
  if (has_dead_letters_) listener_options_ += std::string("&dead_letter=") + k_dead;
  if (dice_.one_in(2)) listener_options_ += "&max_in_flight=" + std::to_string(1 + dice_.below(4));
  if (dice_.one_in(3)) listener_options_ += "&wire=true";
  tell("listeners: " + listener_options_);
}

void World::act() {
  Customer& customer = *customers_[static_cast<std::size_t>(dice_.below(static_cast<int>(customers_.size())))];
  switch (dice_.below(16)) {
    case 0: return add_server();
    case 1: return stop_server(servers_.back());
    case 2: return add_customer();
    case 3:
      if (dice_.one_in(2)) close_customer(customer);
      return;
    case 4:
    case 5: return hurt();
    case 6: return inject();
    case 7: return dice_.one_in(2) ? flush(customer) : connect(customer);
    case 8:
    case 9: return stream(customer);
    case 10:
    case 11: return emit(customer);
    case 12: emit(customer); return hurt();  // before the broker's word has come
    default: return request(customer);
  }
}

// -- services --

void World::add_server() {
  Server& server = servers_.emplace_back();
  server.service = std::make_unique<Service>(bed_.executor(), bed_.config(listener_options_), bed_.registry());
  server.service->log_to(bed_.log_sink());
  if (has_service_middleware_) {
    ledger_.run.retries_calls = true;
    middleware::RetryOptions retry;
    retry.attempts = 2;
    retry.first = retry.most = 20ms;
    server.service->use(middleware::retry(retry)).use(middleware::timeout(500ms));
  }
  add_handlers(*server.service);
  tell("a service starts");
  server.service->start([this, held = witness_](Result<void> started) {
    tell(started ? "a service is up" : std::string("a service did not start: ") + started.error().what());
    perhaps_bang();
  });
}

asio::awaitable<void> World::pause(std::chrono::milliseconds most) {
  const auto executor = co_await asio::this_coro::executor;
  Timer timer(executor, std::chrono::steady_clock::duration(dice_.up_to(most)));
  co_await timer.async_wait();
}

asio::awaitable<void> World::dawdle(std::chrono::milliseconds most) {
  const auto executor = co_await asio::this_coro::executor;
  for (int i = dice_.below(4); i > 0; --i) {
    if (dice_.one_in(2)) {
      co_await pause(most / 2);
    } else {
      co_await asio::post(executor, asio::use_awaitable);
    }
  }
}

void World::add_handlers(Service& service) {
  service.on_request("echo", [this, held = witness_](int number, Context& context) {
    ledger_.handle(number, context);
    ledger_.completed(number);
    return 2 * number;
  });
  service.on_request("later", [this, held = witness_](int number, Context& context) -> asio::awaitable<int> {
    const int time = ledger_.handle(number, context);
    co_await dawdle(600ms);
    if (leaves(number, time)) {  // which says nothing of its answer
      context.leave();
      co_await dawdle(100ms);
      ledger_.left(number);
    }
    ledger_.completed(number);
    co_return 2 * number;
  });
  service.on_request("fails", [this, held = witness_](int number, Context& context) -> int {
    ledger_.handle(number, context);
    ledger_.failed(number);
    throw Error("E1", "as it must");
  });
  service.on_request("rows", [this, held = witness_](int number, Context& context) -> Stream<int> {
    ledger_.handle(number, context);
    const int rows = rows_of(number);
    for (int i = 0; i < rows; ++i) {
      if (dice_.one_in(2)) co_await pause(100ms);
      co_yield 100 * number + i;
      if (dice_.one_in(3)) co_await pause(100ms);
    }
    ledger_.completed(number);
  });
  service.on_event("mark", [this, held = witness_](int number, Context& context) -> asio::awaitable<void> {
    const int time = ledger_.handle(number, context);
    tell("mark " + std::to_string(number) + " is handled, time " + std::to_string(time));
    if (dice_.one_in(2)) co_await dawdle(200ms);
    if (is_poison(number) || time <= failures_of(number)) {
      ledger_.failed(number);
      throw Error("E1", "not yet");
    }
    if (leaves(number, time)) {
      tell("mark " + std::to_string(number) + " is left in hand");
      context.leave();
      co_await dawdle(100ms);
      ledger_.left(number);
      co_return;
    }
    ledger_.completed(number);
  });
}

void World::stop_server(Server& server) {
  if (!server.is_up) return;
  server.is_up = false;
  ledger_.links_are_lost();
  if (dice_.one_in(2)) {
    tell("a service closes");
    server.service->close();
    return retire(server);
  }
  const auto limit = dice_.up_to(1s);
  tell("a service drains within " + std::to_string(limit.count()) + " ms");
  const Moment begun = bed_.time().now();
  server.service->drain(limit, [this, held = witness_, &server, begun, limit](const Result<DrainReport>& report) {
    tell("a service has drained");
    if (!report) ledger_.broken(std::string("a drain failed: ") + report.error().what());
    if (bed_.time().now() > begun + limit + 200ms) ledger_.broken("a drain took longer than its limit");
    later(1s, [this, &server] { retire(server); });
    perhaps_bang();
  });
}

/// Closed services may go at any time.
void World::retire(Server& server) {
  if (!server.service) return;
  const ServiceStats stats = server.service->stats();
  dropped_ += stats.dropped;
  server.service.reset();
}

// -- the broker --

void World::hurt() {
  ledger_.links_are_lost();
  switch (dice_.below(5)) {
    case 0:
      tell("all links are cut");
      note_cut();
      return bed_.broker().disconnect();
    case 1: tell("the links of listeners are cut"); return bed_.broker().disconnect_listeners();
    case 2:
      tell("the links of clients are cut");
      note_cut();
      return bed_.broker().disconnect_connections();
    case 3:
      tell("the broker stops");
      bed_.broker().stop();
      return later(3s, [this] {
        tell("the broker is back");
        bed_.broker().start();
      });
    default:
      tell("the broker freezes");
      bed_.broker().freeze();
      return later(2s, [this] {
        tell("the broker goes on");
        bed_.broker().thaw();
      });
  }
}

/// Requests that were sent end when their link does.
void World::note_cut() {
  for (const auto& customer : customers_) {
    if (!customer->client || customer->has_middleware || customer->client->status() != Status::ready) continue;
    for (const int number : customer->open) {
      Call& call = ledger_.call(number);
      if (call.kind == Call::Kind::request && call.ends == 0 && call.begun < bed_.time().now()) {
        call.cut = bed_.time().now();
      }
    }
  }
}

void World::inject() {
  memory::Fault fault;
  static constexpr const char* k_routes[] = {"echo", "later", "mark"};
  fault.route = k_routes[dice_.below(3)];
  fault.leg = dice_.one_in(2) ? memory::Leg::to_client : memory::Leg::to_service;
  fault.skip = static_cast<std::size_t>(dice_.below(3));
  fault.times = static_cast<std::size_t>(1 + dice_.below(3));
  const bool may_lose = fault.route != "mark";  // the broker has promised to deliver events
  switch (dice_.below(may_lose ? 4 : 3)) {
    case 0: fault.delay = dice_.up_to(1s); break;
    case 1: fault.overtaken_by = static_cast<unsigned>(1 + dice_.below(2)); break;
    case 2:
      fault.duplicates = 1;
      ledger_.run.has_duplicates = true;
      break;
    default: fault.drop = true;
  }
  ledger_.run.has_faults = true;
  tell("a fault on " + fault.route);
  bed_.broker().inject(fault);
}

// -- the end --

void World::finish() {
  tell("faults end");
  bed_.broker().clear_faults();
  bed_.broker().thaw();
  bed_.broker().start();
  if (!servers_.back().is_up) add_server();
  if (!eventually([this] { return ledger_.open_calls() == 0; })) ledger_.broken("not all calls ended");
  advance(2s);  // what faults have delayed
  const auto is_through = [this] {
    const memory::BrokerCounters now = bed_.broker().counters();
    return now.listeners > 0 && now.waiting == 0 && now.unsettled == 0;
  };
  while (true) {
    for (int i = 0; i < 10 && !is_through(); ++i) advance(1min);
    if (is_through()) break;
    if (!ledger_.free_left()) {
      ledger_.broken("not all events were settled");
      break;
    }
    tell("the links of listeners are cut, for what is left in hand");
    bed_.broker().disconnect_listeners();
  }
  settle();
  tell("all is closed");
  for (auto& customer : customers_) {
    if (!customer->client) continue;
    if (customer->client->stats().waiting != 0) ledger_.broken("a client waits for calls that have ended");
    customer->client.reset();
  }
  for (Server& server : servers_) {
    if (!server.service) continue;
    if (server.service->stats().in_flight != 0 && server.is_up) ledger_.broken("a service has messages in hand");
    server.service->close();
    retire(server);
  }
  settle();
  eventually([this] { return bed_.time().waiting() == 0; });
  settle();
  if (has_seen_several_ ? seen_ > thrown_ : seen_ != thrown_) {
    ledger_.broken("callbacks threw " + std::to_string(thrown_) + " times, and the loop's runner saw " +
                   std::to_string(seen_));
  }
  const memory::BrokerCounters counters = bed_.broker().counters();
  if (counters.connections != 0 || counters.listeners != 0) ledger_.broken("links are left");
  if (witness_.use_count() != 1) {
    ledger_.broken(std::to_string(witness_.use_count() - 1) + " callbacks or handlers are left");
  }
}

}  // namespace waybill::simulation
