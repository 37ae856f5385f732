// What a client tells its observer. Nothing of it runs where there is none.
#include "client/client_core.hpp"
#include "observers.hpp"

#include <algorithm>

namespace waybill::detail {

void ClientCore::observe(std::shared_ptr<Observer> observer) {
  observed_url_ = config_.url.redacted();
  observer_ = together(observer_, observer_of(observer, {ObservedSource::Kind::client, observed_url_, {}}));
  traces_ = observer_ && observer_->traces();
  calls_.tell_ends_to(observer_ ? this : nullptr);
}

void ClientCore::tell_began(const ObservedCall& call, Packet& packet) {
  observer_->call_began(call);
  if (!traces_) return;
  TraceContext trace = TraceContext::of(packet.headers);
  observer_->call_traced(call, trace);
  trace.write_to(packet.headers);
}

void ClientCore::tell_repeated(CallKey key, int attempt, const Error& why) {
  if (observer_ && calls_.is_waiting(key)) observer_->call_repeated(observed(key), attempt, why);
}

ObservedCall ClientCore::observed(CallKey key, std::size_t sent, std::size_t received) const {
  return {observed_url_, calls_.short_route(key), calls_.is_request(key), ticket_of(key), sent, received};
}

void ClientCore::call_ended(CallKey key, const ReplyEvent& event) noexcept {
  if (event.error) return observer_->call_ended(observed(key), event.error, clock_.now() - calls_.began(key));
  const auto took = std::max(Clock::TimePoint::duration::zero(), read_clock_.of_read() - calls_.began(key));
  const std::size_t received = event.packet ? event.packet->payload.size() : 0;
  const bool is_error =
      event.packet && (event.packet->kind == PacketKind::error || event.packet->kind == PacketKind::no_handler);
  if (!is_error) return observer_->call_ended(observed(key, 0, received), nullptr, took);
  const Error error = Error::from_peer(event.packet->payload, *event.packet->serializer);
  observer_->call_ended(observed(key, 0, received), &error, took);
}

ClientState ClientCore::state() const {
  ClientState state;
  state.status = status;
  state.troubled_at = std::chrono::steady_clock::time_point(std::chrono::steady_clock::duration(troubled_at_.load()));
  const std::lock_guard lock(why_mutex_);
  if (state.status == Status::blocked) state.why = blocked_why_;
  if (state.status == Status::ready) state.why = hindered_why_;
  const bool is_apart = state.status != Status::blocked && state.status != Status::ready;
  if (is_apart && state.status != Status::closed) state.why = failed_why_;
  return state;
}

void ClientCore::note_failure(std::string_view why) {
  const std::lock_guard lock(why_mutex_);
  failed_why_ = why;
}

void ClientCore::note_trouble() { troubled_at_ = clock_.now().time_since_epoch().count(); }

void ClientCore::on_hindered(std::string_view reason) {
  const std::lock_guard lock(why_mutex_);
  if (reason.empty() && !hindered_why_.empty()) note_trouble();
  hindered_why_ = reason;
}

void ClientCore::set_status(Status changed) {
  if (changed == Status::interrupted) {
    on_hindered({});
    note_trouble();
  }
  if (status.exchange(changed) != changed && observer_) observer_->link_changed(observed_url_, changed);
}

void ClientCore::tell_bound(std::string_view bound) const {
  if (observer_) observer_->bound_reached(observed_url_, bound);
}

}  // namespace waybill::detail
