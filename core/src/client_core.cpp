#include "client_core.hpp"

#include "config_options.hpp"

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/post.hpp>

#include <algorithm>
#include <set>

namespace waybill::detail {

namespace {

Ticket ticket_of(CallKey key) noexcept { return (Ticket{key.generation} & 0x3fffffff) << 32 | (key.slot + 1); }
CallKey key_of(Ticket ticket) noexcept {
  const Ticket plain = ticket & ~k_failure_only;
  return {static_cast<std::uint32_t>(plain & 0xffffffff) - 1, static_cast<std::uint32_t>(plain >> 32)};
}

Error closed_error(End end = End::rejected) { return Error(errc::closed, "the client was closed", end); }

}  // namespace

ClientCore::ClientCore(asio::any_io_executor executor, const ClientConfig& config,
                       std::shared_ptr<const Registry> registry, Log log)
    : executor_(std::move(executor)),
      config_(config),
      registry_(std::move(registry)),
      log_(std::move(log)),
      deadline_timer_(executor_.get()),
      pause_timer_(executor_.get()),
      confirmed_(executor_.get()) {
  serializer_ =
      config_.serializer.empty() ? &registry_->default_serializer() : registry_->serializer(config_.serializer).value();
  transport_ = make_configured(*registry_, config_.url, config_.origin);
  Environment environment;
  environment.executor = executor_.get();
  environment.serializer = serializer_;
  environment.log = log_;
  environment.metrics = [this](std::string_view name, double value) {
    if (metrics) metrics(name, value);
  };
  connection_ = transport_->make_connection(std::move(environment));
  can_ = transport_->capabilities();
  keeps_events_ = can_.confirms && !can_.keeps_unconfirmed;
}

ClientCore::~ClientCore() {
  if (!closed_) connection_->close();
}

std::string ClientCore::describe() const {
  const Capabilities& can = capabilities();
  return config_.url.redacted() + ": events " + std::string(can.event_promise) + ", requests one outcome within " +
         std::to_string(config_.timeout.count()) + " ms, payloads as " + std::string(serializer_->name());
}

Result<CallKey> ClientCore::send(const Outgoing& outgoing) {
  if (closed_) return closed_error();
  const bool is_request = outgoing.kind == PacketKind::request;
  ClientCounters::add(is_request ? counters.requests : counters.events);
  const std::chrono::milliseconds timeout = outgoing.options.timeout.value_or(config_.timeout);
  const TimePoint deadline = coarse_now() + timeout;
  Result<CallKey> key = calls_.open(deadline);
  if (!key) return key;
  ClientCounters::add(counters.waiting);
  arm_deadline(deadline);
  Packet packet;
  fill(packet, outgoing, timeout);
  if (is_request) packet.id = calls_.id(*key);
  Result<void> passed = pass_on(packet, ticket_of(*key) | (is_request ? k_failure_only : 0), *key);
  if (passed) return key;
  calls_.close(*key);
  ClientCounters::subtract(counters.waiting);
  return passed.error();
}

void ClientCore::send_and_forget(const Outgoing& outgoing) {
  if (closed_) return note_forgotten_failure(closed_error());
  ClientCounters::add(counters.events);
  Packet packet;
  fill(packet, outgoing, {});
  if (Result<void> passed = pass_on(packet, 0, {}); !passed) note_forgotten_failure(passed.error());
}

void ClientCore::fill(Packet& packet, const Outgoing& outgoing, std::chrono::milliseconds timeout) const {
  packet.kind = outgoing.kind;
  packet.has_pattern = packet.has_payload = true;
  packet.pattern = outgoing.pattern.term();
  packet.route = outgoing.pattern.route();
  packet.payload = outgoing.payload;
  packet.serializer = serializer_;
  const CallOptions& options = outgoing.options;
  if (!options.headers.empty()) packet.headers = options.headers;
  if (!options.properties.empty()) packet.properties = options.properties;
  if (!options.metadata.empty()) packet.metadata = options.metadata.bytes();
  // A NestJS peer reads packets byte for byte as before: the deadline travels only where headers have a place.
  if (packet.kind != PacketKind::request || !config_.tells_deadline) return;
  packet.deadline = timeout;
  if (can_.headers == Support::native && !can_.deadlines) {
    packet.headers.set(header::k_deadline, std::to_string(timeout.count()));
  }
}

void ClientCore::connect_then(UniqueFunction<void(Result<void>)> done) {
  if (closed_) {
    if (done) asio::post(executor_.get(), [done = std::move(done)]() mutable { done(closed_error()); });
    return;
  }
  if (ready_) {
    if (done) asio::post(executor_.get(), [done = std::move(done)]() mutable { done(Result<void>{}); });
    return;
  }
  if (done) {
    connect_waiters_.push_back(std::move(done));
    connect_give_up_ = coarse_now() + config_.connect_timeout;
    arm_deadline(connect_give_up_);
  }
  if (reconnect_ && reconnect_->is_running()) return;
  status = Status::connecting;
  reconnect_ = std::make_shared<Reconnect>(executor_.get(), shared_from_this());
  reconnect_->start_in_background();
}

asio::awaitable<Result<void>> ClientCore::open_link() { return connection_->open(*this); }

void ClientCore::on_link_ready() {
  if (closed_) return;
  if (was_ready_) ClientCounters::add(counters.reconnects);
  ready_ = was_ready_ = true;
  status = Status::ready;
  last_failure_.reset();
  log_.debug("connected to " + config_.url.redacted());
  auto waiters = std::move(connect_waiters_);
  connect_waiters_.clear();
  connect_give_up_ = TimePoint::max();
  send_unconfirmed_again();
  send_queued();
  for (auto& waiter : waiters) waiter(Result<void>{});
}

void ClientCore::on_link_failed(const Error& error, std::optional<std::chrono::milliseconds> retry_in) {
  last_failure_ = error;
  if (retry_in) {
    log_.debug("cannot connect to " + config_.url.redacted() + ": " + error.what());
    return;
  }
  log_.error("cannot connect to " + config_.url.redacted() + ": " + error.what());
  status = Status::idle;
  fail_queued(error);
  auto waiters = std::move(connect_waiters_);
  connect_waiters_.clear();
  for (auto& waiter : waiters) waiter(error);
}

void ClientCore::on_blocked(std::string_view reason) {
  if (!ready_) return;
  status = reason.empty() ? Status::ready : Status::blocked;
  if (reason.empty())
    log_.info(config_.url.redacted() + " takes messages again");
  else
    log_.warning(config_.url.redacted() + " takes no messages for now, what is sent waits: " + std::string(reason));
}

void ClientCore::on_lost(const Error& error) {
  if (closed_ || !ready_) return;
  ready_ = paused_ = false;
  status = Status::interrupted;
  last_failure_ = error;
  log_.warning("lost the connection to " + config_.url.redacted() + ": " + error.what());
  reconnect_->lost();
  // Calls that wait for a link have not been sent, and events are sent again: they stay. All others have lost their
  // reply.
  std::set<std::uint32_t> stay;
  for (const Queued& one : queued_) stay.insert(one.key.slot);
  for (const Ticket ticket : unconfirmed_.tickets()) {
    if (const auto caller = unconfirmed_.find(ticket)->caller) stay.insert(caller->slot);
  }
  if (stay.empty()) {
    ClientCounters::subtract(counters.waiting, calls_.fail_all(error));
    return;
  }
  for (const CallKey key : calls_.open_calls()) {
    if (!stay.contains(key.slot)) end(key, error);
  }
}

void ClientCore::on_reply(const Packet& packet) {
  switch (calls_.deliver(packet)) {
    case PendingCalls::Delivered::nobody: ClientCounters::add(counters.late_replies); break;
    case PendingCalls::Delivered::last: ClientCounters::subtract(counters.waiting); break;
    case PendingCalls::Delivered::more: break;
  }
}

void ClientCore::on_sent(Ticket ticket, Result<Accepted> outcome) {
  if (ticket == 0) {
    if (!outcome) note_forgotten_failure(outcome.error());
    return;
  }
  CallKey key = key_of(ticket);
  if (Unconfirmed::is_of(ticket)) {
    if (!outcome && outcome.error().code() == errc::connection_lost) return;  // it is sent again
    const auto event = unconfirmed_.take(ticket);
    if (unconfirmed_.empty()) confirmed_.cancel();
    if (!event) return;
    if (!event->caller) {
      if (!outcome) note_forgotten_failure(outcome.error());
      return;
    }
    key = *event->caller;
  }
  if (!calls_.is_open(key)) return;
  if (!outcome) return end(key, outcome.error());
  if (ticket & k_failure_only) return;
  ClientCounters::subtract(counters.waiting);
  calls_.accept(key, *outcome);
}

void ClientCore::end(CallKey key, const Error& error) {
  if (!calls_.is_open(key)) return;
  ClientCounters::subtract(counters.waiting);
  ClientCounters::add(error.code() == errc::timeout ? counters.timeouts : counters.failed);
  calls_.fail(key, error);
}

void ClientCore::cancel(CallKey key) {
  if (!calls_.is_open(key)) return;
  if (ready_) connection_->forget(calls_.id(key));
  end(key, Error(errc::cancelled, "the call was cancelled", End::unknown));
}

void ClientCore::pause_replies() {
  if (paused_ || !ready_) return;
  paused_ = true;
  connection_->pause();
  pause_timer_.expires_after(std::chrono::milliseconds(5));
  pause_timer_.async_wait([weak = weak_from_this()](std::error_code ec) {
    if (ec) return;
    if (const auto self = weak.lock()) self->resume_replies();
  });
}

void ClientCore::resume_replies() {
  if (!std::exchange(paused_, false)) return;
  pause_timer_.cancel();
  if (ready_) connection_->resume();
}

void ClientCore::abandon(CallKey key) {
  if (!calls_.is_open(key)) return;
  if (ready_) connection_->forget(calls_.id(key));
  ClientCounters::subtract(counters.waiting);
  calls_.close(key);
}

void ClientCore::arm_deadline(TimePoint deadline) {
  if (deadline >= armed_for_) return;
  armed_for_ = deadline;
  // The coarse clock runs up to 4 ms behind.
  deadline_timer_.expires_at(deadline + std::chrono::milliseconds(5));
  deadline_timer_.async_wait([weak = weak_from_this()](std::error_code ec) {
    if (ec) return;
    if (const auto self = weak.lock()) self->on_deadline();
  });
}

void ClientCore::on_deadline() {
  armed_for_ = TimePoint::max();
  const TimePoint now = coarse_now();
  // Those who waited for a link longer than they wanted to.
  const Error no_link = last_failure_.value_or(Error(errc::refused,
                                                     "no connection to " + config_.url.redacted() + " within " +
                                                         std::to_string(config_.connect_timeout.count()) + " ms",
                                                     End::rejected));
  while (!queued_.empty() && queued_.front().give_up <= now) {
    const Queued late = std::move(queued_.front());
    queued_.pop_front();
    queued_bytes_ -= weight(late.packet);
    if (late.ticket)
      end(late.key, no_link);
    else
      note_forgotten_failure(no_link);
  }
  if (connect_give_up_ <= now) {
    connect_give_up_ = TimePoint::max();
    auto waiters = std::move(connect_waiters_);
    connect_waiters_.clear();
    for (auto& waiter : waiters) waiter(no_link);
  }
  const Error timeout(errc::timeout, "no answer within the deadline", End::unknown);
  for (const CallKey key : calls_.expired(now)) {
    if (!calls_.is_open(key)) continue;
    if (ready_) connection_->forget(calls_.id(key));
    end(key, timeout);
  }
  TimePoint next = std::min(calls_.earliest(), connect_give_up_);
  if (!queued_.empty()) next = std::min(next, queued_.front().give_up);
  if (next != TimePoint::max()) arm_deadline(next);
}

void ClientCore::close() {
  if (std::exchange(closed_, true)) return;
  ready_ = false;
  status = Status::closed;
  if (reconnect_) reconnect_->stop();
  deadline_timer_.cancel();
  pause_timer_.cancel();
  connection_->close();
  confirmed_.cancel();
  fail_queued(closed_error());
  calls_.fail_all(closed_error(End::unknown));
  if (!unconfirmed_.empty()) {
    log_.warning(std::to_string(unconfirmed_.size()) + " events to " + config_.url.redacted() +
                 " were not confirmed when the client was closed");
  }
  counters.waiting = 0;
  auto waiters = std::move(connect_waiters_);
  for (auto& waiter : waiters) waiter(closed_error());
}

}  // namespace waybill::detail
