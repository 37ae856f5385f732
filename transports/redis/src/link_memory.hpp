// What a link of one role leaves to the next one.
#pragma once

#include "waybill/transports/socket/dial.hpp"
#include "waybill/transports/socket/fresh_tls.hpp"

#include <cstddef>

namespace waybill::redis {

struct LinkMemory {
  bool was_met = false;    ///< A Redis server has answered at these addresses: what answers now is only in its way.
  bool was_named = false;  ///< Once it is looked whether somebody else is there, when a login has failed.
  std::size_t host = 0;    ///< Of the URL's, the one that was the primary.
  socket::FreshTls tls;
};

}  // namespace waybill::redis
