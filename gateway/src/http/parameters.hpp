// A request's parameters as one JSON object, for the members of a struct.
#pragma once

#include "waybill/format/model.hpp"
#include "waybill/http/message.hpp"

#include <string>
#include <string_view>

namespace waybill::http {

/// The members that `type` has, from path, query and body, in this order. What is to be a text is quoted; what is to be a
/// number or a flag and cannot be one stays a text, so that decoding says what was expected. Throws Problem(400) for a body
/// that is no object.
std::string parameters_as_json(const Request& request, const ObjectType& type);

/// Members that are parameters may be in the body of such a request, too.
bool takes_body(std::string_view method) noexcept;

/// What is inside of optionals.
const TypeInfo& content_of(const TypeInfo& type);

}  // namespace waybill::http
