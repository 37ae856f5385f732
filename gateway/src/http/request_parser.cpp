#include "http/request_parser.hpp"

#include "http/targets.hpp"

#include <algorithm>
#include <utility>

namespace waybill::http {

namespace {

constexpr const char* k_bad_line_end = "a line of the head does not end in CR LF";
constexpr const char* k_control = "there is a control character in the head";
constexpr const char* k_no_token = "the name of a field is no token";
constexpr const char* k_versions = "HTTP/1.0 and HTTP/1.1 are spoken here";

std::size_t count_of(const Fields& fields, std::string_view name) {
  return static_cast<std::size_t>(std::count_if(fields.begin(), fields.end(),
                                                [&](const auto& one) { return equal_without_case(one.first, name); }));
}

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

bool is_number(std::string_view text) { return !text.empty() && std::all_of(text.begin(), text.end(), &is_digit); }

bool is_control(char c) noexcept { return (static_cast<unsigned char>(c) < ' ' && c != '\t') || c == '\x7f'; }

/// "HTTP/1.1"
bool is_version(std::string_view text) noexcept {
  return text.size() == 8 && text.starts_with("HTTP/") && is_digit(text[5]) && text[6] == '.' && is_digit(text[7]);
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
    if (self.is_value_ && !self.field_is_whole()) return self.refuse(400, k_no_token);
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
  line_.clear();
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
  if (is_value_ && !field_is_whole()) return refuse(400, k_no_token);
  keeps_alive_ = http_should_keep_alive(&parser_) != 0;
  if (check_host() != 0 || choose_framing() != 0) return -1;
  if (const std::string* expected = request_->header("Expect")) {
    if (!equal_without_case(*expected, "100-continue"))
      return refuse(417, "the only Expect that is known here is 100-continue");
    wants_continue_ = !is_http10_ && (chunks_ || body_left_ > 0);
  }
  is_in_body_ = true;
  return 1;  // the body is none of http_parser's business
}

/// RFC 9112, 3.2: what stands there, and in a target that has an authority itself, names one host to every reader.
int RequestParser::check_host() {
  const std::size_t hosts = count_of(request_->fields, "Host");
  if (hosts > 1 || (hosts == 0 && !is_http10_)) return refuse(400, "there must be one Host field");
  if (hosts == 1 && !is_authority(*request_->fields.find("Host")))
    return refuse(400, "the Host field is no host, with a port or without");
  const auto authority = authority_of(request_->target);
  if (authority && (authority->empty() || authority->front() == ':' || !is_authority(*authority)))
    return refuse(400, "what the target names is no host, with a port or without");
  return 0;
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

/// Nothing is told of it before it is whole, in how many pieces it ever comes; only then it is http_parser's.
RequestParser::Outcome RequestParser::read_request_line(const char* data, std::size_t size, std::size_t& at) {
  while (at < size) {
    const char c = data[at++];
    if (++head_size_ > limits_.max_head) return bad(414, "the target is too long");
    if ((last_ == '\r') != (c == '\n')) return bad(400, k_bad_line_end);
    last_ = c;
    if (c == '\n') {
      if (!line_.empty()) return request_line_is_whole();
    } else if (c != '\r') {  // empty lines before a request are passed over
      has_begun_ = true;
      if (is_control(c)) return bad(400, k_control);
      line_.push_back(c);
    }
  }
  return Outcome::more;
}

RequestParser::Outcome RequestParser::request_line_is_whole() {
  is_first_line_ = false;
  is_line_empty_ = true;
  const std::string_view line = line_;
  const std::size_t space = std::min(line.find(' '), line.size());
  const std::size_t last_space = line.rfind(' ');
  if (!is_token(line.substr(0, space)) || last_space == std::string_view::npos || last_space < space + 2)
    return bad(400, "the request line is not a method, a target and a version, with one space between");
  const std::string_view target = line.substr(space + 1, last_space - space - 1);
  const std::string_view version = line.substr(last_space + 1);
  if (!is_version(version)) return bad(400, "the request line does not end in a version such as HTTP/1.1");
  is_http10_ = version == "HTTP/1.0";
  if (!is_http10_ && version != "HTTP/1.1") return bad(505, k_versions);
  if (target.find_first_of(" \t") != std::string_view::npos) return bad(400, "there is a blank in the target");
  line_ += "\r\n";
  http_parser_execute(&parser_, &Callbacks::all(), line_.data(), line_.size());
  const http_errno problem = HTTP_PARSER_ERRNO(&parser_);
  if (problem == HPE_INVALID_METHOD) return bad(501, "the method is not known here");
  if (problem != HPE_OK) return bad(400, http_errno_description(problem));
  request_->method = http_method_str(static_cast<http_method>(parser_.method));
  if (parser_.method == HTTP_CONNECT) return bad(501, "CONNECT is not done here: there is no tunnel");
  return Outcome::complete;
}

/// Moves `end` to where the head goes, or behind what is wrong there, which it returns: some read such in one way, some in
/// another.
const char* RequestParser::look_at_fields(const char* data, std::size_t size, std::size_t& end) {
  while (end < size) {
    const char c = data[end++];
    if ((last_ == '\r') != (c == '\n')) return k_bad_line_end;
    last_ = c;
    if (c == '\n') {
      if (is_line_empty_) return nullptr;
      is_line_empty_ = true;
    } else if (c != '\r') {
      if (is_line_empty_ && (c == ' ' || c == '\t')) return "a field of the head is folded";
      if (is_control(c)) return k_control;
      is_line_empty_ = false;
    }
    if (++head_size_ > limits_.max_head) return nullptr;
  }
  return nullptr;
}

/// The first mistake is told, in how many pieces it ever comes.
RequestParser::Outcome RequestParser::read_fields(const char* data, std::size_t size, std::size_t& at) {
  const std::size_t begin = at;
  const char* const wrong = look_at_fields(data, size, at);
  const bool is_too_long = head_size_ > limits_.max_head;
  const std::size_t good = at - begin - (!wrong && !is_too_long ? 0 : 1);
  if (good > 0) http_parser_execute(&parser_, &Callbacks::all(), data + begin, good);  // 0 would be the end of it all
  const http_errno problem = HTTP_PARSER_ERRNO(&parser_);
  if (problem == HPE_OK && wrong) return bad(400, wrong);
  if (problem == HPE_OK && !is_too_long) return Outcome::more;
  if (problem == HPE_OK || problem == HPE_HEADER_OVERFLOW) return bad(431, "the fields of the head are too long");
  return problem_status_ != 0 ? Outcome::bad : bad(400, http_errno_description(problem));
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
  if (is_first_line_) {
    const Outcome outcome = read_request_line(data, size, at);
    if (outcome != Outcome::complete) return outcome;
  }
  if (!is_in_body_) {
    const Outcome outcome = read_fields(data, size, at);
    if (outcome == Outcome::bad || !is_in_body_) return outcome;
  }
  return read_body(data, size, at);
}

}  // namespace waybill::http
