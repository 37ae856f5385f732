// Ten thousand requests made of what goes wrong: pieces give what the whole gives, bounds are kept, and what is let pass
// means one thing.
#include "http/request_parser.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace waybill::http {
namespace {

using namespace std::string_literals;

constexpr RequestLimits k_limits{512, 64};

class Dice {
 public:
  template <class T, std::size_t N>
  const T& any(const T (&of)[N]) {
    return of[engine_() % N];
  }
  bool once_in(unsigned many) { return engine_() % many == 0; }
  std::size_t below(std::size_t end) { return engine_() % end; }

 private:
  std::mt19937 engine_{7};
};

std::string hostile_request(Dice& dice) {
  static const std::string ends[] = {"\n"s, "\r"s, "\r\r\n"s, "\n\r"s, ""s, "\0\r\n"s, "\r\n "s, "\v\r\n"s};
  static const std::string lines[] = {"GET / HTTP/1.1"s,
                                      "POST /in?a=b HTTP/1.1"s,
                                      "POST /in HTTP/1.0"s,
                                      "GET  / HTTP/1.1"s,
                                      "get / HTTP/1.1"s,
                                      "GET / HTTP/1.2"s,
                                      "GET /"s,
                                      "CONNECT a:1 HTTP/1.1"s,
                                      "GET http://b:1/ HTTP/1.1"s,
                                      "GET http://u@b/ HTTP/1.1"s,
                                      "OPTIONS * HTTP/1.1"s,
                                      "PRI * HTTP/2.0"s,
                                      "SOURCE / ICE/1.0"s,
                                      "GET /\xff HTTP/1.1"s,
                                      "\x16\x03\x01"s};
  static const std::string fields[] = {"Content-Length: 3"s,
                                       "Content-Length: 03"s,
                                       "Content-Length: 3, 3"s,
                                       "Content-Length: +3"s,
                                       "Content-Length: 99999999999999999999"s,
                                       "Content-Length : 3"s,
                                       "Content-Length: 3\x00"s,
                                       "Transfer-Encoding: chunked"s,
                                       "Transfer-Encoding: xchunked"s,
                                       "Transfer-Encoding: \vchunked"s,
                                       "Transfer-Encoding : chunked"s,
                                       "Transfer-Encoding: gzip, chunked"s,
                                       "Host: b"s,
                                       "Host:"s,
                                       "Host: a b"s,
                                       "Host: u@a"s,
                                       "X: \x1b[2J"s,
                                       "X: a\nY: b"s,
                                       ": x"s,
                                       "no colon"s,
                                       "Connection: upgrade"s,
                                       "Upgrade: h2c"s,
                                       "Expect: 100-continue"s,
                                       "Expect: x"s,
                                       " folded"s,
                                       "Long: "s + std::string(200, 'x'),
                                       "Connection: close"s,
                                       "\xff: x"s};
  static const std::string bodies[] = {"abc"s,
                                       "3\r\nabc\r\n0\r\n\r\n"s,
                                       "3;a=\"b\"\r\nabc\r\n0\r\nX: y\r\n\r\n"s,
                                       "3\nabc\n0\n\n"s,
                                       "3 \r\nabc\r\n0\r\n\r\n"s,
                                       "3;\nx\r\nabc\r\n0\r\n\r\n"s,
                                       "0x3\r\nabc\r\n0\r\n\r\n"s,
                                       "3\r\nabcX\r\n0\r\n\r\n"s,
                                       "ffffffffffffffff\r\nabc"s,
                                       "0\r\nX : y\r\n\r\n"s,
                                       "-3\r\n"s,
                                       "41\r\n"s + std::string(65, 'x') + "\r\n0\r\n\r\n"s,
                                       ""s};
  const auto end = [&] { return dice.once_in(12) ? dice.any(ends) : "\r\n"s; };
  std::string text = (dice.once_in(3) ? dice.any(lines) : lines[1]) + end();
  if (!dice.once_in(6)) text += "Host: a" + end();
  for (std::size_t left = dice.below(4); left > 0; --left) text += dice.any(fields) + end();
  text += end() + dice.any(bodies);
  for (std::size_t left = dice.once_in(4) ? dice.below(3) : 0; left > 0 && !text.empty(); --left)
    text[dice.below(text.size())] = static_cast<char>(dice.below(256));
  return text;
}

std::string text_of(const Request& request) {
  std::string text = request.method + ' ' + request.target;
  for (const auto& [name, value] : request.fields) text += '|' + name + '=' + value;
  return text + '|' + request.body;
}

/// The first request of it, or the status that it is refused with.
std::string play(const std::string& bytes, std::size_t piece, std::string* again = nullptr) {
  RequestParser parser(k_limits);
  for (std::size_t from = 0; from < bytes.size(); from += piece) {
    for (std::size_t at = from, end = std::min(bytes.size(), from + piece); at < end;) {
      const auto outcome = parser.read(bytes.data(), end, at);
      if (outcome == RequestParser::Outcome::bad) return std::to_string(parser.problem_status());
      if (outcome != RequestParser::Outcome::complete) continue;
      const Request& request = parser.request();
      EXPECT_LE(request.body.size(), k_limits.max_body);
      if (again) {
        *again = request.method + ' ' + request.target + (parser.is_http10() ? " HTTP/1.0\r\n" : " HTTP/1.1\r\n");
        for (const auto& [name, value] : request.fields) {
          if (name != "Transfer-Encoding") *again += name + ": " + value + "\r\n";
        }
        if (request.header("Transfer-Encoding"))
          *again += "Content-Length: " + std::to_string(request.body.size()) + "\r\n";
        *again += "\r\n" + request.body;
      }
      return text_of(request);
    }
  }
  return "more";
}

TEST(HttpHostile, TenThousandRequestsMeanOneThingOrAreRefused) {
  Dice dice;
  std::map<std::string, int> outcomes;
  for (int i = 0; i < 10'000; ++i) {
    const std::string bytes = hostile_request(dice);
    std::string again;
    const std::string whole = play(bytes, bytes.size(), &again);
    ASSERT_EQ(play(bytes, 1), whole) << testing::PrintToString(bytes);
    ASSERT_EQ(play(bytes, 1 + dice.below(16)), whole) << testing::PrintToString(bytes);
    const bool is_taken = whole.find('|') != std::string::npos;
    ++outcomes[is_taken ? "taken" : whole];
    if (!is_taken) continue;
    for (const char c : whole.substr(0, whole.rfind('|'))) {
      ASSERT_TRUE(static_cast<unsigned char>(c) >= ' ' || c == '\t') << testing::PrintToString(bytes);
    }
    std::string second;
    play(again, again.size(), &second);
    ASSERT_EQ(second, again) << testing::PrintToString(bytes);
  }
  for (const char* outcome : {"taken", "400", "413", "417", "501", "505", "more"})
    EXPECT_GE(outcomes[outcome], 10) << outcome;
}

}  // namespace
}  // namespace waybill::http
