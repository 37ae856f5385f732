#include "client/call_chain.hpp"

#include "middleware/chain.hpp"
#include "waybill/detail/asio.hpp"

#include <asio/bind_cancellation_slot.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>

namespace waybill::detail {

CallChain::CallChain(std::shared_ptr<ClientCore> core, const Packet& packet, const CallLimits& limits)
    : core_(std::move(core)),
      packet_(packet.own()),
      is_idempotent_(limits.is_idempotent),
      deadline_(deadline_after(core_->coarse_now(), limits.timeout)) {}

CallKey CallChain::start(std::shared_ptr<ClientCore> core, const Packet& packet, const CallLimits& limits) {
  const auto self = std::make_shared<CallChain>(core, packet, limits);
  self->key_ = core->open_chained(self->packet_, limits.timeout, self);
  if (!core->calls().is_waiting(self->key_)) return self->key_;
  asio::co_spawn(core->executor().get(), run(self), asio::bind_cancellation_slot(self->cancel_.slot(), asio::detached));
  return self->key_;
}

void CallChain::set_deadline(TimePoint deadline) {
  deadline_ = deadline;
  core_->move_deadline(key_, deadline);
}

Error CallChain::stop(const Error& error) {
  is_over_ = true;
  const PendingCalls& calls = core_->calls();
  const bool is_sent = calls.is_waiting(attempt_key_) && calls.stage(attempt_key_) == Stage::sent;
  core_->cancel(attempt_key_);
  const End end = perhaps_taken_ || is_sent || has_values_ ? End::unknown : End::rejected;
  // What the last attempt died of says more than that the time is over.
  const bool tells_attempt = error.code() == errc::timeout && last_error_ && !is_sent;
  const Error why = tells_attempt ? *last_error_ : error;
  cancel_.emit(asio::cancellation_type::terminal);
  return why.end() == end ? why : Error(why.code(), std::string(why.message()), end);
}

asio::awaitable<void> CallChain::run(std::shared_ptr<CallChain> self) {
  Result<void> outcome;
  try {
    outcome = co_await self->run_from(0);
  } catch (const Error& error) {
    outcome = error;
  } catch (const std::exception& exception) {
    outcome = Error(errc::internal, std::string("a client middleware threw: ") + exception.what(), End::unknown);
  } catch (...) {
    outcome = Error(errc::internal, "a client middleware threw something that is no std::exception", End::unknown);
  }
  self->is_over_ = true;
  // The last attempt may be one that nobody took, behind one that was perhaps taken.
  if (!outcome && outcome.error().end() == End::rejected && self->perhaps_taken_) {
    outcome = Error(outcome.error().code(), std::string(outcome.error().message()), End::unknown);
  }
  self->core_->finish_chain(self->key_, outcome);
}

asio::awaitable<Result<void>> CallChain::run_from(std::size_t place) {
  if (is_over_) return ended_before();
  if (place == core_->middleware.size()) return send_once(shared_from_this());
  return run_one(core_->middleware[place], *this, Next(shared_from_this(), place + 1));
}

asio::awaitable<Result<void>> CallChain::send_once(std::shared_ptr<CallChain> self) {
  if (self->is_over_) co_return cancelled_error(End::unknown);  // its waiter has been told
  // Values have been handed on: sending it again would hand them on twice.
  if (self->has_values_) co_return self->end_of_values_;
  ++self->attempt_;
  ClientCore& core = *self->core_;
  const TimePoint now = core.coarse_now();
  if (self->deadline_ <= now) {
    co_return self->last_error_.value_or(Error(errc::timeout, "the deadline passed before it was sent", End::rejected));
  }
  const auto left = self->deadline_ == TimePoint::max()
                        ? std::chrono::milliseconds::max()
                        : std::chrono::ceil<std::chrono::milliseconds>(self->deadline_ - now);
  if (self->attempt_ > 1 && self->last_error_) core.tell_repeated(self->key_, self->attempt_, *self->last_error_);
  const CallKey key = self->attempt_key_ = core.send(self->packet_, left, ClientCore::Part::attempt);
  self->packet_.id = {};  // the attempt's, which will be another's

  using Done = Arrival<Result<void>>;
  auto done = std::make_shared<Done>(core.executor().get());
  ReplyHandler tell = [self, done](const ReplyEvent& event) {
    const bool is_error_packet =
        event.packet && (event.packet->kind == PacketKind::error || event.packet->kind == PacketKind::no_handler);
    if (event.error || is_error_packet) {
      self->note_failure(event.error ? *event.error
                                     : Error::from_peer(event.packet->payload, *event.packet->serializer));
      return done->set(*self->last_error_);
    }
    self->has_values_ = true;
    if (event.is_final) done->set(Result<void>{});
    PendingCalls& calls = self->core_->calls();
    calls.tell(self->key_, event);
    if (event.is_final || calls.is_waiting(self->key_)) return;
    event.is_enough = true;  // as the caller has
    done->set(Result<void>{});
  };
  core.calls().attach(key, std::move(tell));
  if (!done->is_set()) co_await done->set_or_cancelled();
  std::optional<Result<void>> outcome = done->take();
  if (!outcome) {  // a middleware gave up on it
    core.cancel(key);
    outcome = self->last_error_.value_or(cancelled_error(End::unknown));
  }
  if (self->has_values_) self->end_of_values_ = *outcome;
  co_return *outcome;
}

void CallChain::note_failure(const Error& error) {
  if (error.end() == End::unknown) perhaps_taken_ = true;
  // Values have been handed on: trying again would hand them on twice.
  last_error_ = has_values_ ? error.permanent() : is_idempotent_ ? error.repeatable() : error;
}

}  // namespace waybill::detail
