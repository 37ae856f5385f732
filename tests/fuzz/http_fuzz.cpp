// RequestParser on arbitrary bytes in arbitrary pieces: no crash, bounds are kept, and pieces give what the whole gives.
#include "http/request_parser.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

using namespace waybill::http;

constexpr RequestLimits k_limits{2048, 512};

std::string text_of(const Request& request) {
  std::string text = request.method + ' ' + request.target;
  for (const auto& [name, value] : request.fields) text += '|' + name + '=' + value;
  return text + '|' + request.body;
}

std::vector<std::string> play(const char* data, std::size_t size, std::size_t piece) {
  RequestParser parser(k_limits);
  std::vector<std::string> seen;
  for (std::size_t from = 0; from < size; from += piece) {
    const std::size_t end = std::min(size, from + piece);
    for (std::size_t at = from; at < end;) {
      switch (parser.read(data, end, at)) {
        case RequestParser::Outcome::more: break;
        case RequestParser::Outcome::head: seen.push_back("continue"); break;
        case RequestParser::Outcome::complete:
          if (parser.request().body.size() > k_limits.max_body) std::abort();
          seen.push_back(text_of(parser.request()) + (parser.keeps_alive() ? "" : " and no more"));
          parser.begin_next();
          break;
        case RequestParser::Outcome::bad: seen.push_back(std::to_string(parser.problem_status())); return seen;
      }
    }
  }
  return seen;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::size_t piece = 1 + data[0] % 16;
  const char* bytes = reinterpret_cast<const char*>(data) + 1;
  if (play(bytes, size - 1, piece) != play(bytes, size - 1, size)) std::abort();
  return 0;
}
