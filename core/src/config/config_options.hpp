// The options of core in a URL: read off before a transport sees it.
#pragma once

#include "waybill/config.hpp"
#include "waybill/detail/mistakes.hpp"
#include "waybill/registry.hpp"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace waybill::detail {

/// What core does with an option of its own in the URL of a role.
enum class OptionUse {
  read,    ///< Takes it.
  refuse,  ///< Says that it belongs to the other role.
  leave,   ///< Leaves it to the transport, which may have one of that name.
};

/// One option that core owns, on every transport.
struct CoreOption {
  std::string_view name;
  OptionUse in_listeners;
  OptionUse in_clients;
};

/// All of them; docs/configuration.md describes each in one sentence, and a test compares the two.
std::span<const CoreOption> core_options() noexcept;

/// Moves core's options from config.url to where they belong, and appends what is wrong with them to `mistakes`.
/// What the URL does not mention stays as it was.
void take_options(ListenerConfig& config, Mistakes& mistakes);
void take_options(ClientConfig& config, Mistakes& mistakes);

/// fail_fast, wait, wait(30s) or background.
Result<Startup> parse_startup(std::string_view text);

/// The transport of a configured URL. Throws its mistakes, said to be at `origin` where that is known.
std::unique_ptr<Transport> make_configured(const Registry& registry, const Url& url, const std::string& origin);

/// Throws what is wrong with any listener and any client of `config`, those too that are not used yet: unknown schemes,
/// serializers and options of transports.
void check_everything(const Registry& registry, const Config& config);
/// Appends the same, and what transports cannot do for listeners, which a start tells otherwise. What has no URL that could be
/// read is left out: that is told already.
void check_file(const Registry& registry, const Config& config, Mistakes& mistakes);

/// What a listener asks for that its transport cannot do: groups, dead letters. Nothing where all is well.
std::optional<std::string> refusal_of(const ListenerConfig& listener, const Capabilities& can);

}  // namespace waybill::detail
