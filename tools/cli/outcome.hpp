// Outcome: how a run of the command line ends, and how it says so.
#pragma once

#include <waybill/error.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace waybill::cli {

/// The exit codes; scripts rely on them (docs/command-line.md).
enum class Exit { done = 0, remote_error = 1, usage = 2, no_connection = 3, no_answer = 4, failed = 5 };

/// A value type. Not an aggregate, so that g++ 12 may return it through co_await.
class Outcome {
 public:
  Outcome() = default;
  Outcome(Exit exit, std::string error_line) : exit_(exit), error_line_(std::move(error_line)) {}

  Exit exit() const noexcept { return exit_; }
  /// One line of JSON, or the lines of mistakes(); empty when done.
  const std::string& error_line() const noexcept { return error_line_; }

 private:
  Exit exit_ = Exit::done;
  std::string error_line_;
};

/// {"error":"<word>","message":"<message>"}
Outcome failure(Exit exit, std::string_view word, std::string_view message);
Outcome usage_error(std::string_view message);
/// What is wrong with a file, for people: the lines of `message` in the order of the file, and how many there are of several.
Outcome mistakes(std::string_view file, std::string_view message);
/// "1 client", "2 clients".
std::string counted(std::size_t count, std::string_view what);
/// An error while the link was being made: no connection, unless the URL is at fault.
Outcome connect_failure(const Error& error);
/// An error of a call. What a peer answered is kept as it came; `serializer` is what it came in.
Outcome call_failure(const Error& error, const Serializer& serializer);

/// Prints the error line as the last one on standard error, and gives what main returns.
int report(const Outcome& outcome);

}  // namespace waybill::cli
