#include "waybill/transport/dead_letter.hpp"

#include <charconv>

namespace waybill {

void add_death_headers(Headers& headers, std::string_view origin, std::string_view error, int attempts) {
  headers.set(header::k_error, error);
  headers.set(header::k_origin, origin);
  headers.set(header::k_attempt, std::to_string(attempts));
}

void read_death_headers(DeadLetter& letter) {
  const Headers& headers = letter.packet.headers;
  if (const std::string* error = headers.find(header::k_error)) letter.error = *error;
  if (const std::string* origin = headers.find(header::k_origin)) letter.origin = *origin;
  if (const std::string* attempts = headers.find(header::k_attempt)) {
    int number = 0;
    const auto [end, ec] = std::from_chars(attempts->data(), attempts->data() + attempts->size(), number);
    if (ec == std::errc() && end == attempts->data() + attempts->size() && number > 0) letter.attempts = number;
  }
}

void remove_death_headers(Headers& headers) {
  headers.erase(header::k_error);
  headers.erase(header::k_origin);
  headers.erase(header::k_attempt);
}

}  // namespace waybill
