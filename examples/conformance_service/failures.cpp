#include "conformance.hpp"

#include <stdexcept>

namespace conformance {
namespace {

using waybill::Error;

Error with_message(const Json& message) { return Error::with_body(Json{{"status", "error"}, {"message", message}}); }

/// Ways to fail before the first value.
[[noreturn]] void fail_at_once(const std::string& kind) {
  if (kind == "string") throw Error{"boom"};
  if (kind == "emptyString") throw Error{""};
  if (kind == "object") throw Error{"E42", "boom", Json{{"n", 1}, {"text", "한글 😀"}}};
  if (kind == "emptyObject") throw Error::with_body(Json::object());
  if (kind == "array") throw Error::with_body(Json::array({1, "two"}));
  if (kind == "number") throw with_message(42);
  if (kind == "null") throw with_message(nullptr);
  throw std::runtime_error("a secret that stays in the log: " + kind);
}

waybill::Stream<int> fail(Json data) {
  const auto kind = member<std::string>(data, "kind", "");
  const bool is_slow = kind == "afterTwoAsync";
  if (kind == "afterTwo" || is_slow) {
    for (int i = 1; i <= 2; ++i) {
      if (is_slow) co_await pause(std::chrono::milliseconds(15));
      co_yield i;
    }
    throw Error{"after two"};
  }
  if (kind == "async") {
    co_await pause(std::chrono::milliseconds(20));
    throw Error{"late boom"};
  }
  if (kind == "stream") throw Error{"stream boom"};
  fail_at_once(kind);
}

}  // namespace

void add_failures(Handlers& handlers) { handlers.operation("error", &fail); }

}  // namespace conformance
