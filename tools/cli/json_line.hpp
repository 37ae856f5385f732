// JSON texts as the command line takes and prints them. Numbers and escapes stay as they were written.
#pragma once

#include <waybill/payload.hpp>
#include <waybill/result.hpp>
#include <waybill/transport/packet.hpp>

#include <string>
#include <string_view>

namespace waybill::cli {

/// The serializer of JSON. Throws Error(unsupported) if this copy of waybill was built without.
const Serializer& json_serializer();

/// A text as JSON, in quotes. What is not UTF-8 is replaced by U+FFFD.
std::string json_quoted(std::string_view text);

/// A payload as one line: the bytes that came if they are JSON, without line breaks; else the same value in JSON.
/// Errors: payload_malformed, payload_mismatch.
Result<std::string> json_line(const Payload& payload);

/// The same, where something must be shown: what is not in its serializer's format becomes the text that it is.
std::string json_shown(const Payload& payload);

/// A JSON text from the command line as a payload of `target`: without white space, or converted to its format.
/// Errors: payload_malformed, payload_mismatch.
Result<Payload> payload_from_json(std::string_view json, const Serializer& target);

/// The members of a JSON object as headers.
struct JsonHeaders {
  Headers texts;  ///< In the order in which they were written; values that are no texts as their JSON text.
  bool are_texts = true;
};
/// Errors: payload_malformed, payload_mismatch.
Result<JsonHeaders> headers_from_json(std::string_view json);

}  // namespace waybill::cli
