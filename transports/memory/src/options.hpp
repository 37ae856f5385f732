// What a memory URL says.
#pragma once

#include "waybill/result.hpp"
#include "waybill/url.hpp"

#include <string>

namespace waybill::memory {

struct Options {
  std::string name;   ///< Of the broker.
  bool wire = false;  ///< Packets are composed and parsed on the way.

  /// Errors: invalid_config with every mistake.
  static Result<Options> from_url(const Url& url);
};

}  // namespace waybill::memory
