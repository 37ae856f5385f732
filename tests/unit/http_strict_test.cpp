// Requests that two readers could take for two things: what RequestParser says of them, whole and byte by byte.
#include "http/request_parser.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace waybill::http {
namespace {

/// "200" and the body, or the status that it is refused with and why.
std::string play(const std::string& bytes, std::size_t piece) {
  RequestParser parser({1024, 100});
  for (std::size_t from = 0; from < bytes.size(); from += piece) {
    for (std::size_t at = from, end = std::min(bytes.size(), from + piece); at < end;) {
      const auto outcome = parser.read(bytes.data(), end, at);
      if (outcome == RequestParser::Outcome::bad)
        return std::to_string(parser.problem_status()) + ' ' + parser.problem();
      if (outcome == RequestParser::Outcome::complete) return "200 " + parser.request().body;
    }
  }
  return "more";
}

std::string verdict(const std::string& bytes) {
  const std::string whole = play(bytes, bytes.size());
  EXPECT_EQ(play(bytes, 1), whole) << bytes;
  return whole;
}

std::string status(const std::string& bytes) { return verdict(bytes).substr(0, 3); }

TEST(HttpStrict, ALineOfTheHeadEndsInCrLf) {
  for (const char* request : {
           "GET / HTTP/1.1\nHost: a\n\n",
           "GET / HTTP/1.1\nHost: a\r\n\r\n",
           "GET / HTTP/1.1\r\nHost: a\n\r\n",
           "GET / HTTP/1.1\r\nHost: a\r\n\n",
           "GET / HTTP/1.1\r\nHost: a\r\nX: b\nTransfer-Encoding: chunked\r\n\r\n",
           "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
           "GET / HTTP/1.1\rHost: a\r\n\r\n",
           "GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n",
           "GET / HTTP/1.1\r\r\nHost: a\r\n\r\n",
       }) {
    EXPECT_EQ(verdict(request), "400 a line of the head does not end in CR LF") << request;
  }
  EXPECT_EQ(status("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"), "200");
}

TEST(HttpStrict, AFieldIsInOneLineWithoutControlCharacters) {
  EXPECT_EQ(verdict("GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n"), "400 a field of the head is folded");
  EXPECT_EQ(verdict("GET / HTTP/1.1\r\n Host: a\r\n\r\n"), "400 a field of the head is folded");
  using namespace std::string_literals;
  for (const std::string& character : {"\0"s, "\x01"s, "\x0b"s, "\x0c"s, "\x1b"s, "\x7f"s}) {
    for (const std::string& request : {
             "GET / HTTP/1.1\r\nHost: a\r\nX: a" + character + "b\r\n\r\n",
             "GET / HTTP/1.1\r\nHost: a\r\nX" + character + ": b\r\n\r\n",
             "GET /" + character + " HTTP/1.1\r\nHost: a\r\n\r\n",
             "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:" + character + "chunked\r\n\r\n0\r\n\r\n",
         }) {
      EXPECT_EQ(verdict(request), "400 there is a control character in the head") << request;
    }
  }
  EXPECT_EQ(status("GET / HTTP/1.1\r\nHost: a\r\nX: a\tb \xc3\xa4\r\nY:\r\n\r\n"), "200");
  EXPECT_EQ(status("GET / HTTP/1.1\r\nHost: a\r\nX : a\r\n\r\n"), "400");
  EXPECT_EQ(status("GET / HTTP/1.1\r\nHost: a\r\n: a\r\n\r\n"), "400");
  EXPECT_EQ(status("GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n"), "400");
}

TEST(HttpStrict, TheRequestLineIsToTheLetter) {
  const std::pair<const char*, const char*> cases[] = {
      {"GET / HTTP/1.1", "200"},
      {"GET / HTTP/1.0", "200"},
      {"BREW / HTTP/1.1", "501"},
      {"get / HTTP/1.1", "501"},
      {"GET / HTTP/1.2", "505"},
      {"GET / HTTP/0.9", "505"},
      {"GET / HTTP/2.0", "505"},
      {"PRI * HTTP/2.0", "505"},
      {"CONNECT a:443 HTTP/1.1", "501"},
      {"GET / HTTP/1.10", "400"},
      {"GET / HTTP/01.1", "400"},
      {"GET / http/1.1", "400"},
      {"GET / HTTP/11", "400"},
      {"GET / HTTP/1,1", "400"},
      {"GET / ICE/1.0", "400"},
      {"SOURCE / ICE/1.0", "400"},
      {"GET /", "400"},
      {"GET", "400"},
      {"nonsense", "400"},
      {"GET  / HTTP/1.1", "400"},
      {"GET /  HTTP/1.1", "400"},
      {"GET / HTTP/1.1 ", "400"},
      {" GET / HTTP/1.1", "400"},
      {"GET\t/ HTTP/1.1", "400"},
      {"GET /a b HTTP/1.1", "400"},
      {"GET /a\tb HTTP/1.1", "400"},
      {"G@T / HTTP/1.1", "400"},
      {"GET HTTP/1.1", "400"},
      {"GET  HTTP/1.1", "400"},
      {"GET /\xc3\xa4 HTTP/1.1", "200"},
      {"GET a HTTP/1.1", "400"},
  };
  for (const auto& [line, wanted] : cases) EXPECT_EQ(status(std::string(line) + "\r\nHost: a\r\n\r\n"), wanted) << line;
  EXPECT_EQ(status("\x16\x03\x01\x02"), "400") << "TLS where none is expected is told at once";
}

TEST(HttpStrict, HostIsThereOnceAndIsAHost) {
  const auto with_host = [](const std::string& host) { return status("GET / HTTP/1.1\r\nHost:" + host + "\r\n\r\n"); };
  for (const char* good : {" shop.example", " shop.example:80", " shop_1", " 127.0.0.1:8080", " [::1]", " [::1]:80",
                           " a:", "a", "\ta\t", "", " ", " %C3%A4.example", " [v1.fe]"}) {
    EXPECT_EQ(with_host(good), "200") << good;
  }
  for (const char* bad : {" a b",     " a,b:1:2",  " a/b",  " a?b",  " a#b", " user@a",   " http://a", " a:b",
                          " a:80:80", " a:123456", " a:-1", " [::1", " ::1", " []",       " [::1]a",   " [a b]",
                          " \"a\"",   " <a>",      " a\\b", " a%zz", " a%2", " \xc3\xa4", " a|b",      " {a}"}) {
    EXPECT_EQ(with_host(bad), "400") << bad;
  }
  EXPECT_EQ(status("GET / HTTP/1.1\r\n\r\n"), "400");
  EXPECT_EQ(status("GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n"), "400");
  EXPECT_EQ(status("GET / HTTP/1.0\r\n\r\n"), "200");
  EXPECT_EQ(status("GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n"), "400");
  EXPECT_EQ(status("GET / HTTP/1.0\r\nHost: a b\r\n\r\n"), "400");
  const auto with_target = [](const std::string& target) {
    return status("GET " + target + " HTTP/1.1\r\nHost: a\r\n\r\n");
  };
  EXPECT_EQ(with_target("http://b/x"), "200");
  EXPECT_EQ(with_target("HTTP://[::1]:80?x"), "200");
  for (const char* bad : {"http://user@b/", "http:///x", "http://:80/", "http://b:x/", "http://b%zz/"})
    EXPECT_EQ(with_target(bad), "400") << bad;
}

TEST(HttpStrict, ChunksAreToTheLetter) {
  const auto chunked = [](const std::string& body) {
    return verdict("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + body);
  };
  for (const char* size : {"3", "03", "3;a", "3 ;a", "3; a", "3;a=b", "3;a = b", "3\t;\ta=\"b\"",
                           "3;a=\"b;\\\"c \xc3\xa4\"", "3;a=\"\"", "3;a=1;b;c=\"2\" ; d"}) {
    EXPECT_EQ(chunked(std::string(size) + "\r\nabc\r\n0\r\n\r\n"), "200 abc") << size;
  }
  for (const char* size : {"3 ",   "3\t",     "3;",           "3; ",     "3 a",       "3a;b c",     "3;a b",
                           "3;a=", "3;=b",    "3;a=b c",      "3;a=\"b", "3;a=\"b\\", "3;a=\"b\"c", "3;a=b=c",
                           "3;a ", "3;\"a\"", "3;a=\"\x01\"", "3,a",     "+3",        "3h",         "\xef\xbc\x93"}) {
    EXPECT_EQ(chunked(std::string(size) + "\r\nabc\r\n0\r\n\r\n").substr(0, 3), "400") << size;
  }
  for (const char* end :
       {"0\n\n", "0\r\n\n", "0\r\n\r", "00\r\nX: a\nY: b\r\n\r\n", "0\r\n X: a\r\n\r\n", "0\r\nX: a\r\n b\r\n\r\n",
        "0\r\nX\r\n\r\n", "0\r\nX : a\r\n\r\n", "0\r\n: a\r\n\r\n", "0\r\nX: \x01\r\n\r\n", "0;\nX: a\r\n\r\n"}) {
    EXPECT_NE(chunked(std::string("3\r\nabc\r\n") + end).substr(0, 3), "200") << end;
  }
  EXPECT_EQ(chunked("3\r\nabc\r\n0\r\nX: a\r\nY:\r\n\r\n"), "200 abc");
}

}  // namespace
}  // namespace waybill::http
