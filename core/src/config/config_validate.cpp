// What programs fill in by hand, checked as texts are when they are read.
#include "config/config_options.hpp"
#include "config/listener_names.hpp"

namespace waybill {
namespace {

using detail::Mistakes;
using detail::outcome_of;

void take(const Result<void>& part, const std::string& prefix, Mistakes& mistakes) {
  if (!part) detail::append_mistakes(part.error(), prefix, mistakes);
}

void check(const std::vector<MiddlewareConfig>& list, Mistakes& mistakes) {
  for (const MiddlewareConfig& one : list) {
    if (!one.make) mistakes.push_back("middleware " + one.name + ": has nothing that makes it");
  }
}

}  // namespace

Result<void> Startup::validate() const {
  if (limit.count() >= 0 && taken_limit.count() >= 0) return {};
  return Error(errc::invalid_config, "startup: its limit is negative", End::rejected);
}

Result<void> DeliveryPolicy::validate() const {
  Mistakes mistakes;
  if (attempts < 1) mistakes.push_back("attempts: must be at least 1, found " + std::to_string(attempts));
  if (backoff.count() < 0) mistakes.push_back("backoff: is negative");
  if (most_backoff < backoff) mistakes.push_back("most_backoff: is less than backoff");
  return outcome_of(mistakes);
}

Result<void> ListenerConfig::validate() const {
  Mistakes mistakes;
  if (max_in_flight == 0) mistakes.push_back("max_in_flight: must be at least 1");
  take(startup.validate(), {}, mistakes);
  take(delivery.validate(), {}, mistakes);
  check(middleware, mistakes);
  return outcome_of(mistakes);
}

Result<void> ClientConfig::validate() const {
  Mistakes mistakes;
  check(middleware, mistakes);
  if (timeout.count() <= 0) mistakes.push_back("timeout: must be more than 0: every request has a deadline");
  if (connect_timeout.count() <= 0) {
    mistakes.push_back("connect_timeout: must be more than 0: no call could wait for its link");
  }
  return outcome_of(mistakes);
}

Result<void> Config::validate() const {
  Mistakes mistakes;
  for (const ListenerConfig& listener : listeners) {
    take(listener.validate(), "listener " + listener.url.redacted() + ": ", mistakes);
  }
  for (const auto& [key, client] : clients) take(client.validate(), "client " + key + ": ", mistakes);
  detail::check_names(*this, mistakes);
  check(middleware, mistakes);
  if (drain_timeout.count() < 0) mistakes.push_back("drain_timeout: is negative");
  return outcome_of(mistakes);
}

}  // namespace waybill
