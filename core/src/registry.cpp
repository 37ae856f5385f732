#include "waybill/registry.hpp"

#include "waybill/detail/nearest.hpp"
#include "waybill/error.hpp"

#include <algorithm>

namespace waybill {
namespace {

Error unknown(const std::string& what, std::string_view name, const std::vector<std::string>& known) {
  std::string message = "unknown " + what + " \"" + std::string(name.substr(0, 100)) + '"';
  const std::string meant = detail::nearest(name, known);
  message += meant.empty() ? "; built in:" : "; did you mean \"" + meant + "\"? Built in:";
  for (std::size_t i = 0; i < known.size(); ++i) (message += i ? ", " : " ") += known[i];
  if (known.empty()) message += " none";
  return Error(errc::invalid_config, std::move(message), End::rejected);
}

[[noreturn]] void refuse(std::string message) { throw Error(errc::invalid_config, std::move(message), End::rejected); }

}  // namespace

void Registry::add_transport(std::string scheme, TransportFactory factory) {
  const auto same = [&scheme](const auto& entry) { return entry.first == scheme; };
  if (std::any_of(transports_.begin(), transports_.end(), same)) {
    refuse("the URL scheme \"" + scheme + "\" is registered already");
  }
  transports_.emplace_back(std::move(scheme), std::move(factory));
}

void Registry::add_serializer(std::unique_ptr<Serializer> serializer) {
  if (find_serializer(serializer->name())) {
    refuse("the serializer \"" + std::string(serializer->name()) + "\" is registered already");
  }
  serializers_.push_back(std::move(serializer));
}

Result<std::unique_ptr<Transport>> Registry::make_transport(const Url& url) const {
  for (const auto& [scheme, factory] : transports_) {
    if (scheme == url.scheme) return factory(url, *this);
  }
  return unknown("URL scheme", url.scheme, schemes());
}

Result<const Serializer*> Registry::serializer(std::string_view name) const {
  if (const Serializer* found = find_serializer(name)) return found;
  std::vector<std::string> known;
  for (const auto& serializer : serializers_) known.emplace_back(serializer->name());
  return unknown("serializer", name, known);
}

const Serializer* Registry::find_serializer(std::string_view name) const noexcept {
  for (const auto& serializer : serializers_) {
    if (serializer->name() == name) return serializer.get();
  }
  return nullptr;
}

const Serializer& Registry::default_serializer() const {
  if (serializers_.empty()) refuse("no serializer was built in: enable WAYBILL_WITH_JSON or WAYBILL_WITH_MSGPACK");
  return *serializers_.front();
}

std::vector<std::string> Registry::schemes() const {
  std::vector<std::string> names;
  for (const auto& [scheme, factory] : transports_) names.push_back(scheme);
  return names;
}

}  // namespace waybill
