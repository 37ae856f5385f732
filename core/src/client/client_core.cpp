// ClientCore: the way of a call, from its packet to its end. Its link is in client_link.cpp, what waits in
// client_outbox.cpp, who waits for a link or a flush in client_waits.cpp.
#include "client/client_core.hpp"

#include "client/call_chain.hpp"
#include "config/config_options.hpp"
#include "middleware/configured.hpp"

#include <algorithm>

namespace waybill::detail {

ClientCore::ClientCore(asio::any_io_executor executor, const ClientConfig& config,
                       std::shared_ptr<const Registry> registry, Log log)
    : executor_(std::move(executor)),
      clock_(Clock::of(executor_.get())),
      config_(config),
      registry_(std::move(registry)),
      log_(std::move(log)),
      sole_thread_(config_.url.redacted()),
      calls_([executor = executor_.get()](std::exception_ptr thrown) { throw_from_loop(executor, std::move(thrown)); }),
      deadline_timer_(executor_.get()),
      pause_timer_(executor_.get()) {
  calls_.tell_enough_to([this](CallKey key) { leave(key); });
  config_.validate().value();
  middleware = make_middleware(config_.middleware, Context::Side::client);
  serializer_ =
      config_.serializer.empty() ? &registry_->default_serializer() : registry_->serializer(config_.serializer).value();
  transport_ = make_configured(*registry_, config_.url, config_.origin);
  Environment environment;
  environment.executor = executor_.get();
  environment.serializer = serializer_;
  environment.log = log_;
  environment.metrics = [this](std::string_view name, double value) {
    try {
      if (metrics) metrics(name, value);
      if (observer_) observer_->figure_told(observed_url_, name, value);
    } catch (const std::exception& thrown) {  // the transport has nothing to do with it
      log_.error(std::string("the metric sink threw: ") + thrown.what());
    }
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
         std::to_string(config_.timeout.count()) + " ms, payloads as " + std::string(serializer_->name()) +
         describe_chain(middleware);
}

void ClientCore::require_unused(std::string_view what) const {
  if (!counters.requests && !counters.events && !used_elsewhere && status == Status::idle) return;
  throw Error(errc::invalid_config, std::string(what) + " must come before the client's first call", End::rejected);
}

CallKey ClientCore::start(Packet& packet, const CallLimits& limits) {
  return middleware.empty() ? send(packet, limits.timeout) : CallChain::start(shared_from_this(), packet, limits);
}

void ClientCore::start_and_forget(Packet& packet, const CallLimits& limits) {
  if (!middleware.empty()) {
    return calls_.attach(start(packet, limits), [this](const ReplyEvent& event) {
      if (event.error) complain_of_forgotten(*event.error);
    });
  }
  const SoleThread::Visit visit(sole_thread_);
  if (closed_) return note_forgotten_failure(closed_error());
  ClientCounters::add(counters.events);
  const ObservedCall seen{observed_url_, packet.route, false, 0, packet.payload.size()};
  if (observer_) tell_began(seen, packet);
  const Result<void> passed = pass_on(packet, 0, {});
  if (observer_) observer_->call_ended(seen, passed ? nullptr : &passed.error(), {});
  if (!passed) note_forgotten_failure(passed.error());
}

CallKey ClientCore::open(Packet& packet, std::chrono::milliseconds timeout, TimePoint deadline, Stage stage,
                         Part part) {
  const bool is_request = packet.kind == PacketKind::request;
  const bool counts = part == Part::whole;
  if (counts) ClientCounters::add(is_request ? counters.requests : counters.events);
  const CallKey key = calls_.open(deadline, {packet.route, timeout, is_request, counts, stage});
  if (observer_ && counts && calls_.is_open(key)) {
    calls_.set_began(key, clock_.now());
    tell_began(observed(key, packet.payload.size()), packet);
  }
  if (closed_) {
    end(key, closed_error());
  } else {
    arm_deadline(deadline);
  }
  return key;
}

CallKey ClientCore::send(Packet& packet, std::chrono::milliseconds timeout, Part part) {
  const SoleThread::Visit visit(sole_thread_);
  const CallKey key = open(packet, timeout, deadline_after(coarse_now(), timeout), Stage::held, part);
  if (!calls_.is_waiting(key)) return key;
  const bool is_request = packet.kind == PacketKind::request;
  if (is_request) {
    packet.id = calls_.id(key);
    set_deadline(packet, timeout);
  }
  Result<void> passed = pass_on(packet, ticket_of(key) | (is_request ? k_failure_only : 0), key);
  if (!passed) end(key, passed.error());
  return key;
}

CallKey ClientCore::refuse(Packet& packet, const Error& why) {
  const CallKey key =
      open(packet, config_.timeout, deadline_after(coarse_now(), config_.timeout), Stage::held, Part::whole);
  end(key, why);
  return key;
}

CallKey ClientCore::open_chained(Packet& packet, std::chrono::milliseconds timeout,
                                 const std::shared_ptr<CallChain>& chain) {
  const CallKey key = open(packet, timeout, *chain->deadline(), Stage::chained, Part::whole);
  if (calls_.is_waiting(key)) chains_[ticket_of(key)] = chain;
  return key;
}

void ClientCore::finish_chain(CallKey key, const Result<void>& outcome) {
  chains_.erase(ticket_of(key));
  if (!calls_.is_waiting(key)) return;  // the caller has all of the reply
  if (!outcome) return fail(key, outcome.error());
  // A middleware that did not call on: the call ends without a value.
  Packet end;
  end.kind = PacketKind::end;
  end.serializer = serializer_;
  calls_.tell(key, {&end, nullptr, nullptr, true});
}

void ClientCore::move_deadline(CallKey key, TimePoint deadline) {
  if (!calls_.is_waiting(key)) return;
  calls_.set_deadline(key, deadline);
  arm_deadline(deadline);
}

void ClientCore::set_deadline(Packet& packet, std::chrono::milliseconds left) const {
  // A NestJS peer reads packets byte for byte as before: the deadline travels only where headers have a place.
  constexpr std::chrono::hours k_for_ever{24 * 365};  // whoever waits that long has no deadline
  if (!config_.tells_deadline || left > k_for_ever) return;
  packet.deadline = left;
  if (can_.headers == Support::native && !can_.deadlines) {
    packet.headers.set(header::k_deadline, std::to_string(left.count()));
  }
}

Result<void> ClientCore::pass_on(const Packet& packet, Ticket ticket, CallKey key) {
  if (!ready_ || is_held_back(packet.kind)) return keep_for_link(packet, ticket, key);
  if (connection_->unsent_bytes() + unconfirmed_.bytes() > config_.max_unsent_bytes) return too_much_unsent();
  return transmit(packet, ticket, key);
}

Result<void> ClientCore::transmit(const Packet& packet, Ticket ticket, CallKey key) {
  if (ticket) calls_.mark_sent(key);
  if (keeps_events_ && packet.kind == PacketKind::event) {
    ticket = unconfirmed_.add(packet, ticket ? std::optional<CallKey>(key) : std::nullopt);
  }
  try {
    connection_->send(packet, ticket);
  } catch (const std::exception& thrown) {  // out of a serializer, or of memory
    if (Unconfirmed::is_of(ticket)) unconfirmed_.take(ticket);
    return Error(errc::internal, std::string("sending threw: ") + thrown.what(), End::unknown);
  }
  return {};
}

void ClientCore::on_reply(const Packet& packet) {
  const SoleThread::Visit visit(sole_thread_);
  if (calls_.deliver(packet) == PendingCalls::Delivered::nobody) ClientCounters::add(counters.late_replies);
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
    if (!flushes_.empty()) advance_flushes();
    if (!event) return;
    if (!event->caller) {
      if (!outcome) note_forgotten_failure(outcome.error());
      return;
    }
    key = *event->caller;
  }
  if (!calls_.is_waiting(key)) return;
  if (!outcome) return end(key, outcome.error());
  if (ticket & k_failure_only) return;
  calls_.tell(key, {nullptr, &*outcome, nullptr, true});
}

void ClientCore::end(CallKey key, const Error& error) {
  if (!calls_.is_waiting(key)) return;
  if (calls_.stage(key) != Stage::chained) return fail(key, error);
  const auto chain = chains_.extract(ticket_of(key));
  const std::shared_ptr<CallChain> running = chain ? chain.mapped().lock() : nullptr;
  fail(key, running ? running->stop(error) : error);
}

void ClientCore::fail(CallKey key, const Error& error) {
  if (calls_.counts(key)) ClientCounters::add(error.code() == errc::timeout ? counters.timeouts : counters.failed);
  if (calls_.stage(key) == Stage::held) outbox_.take(key);
  calls_.tell(key, {nullptr, nullptr, &error, true});
  if (!flushes_.empty()) advance_flushes();
}

void ClientCore::cancel(CallKey key) {
  if (!calls_.is_waiting(key)) return;
  const bool is_sent = calls_.stage(key) == Stage::sent;
  forget(key);
  end(key, cancelled_error(is_sent ? End::unknown : End::rejected));
}

void ClientCore::pause_replies() {
  if (paused_ || !ready_) return;
  if (!read_pause_.may_begin(calls_.waiting() > 1, coarse_now())) return;
  paused_ = true;
  connection_->pause();
  pause_timer_.expires_after(ReadPause::k_most);
  pause_timer_.async_wait([weak = weak_from_this()](std::error_code ec) {
    if (ec) return;
    if (const auto self = weak.lock()) self->resume_replies();
  });
}

void ClientCore::resume_replies() {
  if (!std::exchange(paused_, false)) return;
  pause_timer_.cancel();
  read_pause_.ended(coarse_now());
  if (ready_) connection_->resume();
}

void ClientCore::abandon(CallKey key) {
  if (!calls_.is_open(key)) return;
  // What is still to be sent is sent all the same.
  if (calls_.stage(key) == Stage::chained) return calls_.attach(key, [](const ReplyEvent&) {});
  leave(key);
}

void ClientCore::leave(CallKey key) {
  forget(key);
  calls_.close(key);  // what its middleware has sent is given up by the chain
}

void ClientCore::forget(CallKey key) {
  if (ready_ && calls_.is_waiting(key) && calls_.stage(key) == Stage::sent) connection_->forget(calls_.id(key));
}

void ClientCore::arm_deadline(TimePoint deadline) {
  if (deadline >= armed_for_) return;
  armed_for_ = deadline;
  // The coarse clock runs up to 4 ms behind.
  deadline_timer_.expires_at(deadline_after(deadline, std::chrono::milliseconds(5)));
  deadline_timer_.async_wait([weak = weak_from_this()](std::error_code ec) {
    if (ec) return;
    if (const auto self = weak.lock()) self->on_deadline();
  });
}

void ClientCore::on_deadline() {
  armed_for_ = TimePoint::max();
  const TimePoint now = coarse_now();
  if (outbox_.earliest() <= now) fail_entries(outbox_.take_late(now), no_link_error());
  fail_late_waits(now);
  std::vector<CallKey> expired = calls_.expired(now);
  // A call that goes through middleware after what it has sent: that knows more.
  std::stable_partition(expired.begin(), expired.end(),
                        [this](CallKey key) { return calls_.is_waiting(key) && calls_.stage(key) != Stage::chained; });
  for (const CallKey key : expired) end_expired(key);
  if (closed_) return;
  TimePoint next = std::min(calls_.earliest(), outbox_.earliest());
  for (const ConnectWait& wait : connect_waits_) next = std::min(next, wait.give_up);
  next = std::min(next, flushes_.earliest());
  if (next != TimePoint::max()) arm_deadline(next);
}

void ClientCore::end_expired(CallKey key) {
  if (!calls_.is_waiting(key)) return;
  forget(key);
  end(key, timed_out(key));
}

void ClientCore::close() {
  if (std::exchange(closed_, true)) return;
  ready_ = blocked_ = false;
  set_status(Status::closed);
  if (reconnect_) reconnect_->stop();
  deadline_timer_.cancel();
  pause_timer_.cancel();
  connection_->close();
  fail_entries(outbox_.take_all(), closed_error());
  for (const CallKey key : calls_.open_calls()) {
    if (!calls_.is_waiting(key)) continue;
    end(key, closed_error(calls_.stage(key) == Stage::held ? End::rejected : End::unknown));
  }
  if (!unconfirmed_.empty()) {
    log_.warning(std::to_string(unconfirmed_.size()) + " events to " + config_.url.redacted() +
                 " were not confirmed when the client was closed");
  }
  end_connect_waits(closed_error());
  end_flushes(flushes_.take_all(closed_error(End::unknown)));
}

}  // namespace waybill::detail
