// Status: of the link of a client or a listener.
#pragma once

#include <string_view>

namespace waybill {

enum class Status {
  idle,
  connecting,
  ready,
  blocked,  ///< Ready, but the broker takes nothing for now (it is short of memory, say): what is sent waits.
  interrupted,
  closed
};

/// "ready", "interrupted" ...
constexpr std::string_view name_of(Status status) noexcept {
  switch (status) {
    case Status::idle: return "idle";
    case Status::connecting: return "connecting";
    case Status::ready: return "ready";
    case Status::blocked: return "blocked";
    case Status::interrupted: return "interrupted";
    case Status::closed: break;
  }
  return "closed";
}

}  // namespace waybill
