#include "outgoing_call.hpp"

#include "waybill/detail/asio.hpp"
#include "waybill/detail/typed_call.hpp"

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
  deadline_ = coarse_now() + options_.timeout.value_or(core_->default_timeout());
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
  if (!outcome) {
    const Error& error = outcome.error();
    self->remote_->mailbox.tell({nullptr, nullptr, &error, true});
  } else if (!self->remote_->mailbox.is_ended()) {
    // A middleware that did not call on: the call ends without a value.
    Packet end;
    end.kind = PacketKind::end;
    end.serializer = &self->core_->serializer();
    self->remote_->mailbox.tell({&end, nullptr, nullptr, true});
  }
}

asio::awaitable<Result<void>> OutgoingCall::step(std::size_t index) {
  if (index == core_->middleware.size()) co_return co_await send_once();
  Context context(*this);
  Next next = [self = shared_from_this(), index] { return self->step(index + 1); };
  co_return co_await core_->middleware[index].run(context, std::move(next));
}

asio::awaitable<Result<void>> OutgoingCall::send_once() {
  ++attempt_;
  const TimePoint now = coarse_now();
  if (deadline_ <= now) co_return Error(errc::timeout, "no answer within the deadline", End::unknown);
  if (remote_->is_cancelled) co_return Error(errc::cancelled, "the call was cancelled", End::unknown);
  options_.timeout = std::chrono::duration_cast<std::chrono::milliseconds>(deadline_ - now);
  Result<CallKey> key = core_->send({packet_.kind, pattern_, packet_.payload, options_});
  if (!key) co_return key.error();
  remote_->cancel = [core = core_, key = *key] { core->cancel(key); };

  using Done = Arrival<Result<void>>;
  auto done = std::make_shared<Done>(core_->executor().get());
  ReplyHandler tell = [self = shared_from_this(), done](const ReplyEvent& event) {
    if (event.error) return done->set(*event.error);
    if (event.packet && (event.packet->kind == PacketKind::error || event.packet->kind == PacketKind::no_handler)) {
      return done->set(Error::from_peer(event.packet->payload, *event.packet->serializer));
    }
    self->has_values_ = true;
    self->remote_->mailbox.tell(event);
    if (event.is_final) done->set(Result<void>{});
  };
  core_->calls().attach(*key, std::move(tell));
  std::optional<Result<void>> outcome = co_await Done::wait(done);
  if (!outcome) {  // a middleware gave up on it
    core_->cancel(*key);
    co_return Error(errc::cancelled, "the call was cancelled", End::unknown);
  }
  // Values have been handed on: trying again would hand them on twice.
  if (!*outcome && has_values_) co_return outcome->error().permanent();
  co_return *outcome;
}

}  // namespace waybill::detail
