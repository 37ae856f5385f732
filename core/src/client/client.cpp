#include "waybill/client.hpp"

#include "client/client_core.hpp"
#include "middleware/configured.hpp"
#include "service/service_loops.hpp"

#include <asio/post.hpp>

namespace waybill {
namespace detail {

Error absent_value() {
  return Error(errc::payload_mismatch, "the reply has no value; ask for void, std::optional or Payload to accept that",
               End::unknown);
}

const asio::any_io_executor& executor_of(const ClientCore& core) noexcept { return core.executor().get(); }

WaitId new_wait(ClientCore& core) noexcept { return core.next_wait(); }

void cancel_wait(const std::weak_ptr<ClientCore>& core, WaitId id) {
  const std::shared_ptr<ClientCore> alive = core.lock();
  if (alive) asio::post(alive->executor().get(), [alive, id] { alive->cancel_wait(id); });
}

void connect_then(const std::shared_ptr<ClientCore>& core, WaitId id, UniqueFunction<void(Result<void>)> done) {
  core->used_elsewhere = true;
  asio::post(core->executor().get(),
             [core, id, done = std::move(done)]() mutable { core->connect_then(id, std::move(done)); });
}

void flush_then(const std::shared_ptr<ClientCore>& core, WaitId id, UniqueFunction<void(Result<void>)> done) {
  // At once where that is possible: what was sent before may fail before a post comes round.
  if (core->executor().runs_here()) return core->flush_then(id, std::move(done));
  asio::post(core->executor().get(),
             [core, id, done = std::move(done)]() mutable { core->flush_then(id, std::move(done)); });
}

}  // namespace detail

Client::Client(asio::any_io_executor executor, const ClientConfig& config, std::shared_ptr<const Registry> registry,
               Log log)
    : core_(std::make_shared<detail::ClientCore>(std::move(executor), config, std::move(registry), std::move(log))) {
  detail::ContextEnd::tell(core_->executor().get(), core_);
}

Client::~Client() {
  if (core_) close();
}

Client& Client::use(Middleware middleware) {
  core_->require_unused("use()");
  detail::require_side(middleware, Context::Side::client);
  core_->middleware.push_back(std::move(middleware));
  return *this;
}

Client& Client::observe(std::shared_ptr<Observer> observer) {
  core_->require_unused("observe()");
  core_->observe(std::move(observer));
  return *this;
}

Client& Client::metrics_to(MetricSink sink) {
  core_->require_unused("metrics_to()");
  core_->metrics = std::move(sink);
  return *this;
}

void Client::close() {
  // The core outlives the callback that this may be called from, and this the callbacks that it calls.
  const std::shared_ptr<detail::ClientCore> core = core_;
  if (core->executor().runs_here()) core->close();
  asio::post(core->executor().get(), [core] { core->close(); });
}

Status Client::status() const noexcept { return core_->status; }
ClientState Client::state() const { return core_->state(); }

ClientStats Client::stats() const {
  const detail::ClientCounters& counters = core_->counters;
  ClientStats stats;
  stats.requests = counters.requests;
  stats.events = counters.events;
  stats.timeouts = counters.timeouts;
  stats.failed = counters.failed;
  stats.late_replies = counters.late_replies;
  stats.reconnects = counters.reconnects;
  stats.waiting = core_->calls().waiting();
  return stats;
}

bool Client::reaches_one() const noexcept { return core_->capabilities().sole_listener; }
std::string Client::describe() const { return core_->describe(); }
const asio::any_io_executor& Client::executor() const noexcept { return core_->executor().get(); }

namespace {
constexpr std::chrono::seconds k_goodbye{5};
}  // namespace

BlockingClient::BlockingClient(const ClientConfig& config, std::shared_ptr<const Registry> registry)
    : loop_(std::make_unique<asio::io_context>(1)), client_(loop_->get_executor(), config, std::move(registry)) {}

BlockingClient::~BlockingClient() {
  client_.close();
  loop_->restart();
  loop_->run_for(k_goodbye);  // as a rule the other side ends at once, and then nothing is left to do
}

void BlockingClient::refuse_in_handlers() {
  if (!detail::ServiceLoops::of_this_process().runs_here()) return;
  throw Error(errc::unsupported,
              "a BlockingClient would stop the loop of the service whose handler this is: set handler_threads, or use "
              "a Client and co_await",
              End::rejected);
}

void BlockingClient::run_one() {
  if (loop_->stopped()) loop_->restart();
  loop_->run_one();
}

}  // namespace waybill
