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

void ListenerHost::tell_handled(Exchange& exchange, const Error* error) {
  if (!observer_) return;
  const std::optional<Error> kept = error ? std::optional<Error>(*error) : std::nullopt;
  exchange.on_loop([self = shared_from_this(), kept](Exchange& its) {
    ObservedDelivery::of(its.delivery()).handled(kept ? &*kept : nullptr, self->clock_.now());
  });
}

void ListenerHost::tell_link(Status changed) {
  status_ = changed;
  if (observer_) observer_->link_changed(observed_url_, changed);
}

}  // namespace waybill::detail
