#include "http/request_parser.hpp"

#include "http/targets.hpp"

#include <algorithm>
#include <utility>

namespace waybill::http {

namespace {

/// http_parser lets spaces pass where it was built without its strict mode.
bool is_token(std::string_view name) {
  constexpr std::string_view k_marks = "!#$%&'*+-.^_`|~";
  return !name.empty() && std::all_of(name.begin(), name.end(), [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           k_marks.find(c) != std::string_view::npos;
  });
}

std::size_t count_of(const Fields& fields, std::string_view name) {
  return static_cast<std::size_t>(std::count_if(fields.begin(), fields.end(),
                                                [&](const auto& one) { return equal_without_case(one.first, name); }));
}

}  // namespace

/// What http_parser calls; not 0 stops it.
struct RequestParser::Callbacks {
  static RequestParser& of(http_parser* parser) { return *static_cast<RequestParser*>(parser->data); }

  static int on_url(http_parser* parser, const char* text, std::size_t size) {
    RequestParser& self = of(parser);
    if (!self.counts_for_head(size)) return self.refuse(414, "the target is too long");
    self.request_->target.append(text, size);
    return 0;
  }
  static int on_field(http_parser* parser, const char* text, std::size_t size) {
    RequestParser& self = of(parser);
    if (self.is_in_body_) return 0;  // a trailer: nobody asked for it
    if (!self.counts_for_head(size)) return self.refuse(431, "the fields of the head are too long");
    if (self.is_value_ && !self.field_is_whole()) return self.refuse(400, "the name of a field is no token");
    self.name_.append(text, size);
    return 0;
  }
  static int on_value(http_parser* parser, const char* text, std::size_t size) {
    RequestParser& self = of(parser);
    if (self.is_in_body_) return 0;
    if (!self.counts_for_head(size)) return self.refuse(431, "the fields of the head are too long");
    self.is_value_ = true;
    self.value_.append(text, size);
    return 0;
  }
  static int on_head(http_parser* parser) { return of(parser).head_is_whole(); }
  static int on_body(http_parser* parser, const char* text, std::size_t size) {
    RequestParser& self = of(parser);
    std::string& body = self.request_->body;
    if (size > self.limits_.max_body - body.size()) {
      return self.refuse(413, "the body is longer than " + std::to_string(self.limits_.max_body) + " bytes");
    }
    body.append(text, size);
    return 0;
  }
  static int on_complete(http_parser* parser) {
    of(parser).is_complete_ = true;
    http_parser_pause(parser, 1);
    return 0;
  }

  static const http_parser_settings& all() {
    static const http_parser_settings settings = [] {
      http_parser_settings made;
      http_parser_settings_init(&made);
      made.on_url = &on_url;
      made.on_header_field = &on_field;
      made.on_header_value = &on_value;
      made.on_headers_complete = &on_head;
      made.on_body = &on_body;
      made.on_message_complete = &on_complete;
      return made;
    }();
    return settings;
  }
};

RequestParser::RequestParser(const RequestLimits& limits) : limits_(limits) { begin_next(); }

void RequestParser::begin_next() {
  http_parser_init(&parser_, HTTP_REQUEST);
  parser_.data = this;
  request_ = std::make_unique<Request>();
  head_size_ = 0;
  name_.clear();
  value_.clear();
  is_value_ = has_begun_ = is_in_body_ = wants_continue_ = is_complete_ = false;
}

bool RequestParser::counts_for_head(std::size_t size) {
  head_size_ += size;
  return head_size_ <= limits_.max_head;
}

int RequestParser::refuse(int status, std::string what) {
  problem_status_ = status;
  problem_ = std::move(what);
  return -1;
}

RequestParser::Outcome RequestParser::bad(int status, std::string what) {
  refuse(status, std::move(what));
  return Outcome::bad;
}

bool RequestParser::field_is_whole() {
  is_value_ = false;
  while (!value_.empty() && (value_.back() == ' ' || value_.back() == '\t')) value_.pop_back();
  const bool is_good = is_token(name_);
  request_->fields.add(std::exchange(name_, {}), std::exchange(value_, {}));
  return is_good;
}

int RequestParser::head_is_whole() {
  if (is_value_ && !field_is_whole()) return refuse(400, "the name of a field is no token");
  Request& request = *request_;
  request.method = http_method_str(static_cast<http_method>(parser_.method));
  is_http10_ = parser_.http_major == 1 && parser_.http_minor == 0;
  keeps_alive_ = http_should_keep_alive(&parser_) != 0;
  if (parser_.http_major != 1 || parser_.http_minor > 1) return refuse(505, "HTTP/1.0 and HTTP/1.1 are spoken here");
  const std::size_t hosts = count_of(request.fields, "Host");
  if (hosts > 1 || (hosts == 0 && !is_http10_)) return refuse(400, "there must be one Host field");
  if (const std::string* coding = request.header("Transfer-Encoding");
      coding && !equal_without_case(*coding, "chunked")) {
    return refuse(501, "the only Transfer-Encoding that is known here is chunked");
  }
  if (const std::string* expected = request.header("Expect")) {
    if (!equal_without_case(*expected, "100-continue"))
      return refuse(417, "the only Expect that is known here is 100-continue");
    wants_continue_ = !is_http10_;
  }
  const bool has_length = !(parser_.flags & F_CHUNKED) && request.header("Content-Length");
  if (has_length && parser_.content_length > limits_.max_body) {
    return refuse(413, "the body is longer than " + std::to_string(limits_.max_body) + " bytes");
  }
  if (!has_length && !(parser_.flags & F_CHUNKED)) wants_continue_ = false;
  parser_.upgrade = 0;  // the answer is one of HTTP/1.1
  is_in_body_ = true;
  if (wants_continue_) http_parser_pause(&parser_, 1);
  return 0;
}

RequestParser::Outcome RequestParser::read(const char* data, std::size_t size, std::size_t& at) {
  if (HTTP_PARSER_ERRNO(&parser_) == HPE_PAUSED) http_parser_pause(&parser_, 0);
  while (at < size && !is_complete_) {
    const std::size_t taken = http_parser_execute(&parser_, &Callbacks::all(), data + at, size - at);
    has_begun_ = has_begun_ || taken > 0;
    at += taken;
    const http_errno problem = HTTP_PARSER_ERRNO(&parser_);
    if (problem == HPE_OK) continue;
    if (problem != HPE_PAUSED) {
      if (problem_status_ != 0) return Outcome::bad;
      if (problem == HPE_HEADER_OVERFLOW) return bad(431, "the fields of the head are too long");
      if (problem == HPE_INVALID_VERSION) return bad(505, "HTTP/1.0 and HTTP/1.1 are spoken here");
      if (problem == HPE_INVALID_METHOD) return bad(501, "the method is not known here");
      return bad(400, http_errno_description(problem));
    }
    if (!is_complete_ && std::exchange(wants_continue_, false)) return Outcome::head;
    break;
  }
  return is_complete_ ? Outcome::complete : Outcome::more;
}

}  // namespace waybill::http
