// Registry: URL scheme -> transport, name -> serializer. The one place where names meet implementations.
#pragma once

#include "waybill/format/serializer.hpp"
#include "waybill/result.hpp"
#include "waybill/transport/transport.hpp"
#include "waybill/url.hpp"

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace waybill {

/// Filled once, then read by any number of threads. Services and clients keep it alive by shared ownership.
class Registry {
 public:
  /// Makes a transport from a URL. Core reads its own options before (docs/configuration.md) and removes them.
  using TransportFactory = std::function<Result<std::unique_ptr<Transport>>(const Url& url, const Registry& registry)>;

  void add_transport(std::string scheme, TransportFactory factory);
  /// The first serializer added is the default.
  void add_serializer(std::unique_ptr<Serializer> serializer);

  /// Errors: invalid_config that names the known schemes and the nearest one.
  Result<std::unique_ptr<Transport>> make_transport(const Url& url) const;
  /// Errors: invalid_config that names the known serializers and the nearest one.
  Result<const Serializer*> serializer(std::string_view name) const;
  /// Null if there is none; for bytes from a peer.
  const Serializer* find_serializer(std::string_view name) const noexcept;
  const Serializer& default_serializer() const;
  std::vector<std::string> schemes() const;

 private:
  std::vector<std::pair<std::string, TransportFactory>> transports_;
  std::vector<std::unique_ptr<Serializer>> serializers_;
};

/// Adds the serializers that were built into this copy of waybill, its default first.
void add_built_in_serializers(Registry& registry);

/// What was built into this copy of waybill; made at the first call. A program may pass a registry of its own instead.
std::shared_ptr<const Registry> default_registry();

}  // namespace waybill
