// The id that a request is known by in logs and on the services behind.
#pragma once

#include <string>

namespace waybill::http {

/// The caller's, where it is 1 to 128 visible characters of ASCII; else a new one.
std::string request_id(const std::string* callers);

}  // namespace waybill::http
