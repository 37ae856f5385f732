#include "client/outgoing_call.hpp"

#include "waybill/detail/asio.hpp"
#include "waybill/detail/typed_call.hpp"

#include <asio/bind_cancellation_slot.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>

namespace waybill::detail {

OutgoingCall::OutgoingCall(std::shared_ptr<ClientCore> core, PacketKind kind, const Pattern& pattern, Slice payload,
                           const CallOptions& options, std::shared_ptr<RemoteCall> remote)
    : core_(std::move(core)), pattern_(pattern), options_(options), remote_(std::move(remote)) {
  packet_.kind = kind;
  packet_.has_pattern = packet_.has_payload = true;
  packet_.pattern = pattern_.term();
  packet_.route = pattern_.route();
  packet_.payload = std::move(payload);
  packet_.serializer = &core_->serializer();
  deadline_ = deadline_after(core_->coarse_now(), options_.timeout.value_or(core_->default_timeout()));
}

void OutgoingCall::start(const std::shared_ptr<OutgoingCall>& self) {
  ClientCore& core = *self->core_;
  const auto timeout = self->options_.timeout.value_or(core.default_timeout());
  const Result<CallKey> key = core.open_guarded(self->packet_.kind, self->pattern_, timeout, self->deadline_);
  if (!key) return self->remote_->mailbox.tell({nullptr, nullptr, &key.error(), true});
  self->key_ = *key;
  core.calls().attach(*key, [self](const ReplyEvent& event) {
    if (event.error) self->stop(*event.error);
  });
  self->remote_->cancel = [weak = std::weak_ptr<ClientCore>(self->core_), key = *key] {
    if (const auto alive = weak.lock()) alive->cancel(key);
  };
  asio::co_spawn(core.executor().get(), run(self), asio::bind_cancellation_slot(self->cancel_.slot(), asio::detached));
}

void OutgoingCall::set_deadline(std::chrono::steady_clock::time_point deadline) {
  deadline_ = deadline;
  core_->move_deadline(key_, deadline);
}

void OutgoingCall::stop(const Error& error) {
  is_over_ = true;
  const PendingCalls& calls = core_->calls();
  const bool is_sent = calls.is_waiting(attempt_key_) && calls.stage(attempt_key_) == Stage::sent;
  core_->cancel(attempt_key_);
  const End end = perhaps_taken_ || is_sent || has_values_ ? End::unknown : End::rejected;
  // What the last attempt died of says more than that the time is over.
  const bool tells_attempt = error.code() == errc::timeout && last_error_ && !is_sent;
  const Error& why = tells_attempt ? *last_error_ : error;
  const Error told = why.end() == end ? why : Error(why.code(), std::string(why.message()), end);
  cancel_.emit(asio::cancellation_type::terminal);
  remote_->mailbox.tell({nullptr, nullptr, &told, true});
}

asio::awaitable<void> OutgoingCall::run(std::shared_ptr<OutgoingCall> self) {
  Result<void> outcome;
  try {
    outcome = co_await self->step(0);
  } catch (const Error& error) {
    outcome = error;
  } catch (const std::exception& exception) {
    outcome = Error(errc::internal, std::string("a client middleware threw: ") + exception.what(), End::unknown);
  }
  self->is_over_ = true;
  self->core_->calls().close(self->key_);
  if (!outcome) {
    const Error& error = outcome.error();
    // The last attempt may be one that nobody took, behind one that was perhaps taken.
    const bool is_unsure = error.end() == End::rejected && self->perhaps_taken_;
    const Error told = is_unsure ? Error(error.code(), std::string(error.message()), End::unknown) : error;
    self->tell({nullptr, nullptr, &told, true});
  } else if (!self->remote_->mailbox.is_ended()) {
    // A middleware that did not call on: the call ends without a value.
    Packet end;
    end.kind = PacketKind::end;
    end.serializer = &self->core_->serializer();
    self->tell({&end, nullptr, nullptr, true});
  }
}

void OutgoingCall::tell(const ReplyEvent& event) {
  try {
    remote_->mailbox.tell(event);
  } catch (...) {
    throw_from_loop(core_->executor().get(), std::current_exception());
  }
}

asio::awaitable<Result<void>> OutgoingCall::step(std::size_t index) {
  if (index == core_->middleware.size()) co_return co_await send_once();
  Context context(*this);
  Next next = [self = shared_from_this(), index] { return self->step(index + 1); };
  co_return co_await core_->middleware[index].run(context, std::move(next));
}

asio::awaitable<Result<void>> OutgoingCall::send_once() {
  if (is_over_) co_return cancelled_error(End::unknown);  // its waiter has been told
  ++attempt_;
  const TimePoint now = core_->coarse_now();
  if (deadline_ <= now) {
    co_return last_error_.value_or(Error(errc::timeout, "the deadline passed before it was sent", End::rejected));
  }
  options_.timeout = deadline_ == TimePoint::max() ? std::chrono::milliseconds::max()
                                                   : std::chrono::ceil<std::chrono::milliseconds>(deadline_ - now);
  Result<CallKey> key = core_->send({packet_.kind, pattern_, packet_.payload, options_, true});
  if (!key) co_return key.error();
  attempt_key_ = *key;

  using Done = Arrival<Result<void>>;
  auto done = std::make_shared<Done>(core_->executor().get());
  ReplyHandler tell = [self = shared_from_this(), done](const ReplyEvent& event) {
    if (event.error) {
      self->note_failure(*event.error);
      return done->set(*self->last_error_);
    }
    if (event.packet && (event.packet->kind == PacketKind::error || event.packet->kind == PacketKind::no_handler)) {
      self->note_failure(Error::from_peer(event.packet->payload, *event.packet->serializer));
      return done->set(*self->last_error_);
    }
    self->has_values_ = true;
    self->tell(event);
    if (!event.is_final) return;
    self->core_->calls().close(self->key_);  // the caller has all of it
    done->set(Result<void>{});
  };
  core_->calls().attach(*key, std::move(tell));
  std::optional<Result<void>> outcome = co_await Done::wait(done);
  if (!outcome) {  // a middleware gave up on it
    core_->cancel(*key);
    co_return last_error_.value_or(cancelled_error(End::unknown));
  }
  co_return *outcome;
}

void OutgoingCall::note_failure(const Error& error) {
  if (error.end() == End::unknown) perhaps_taken_ = true;
  // Values have been handed on: trying again would hand them on twice.
  last_error_ = has_values_ ? error.permanent() : options_.idempotent ? error.repeatable() : error;
}

}  // namespace waybill::detail
