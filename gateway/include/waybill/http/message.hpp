// What a handler of a route gets, and what it gives.
#pragma once

#include "waybill/call_options.hpp"
#include "waybill/error.hpp"
#include "waybill/fields.hpp"
#include "waybill/payload.hpp"
#include "waybill/reply_stream.hpp"
#include "waybill/trace.hpp"

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>

#include <chrono>
#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace waybill::http {

/// Header fields in their order; names are compared without case.
class Fields {
 public:
  using Field = std::pair<std::string, std::string>;

  /// The first of that name, or null; valid until the fields change.
  const std::string* find(std::string_view name) const noexcept;
  /// Replaces all of that name.
  void set(std::string_view name, std::string_view value);
  void add(std::string name, std::string value) { fields_.emplace_back(std::move(name), std::move(value)); }
  auto begin() const noexcept { return fields_.begin(); }
  auto end() const noexcept { return fields_.end(); }
  std::size_t size() const noexcept { return fields_.size(); }

 private:
  std::vector<Field> fields_;
};

/// What a handler throws to answer with a status of its own; as application/problem+json.
class Problem : public std::exception {
 public:
  explicit Problem(int its_status, std::string its_detail) : status(its_status), detail(std::move(its_detail)) {}
  const char* what() const noexcept override { return detail.c_str(); }
  int status;          ///< 400 to 599.
  std::string detail;  ///< For the caller to read.
};

/// Names and values, decoded, in their order.
using Parameters = std::vector<std::pair<std::string, std::string>>;

/// A request that has come in whole.
///
/// Threads:  that of its handler. Lifetime: until the handler has finished.
class Request {
 public:
  Request() = default;
  Request(const Request&) = delete;
  Request& operator=(const Request&) = delete;

  std::string method;  ///< "GET"; that of a HEAD as well, which is answered as a GET without its body.
  std::string target;  ///< As it came: "/orders/7?full=true".
  Fields fields;
  std::string body;
  Parameters path_parameters;   ///< Of the route: "/orders/{id}".
  Parameters query_parameters;  ///< What stands behind the `?`.
  std::string peer;             ///< "127.0.0.1:51234"
  std::string id;               ///< The caller's `X-Request-Id`, or a new one. It goes back with the response.
  asio::any_io_executor executor;
  std::chrono::steady_clock::time_point deadline;  ///< When the caller gets a 504.

  /// Of the route. Throws Error(invalid_config) for a name that the route does not have.
  const std::string& path(std::string_view name) const;
  /// The first of that name.
  std::string query(std::string_view name, std::string_view otherwise = {}) const;
  const std::string* find_query(std::string_view name) const noexcept;
  const std::string* header(std::string_view name) const noexcept { return fields.find(name); }
  /// The body as T. Throws Problem: 400 for what is no T, 415 for another Content-Type than one of JSON.
  template <class T>
  T json() const {
    T value{};
    read_json(ValueOut::of(value));
    return value;
  }
  /// A T whose members are the parameters of the path, those of the query, and the members of a body in JSON; of equal
  ///
  template <class T>
  T parameters() const {
    T value{};
    read_parameters(ValueOut::of(value));
    return value;
  }
  /// Throws Problem: 400 where the body is not one value of JSON in UTF-8, 415 for another Content-Type.
  void check_json() const;
  /// For calls on behalf of this request: its deadline, its id and its trace.
  CallOptions call_options() const;
  /// The trace that it belongs to, without what was malformed; the step that set_trace() has made of it, if it has.
  TraceContext trace() const;
  void set_trace(TraceContext trace) { trace_ = std::move(trace); }

 private:
  void read_json(ValueOut out) const;
  void read_parameters(ValueOut out) const;
  std::optional<TraceContext> trace_;
};

/// What goes back. A value; made by the functions below or filled in.
struct Response {
  Response() = default;
  int status = 200;
  Fields fields;  ///< Length, date, connection and the request's id are added.
  std::string body;
  /// Where there is one, the body comes from it piece by piece, as fast as the caller reads, until it gives nothing; what it
  /// throws ends the connection, and a caller that leaves cancels it.
  std::function<asio::awaitable<std::optional<std::string>>()> more;
  /// Where there is one, it is called when a quarter of a drain's time has passed and the body goes on: `more` is to end soon.
  /// Bodies without have all of that time.
  std::function<void()> end_soon;

  static Response text(std::string_view text, int status = 200);
  /// `json`: a whole value.
  static Response json(std::string json, int status = 200);
  /// Texts as text/plain, everything else as JSON, byte for byte as it came where it came in JSON; nothing: 204.
  static Response of(const Payload& payload);
  /// As application/problem+json, with the status of the table in docs/http-errors.md.
  static Response problem(const Error& error);
  static Response problem(int status, std::string_view detail);
  /// The values of a reply as server-sent events where the request accepts `text/event-stream`, else as lines of JSON. An
  /// error of the reply is its last event, `error`, or the last line.
  static Response values(const Request& request, ReplyStream<Payload> values);
  /// The same when the first value is there, or none has come for `patience`. Throws what the reply fails with before its
  /// first value, which so gets its own status. No value by the request's deadline is the error `timeout`.
  static asio::awaitable<Response> begun_values(const Request& request, ReplyStream<Payload> values,
                                                std::chrono::milliseconds patience = std::chrono::seconds(5));
};

}  // namespace waybill::http
