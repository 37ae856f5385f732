// RequestParser: bytes to requests of HTTP/1.0 and 1.1 (RFC 9112). Knows no socket. Fields are http_parser's, after a look
// at their bytes, since libraries of it differ in what they let pass; request lines and bodies are read here.
#pragma once

#include "http/chunk_reader.hpp"
#include "waybill/http/message.hpp"

#include <http_parser.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>

namespace waybill::http {

struct RequestLimits {
  std::size_t max_head = 32u << 10;  ///< Bytes of the request line and all fields.
  std::size_t max_body = 1u << 20;
};

/// One request after the other. After `bad` nothing more may be read.
class RequestParser {
 public:
  enum class Outcome {
    more,      ///< The request goes on.
    head,      ///< The head is whole, and its sender waits for "100 Continue" before the body.
    complete,  ///< request() is whole.
    bad,       ///< problem_status() and problem() say what; what follows cannot be told apart.
  };

  explicit RequestParser(const RequestLimits& limits);
  RequestParser(const RequestParser&) = delete;
  RequestParser& operator=(const RequestParser&) = delete;

  /// Reads from `at` on, and moves it behind what was taken.
  Outcome read(const char* data, std::size_t size, std::size_t& at);
  /// The next read begins another one.
  void begin_next();

  Request& request() noexcept { return *request_; }
  std::unique_ptr<Request> take() noexcept { return std::move(request_); }
  bool has_begun() const noexcept { return has_begun_; }      ///< Some of the request has come,
  bool is_in_body() const noexcept { return is_in_body_; }    ///< all of its head.
  bool keeps_alive() const noexcept { return keeps_alive_; }  ///< The sender wants the connection afterwards.
  bool is_http10() const noexcept { return is_http10_; }
  int problem_status() const noexcept { return problem_status_; }
  const std::string& problem() const noexcept { return problem_; }

 private:
  struct Callbacks;
  Outcome bad(int status, std::string what);
  Outcome too_long();
  int refuse(int status, std::string what);
  Outcome read_request_line(const char* data, std::size_t size, std::size_t& at);
  Outcome request_line_is_whole();
  const char* look_at_fields(const char* data, std::size_t size, std::size_t& end);
  Outcome read_fields(const char* data, std::size_t size, std::size_t& at);
  Outcome read_body(const char* data, std::size_t size, std::size_t& at);
  Outcome read_chunks(const char* data, std::size_t size, std::size_t& at);
  bool field_is_whole();
  int check_host();
  int head_is_whole();
  int choose_framing();

  const RequestLimits limits_;
  http_parser parser_;
  std::unique_ptr<Request> request_;
  std::size_t head_size_ = 0;
  std::string line_;  // the request line, until it is whole
  std::string name_;  // of the field that comes in
  std::string value_;
  std::size_t body_left_ = 0;
  std::optional<ChunkReader> chunks_;
  char last_ = 0;              // byte of the head
  bool is_line_empty_ = true;  // so far
  bool is_first_line_ = true;
  bool is_value_ = false;
  bool has_begun_ = false;
  bool is_in_body_ = false;
  bool wants_continue_ = false;
  bool keeps_alive_ = false;
  bool is_http10_ = false;
  int problem_status_ = 0;
  std::string problem_;
};

}  // namespace waybill::http
