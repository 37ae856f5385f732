// `error.type` of spans and metrics.
#pragma once

#include <string>

namespace waybill {
class Error;
}

namespace waybill::opentelemetry {

/// Of few different values: the library's name of the error, or the code that an application gave it.
std::string error_type(const Error& error);

}  // namespace waybill::opentelemetry
