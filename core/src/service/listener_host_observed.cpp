// What a listener tells its observer. Nothing of it runs where there is none.
#include "observers.hpp"
#include "service/listener_host.hpp"

#include <optional>
#include <string>
#include <vector>

namespace waybill::detail {

void ListenerHost::begin_observing() {
  if (!parts_->observer) return;
  std::vector<std::string> routes;
  for (const Route& route : table_.routes()) routes.push_back(route.pattern.route());
  observer_ = observer_of(parts_->observer, {ObservedSource::Kind::listener, observed_url_, routes});
  traces_ = observer_->traces();
}

Environment ListenerHost::with_figures(Environment environment) {
  environment.metrics = nullptr;
  if (!parts_->metrics && !parts_->observer) return environment;
  environment.metrics = [this](std::string_view name, double value) {
    if (parts_->metrics) parts_->metrics(name, value);
    if (observer_) observer_->figure_told(observed_url_, name, value);
  };
  return environment;
}

void ListenerHost::begin_observing(Delivery& delivery, const RouteEntry* entry) {
  ObservedDeliveryPtr observed =
      spare_observed_ ? std::move(spare_observed_) : ObservedDeliveryPtr(new ObservedDelivery);
  observed->begin(observer_, observed_url_, entry, ++observed_, read_clock_.of_read(), delivery);
  if (traces_) observed->trace(delivery.packet);
  delivery.observed() = std::move(observed);
}

void ListenerHost::tell_handled(Exchange& exchange, const Error* error) {
  if (!observer_) return;
  if (exchange.is_on_loop()) return exchange.delivery().observed()->handled(error, read_clock_.now());
  const std::optional<Error> kept = error ? std::optional<Error>(*error) : std::nullopt;
  exchange.on_loop([self = shared_from_this(), kept](Exchange& its) {
    its.delivery().observed()->handled(kept ? &*kept : nullptr, self->read_clock_.now());
  });
}

ListenerState ListenerHost::state() const {
  ListenerState state;
  state.name = config_.name;
  state.url = observed_url_;
  state.status = status_;
  state.dead_letters_waiting = letters_waiting_;
  state.troubled_at = std::chrono::steady_clock::time_point(std::chrono::steady_clock::duration(troubled_at_.load()));
  if (state.status != Status::ready && state.status != Status::closed) {
    const std::lock_guard lock(why_mutex_);
    state.why = why_;
  }
  return state;
}

void ListenerHost::on_hindered(std::string_view reason) {
  const Status status = status_;
  if (closed_ || draining_ || (status != Status::ready && status != Status::blocked)) return;
  note_why(reason);
  const Status changed = reason.empty() ? Status::ready : Status::blocked;
  if (changed != status) tell_link(changed);
}

void ListenerHost::note_why(std::string_view reason) {
  const std::lock_guard lock(why_mutex_);
  why_ = reason;
}

void ListenerHost::tell_letters() {
  const std::size_t waiting = parking_ ? parking_->without_place() : 0;
  const std::size_t before = letters_waiting_.exchange(waiting);
  if (waiting == 0 && before > 0) troubled_at_ = clock_.now().time_since_epoch().count();
  if (waiting == before || !observer_) return;
  observer_->figure_told(observed_url_, "dead_letters_waiting", static_cast<double>(waiting));
}

void ListenerHost::tell_link(Status changed) {
  status_ = changed;
  if (changed == Status::interrupted) troubled_at_ = clock_.now().time_since_epoch().count();
  if (observer_) observer_->link_changed(observed_url_, changed);
}

}  // namespace waybill::detail
