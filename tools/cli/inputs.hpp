// What was typed, turned into what the library takes. All of it throws UsageError, with a sentence that names the
// place.
#pragma once

#include "json_line.hpp"
#include <waybill/pattern.hpp>
#include <waybill/payload.hpp>
#include <waybill/transport/packet.hpp>

#include <chrono>
#include <stdexcept>
#include <string>
#include <string_view>

namespace waybill::cli {

/// The command line is wrong: exit code 2.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// JSON text, number or object; everything else that does not look like JSON is the text itself.
Pattern parse_pattern(const std::string& typed);
/// `typed`, or all of standard input if it is "-".
std::string read_data(const std::string& typed);
/// `name` says where the JSON was given: "data", "--metadata".
Payload parse_value(std::string_view json, const Serializer& format, std::string_view name);
JsonHeaders parse_headers(std::string_view json, std::string_view name);
/// More than zero: "5s", "250ms", "250".
std::chrono::milliseconds parse_time(std::string_view text, std::string_view name);

/// Writes to standard output and flushes it. Ends the program, as failed, when that cannot be done.
void print_text(std::string_view text);
void print_line(std::string_view line);

}  // namespace waybill::cli
