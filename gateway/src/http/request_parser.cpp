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

bool is_number(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

/// What http_parser calls; not 0 stops it.
struct RequestParser::Callbacks {
  static RequestParser& of(http_parser* parser) { return *static_cast<RequestParser*>(parser->data); }

  static int on_url(http_parser* parser, const char* text, std::size_t size) {
    of(parser).request_->target.append(text, size);
    return 0;
  }
  static int on_field(http_parser* parser, const char* text, std::size_t size) {
    RequestParser& self = of(parser);
    if (self.is_value_ && !self.field_is_whole()) return self.refuse(400, "the name of a field is no token");
    self.name_.append(text, size);
    return 0;
  }
  static int on_value(http_parser* parser, const char* text, std::size_t size) {
    RequestParser& self = of(parser);
    self.is_value_ = true;
    self.value_.append(text, size);
    return 0;
  }
  static int on_head(http_parser* parser) { return of(parser).head_is_whole(); }

  static const http_parser_settings& all() {
    static const http_parser_settings settings = [] {
      http_parser_settings made;
      http_parser_settings_init(&made);
      made.on_url = &on_url;
      made.on_header_field = &on_field;
      made.on_header_value = &on_value;
      made.on_headers_complete = &on_head;
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
  head_size_ = body_left_ = 0;
  name_.clear();
  value_.clear();
  chunks_.reset();
  last_ = 0;
  is_line_empty_ = is_first_line_ = true;
  is_value_ = has_begun_ = is_in_body_ = wants_continue_ = false;
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

RequestParser::Outcome RequestParser::too_long() {
  return bad(413, "the body is longer than " + std::to_string(limits_.max_body) + " bytes");
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
  if (choose_framing() != 0) return -1;
  if (const std::string* expected = request.header("Expect")) {
    if (!equal_without_case(*expected, "100-continue"))
      return refuse(417, "the only Expect that is known here is 100-continue");
    wants_continue_ = !is_http10_ && (chunks_ || body_left_ > 0);
  }
  is_in_body_ = true;
  return 1;  // the body is none of http_parser's business
}

/// How long the body is. What others may read in another way is refused (RFC 9112, 6.3 and 11.2).
int RequestParser::choose_framing() {
  const Fields& fields = request_->fields;
  const std::size_t codings = count_of(fields, "Transfer-Encoding");
  const std::size_t lengths = count_of(fields, "Content-Length");
  if (codings > 0) {
    if (lengths > 0) return refuse(400, "there is a Transfer-Encoding and a Content-Length");
    if (is_http10_) return refuse(400, "HTTP/1.0 has no Transfer-Encoding");
    if (codings > 1 || !equal_without_case(*fields.find("Transfer-Encoding"), "chunked"))
      return refuse(501, "the only Transfer-Encoding that is known here is chunked");
    chunks_.emplace(limits_.max_body, limits_.max_head);
  } else if (lengths > 0) {
    if (lengths > 1 || !is_number(*fields.find("Content-Length")))
      return refuse(400, "there must be one Content-Length, a number");
    if (parser_.content_length > limits_.max_body) {
      too_long();
      return -1;
    }
    body_left_ = static_cast<std::size_t>(parser_.content_length);
  }
  return 0;
}

/// Up to where the head goes. False: a line is folded, or a CR is no line's end; some read it in one way, some in another.
bool RequestParser::look_at_lines(const char* data, std::size_t size, std::size_t& end) {
  while (end < size) {
    const char c = data[end++];
    if (last_ == '\r' && c != '\n') return false;
    last_ = c;
    if (c == '\n') {
      if (is_line_empty_ && !is_first_line_) return true;
      is_first_line_ = is_first_line_ && is_line_empty_;  // empty ones before a request are passed over
      is_line_empty_ = true;
    } else if (c != '\r') {
      if (is_line_empty_ && !is_first_line_ && (c == ' ' || c == '\t')) return false;
      is_line_empty_ = false;
      has_begun_ = true;
    }
    if (++head_size_ > limits_.max_head) return true;
  }
  return true;
}

/// The first mistake is told, in how many pieces it ever comes.
RequestParser::Outcome RequestParser::read_head(const char* data, std::size_t size, std::size_t& at) {
  const std::size_t begin = at;
  const bool are_lines_good = look_at_lines(data, size, at);
  const bool is_too_long = head_size_ > limits_.max_head;
  const std::size_t good = at - begin - (are_lines_good && !is_too_long ? 0 : 1);
  if (good > 0) http_parser_execute(&parser_, &Callbacks::all(), data + begin, good);  // 0 would be the end of it all
  const http_errno problem = HTTP_PARSER_ERRNO(&parser_);
  if (problem == HPE_OK && !are_lines_good) return bad(400, "a line of the head is folded, or has a CR in it");
  if (problem == HPE_OK && is_too_long)
    return is_first_line_ ? bad(414, "the target is too long") : bad(431, "the fields of the head are too long");
  if (problem == HPE_OK) return Outcome::more;
  if (problem_status_ != 0) return Outcome::bad;
  if (problem == HPE_HEADER_OVERFLOW) return bad(431, "the fields of the head are too long");
  if (problem == HPE_INVALID_VERSION) return bad(505, "HTTP/1.0 and HTTP/1.1 are spoken here");
  if (problem == HPE_INVALID_METHOD) return bad(501, "the method is not known here");
  return bad(400, http_errno_description(problem));
}

RequestParser::Outcome RequestParser::read_chunks(const char* data, std::size_t size, std::size_t& at) {
  switch (chunks_->read(data, size, at, request_->body)) {
    case ChunkReader::Outcome::more: return Outcome::more;
    case ChunkReader::Outcome::complete: return Outcome::complete;
    case ChunkReader::Outcome::too_long: return too_long();
    case ChunkReader::Outcome::too_much: return bad(431, "the extensions or the trailer of the chunks are too long");
    case ChunkReader::Outcome::bad: break;
  }
  return bad(400, "the body is not chunked as Transfer-Encoding says");
}

RequestParser::Outcome RequestParser::read_body(const char* data, std::size_t size, std::size_t& at) {
  if (std::exchange(wants_continue_, false)) return Outcome::head;
  if (chunks_) return read_chunks(data, size, at);
  const std::size_t count = std::min(body_left_, size - at);
  request_->body.append(data + at, count);
  at += count;
  body_left_ -= count;
  return body_left_ == 0 ? Outcome::complete : Outcome::more;
}

RequestParser::Outcome RequestParser::read(const char* data, std::size_t size, std::size_t& at) {
  if (!is_in_body_) {
    const Outcome outcome = read_head(data, size, at);
    if (outcome == Outcome::bad || !is_in_body_) return outcome;
  }
  return read_body(data, size, at);
}

}  // namespace waybill::http
