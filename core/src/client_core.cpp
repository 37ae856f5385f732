// ClientCore: the way of a call, from its packet to its end. Its link is in client_link.cpp, what waits in client_outbox.cpp.
#include "client_core.hpp"

#include "config_options.hpp"

#include <algorithm>

namespace waybill::detail {

namespace {

Ticket ticket_of(CallKey key) noexcept { return (Ticket{key.generation} & 0x3fffffff) << 32 | (key.slot + 1); }
CallKey key_of(Ticket ticket) noexcept {
  const Ticket plain = ticket & ~k_failure_only;
  return {static_cast<std::uint32_t>(plain & 0xffffffff) - 1, static_cast<std::uint32_t>(plain >> 32)};
}

}  // namespace

Error closed_error(End end) { return Error(errc::closed, "the client was closed", end); }

ClientCore::ClientCore(asio::any_io_executor executor, const ClientConfig& config,
                       std::shared_ptr<const Registry> registry, Log log)
    : executor_(std::move(executor)),
      config_(config),
      registry_(std::move(registry)),
      log_(std::move(log)),
      deadline_timer_(executor_.get()),
      pause_timer_(executor_.get()),
      confirmed_(executor_.get()) {
  config_.validate().value();
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

Result<void> ClientCore::pass_on(const Packet& packet, Ticket ticket, CallKey key) {
  if (!ready_) return keep_for_link(packet, ticket, key);
  if (connection_->unsent_bytes() + unconfirmed_.bytes() > config_.max_unsent_bytes) {
    return Error(errc::overloaded,
                 "the other side reads too slowly: more than " + std::to_string(config_.max_unsent_bytes) +
                     " bytes wait to be sent or confirmed",
                 End::rejected);
  }
  transmit(packet, ticket, key);
  return {};
}

void ClientCore::transmit(const Packet& packet, Ticket ticket, CallKey key) {
  if (keeps_events_ && packet.kind == PacketKind::event) {
    ticket = unconfirmed_.add(packet, ticket ? std::optional<CallKey>(key) : std::nullopt);
  }
  connection_->send(packet, ticket);
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
  if (connect_give_up_ <= now) end_connect_waits(no_link);
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
  end_connect_waits(closed_error());
}

}  // namespace waybill::detail
