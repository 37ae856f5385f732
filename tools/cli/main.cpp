// waybill: talks to message services from the command line. docs/command-line.md is its page.
#include "arguments.hpp"
#include "call.hpp"
#include "dlq.hpp"
#include "health.hpp"
#include "inputs.hpp"
#include "listen.hpp"
#include "outcome.hpp"
#include "program.hpp"
#include "services.hpp"
#include "transports.hpp"
#include <waybill/error.hpp>
#include <waybill/log.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace {

using waybill::LogLevel;

LogLevel level_of(const waybill::cli::Arguments& arguments) {
  if (arguments.is_verbose) return LogLevel::debug;
  if (arguments.is_quiet) return LogLevel::error;
  using waybill::cli::Command;
  // Each instance on Redis hears each request: a warning to callers, and what these two are after.
  if (arguments.command == Command::ps || arguments.command == Command::top) return LogLevel::error;
  return arguments.command == waybill::cli::Command::listen ? LogLevel::info : LogLevel::warning;
}

/// Lines on standard error; with colour on a terminal, unless NO_COLOR says no (https://no-color.org).
waybill::Log make_log(const waybill::cli::Arguments& arguments) {
  const char* no_color = std::getenv("NO_COLOR");
  const bool has_color = ::isatty(STDERR_FILENO) == 1 && (!no_color || !*no_color);
  if (!has_color) return waybill::Log(waybill::stderr_log(), level_of(arguments));
  return waybill::Log(
      [](LogLevel level, std::string_view line) {
        const char* color = level >= LogLevel::error ? "\033[31m" : level == LogLevel::warning ? "\033[33m" : "\033[2m";
        std::fprintf(stderr, "%s%.*s\033[0m\n", color, static_cast<int>(line.size()), line.data());
      },
      level_of(arguments));
}

waybill::cli::Outcome run(const waybill::cli::Arguments& arguments) {
  using namespace waybill::cli;
  try {
    const waybill::Log log = make_log(arguments);
    switch (arguments.command) {
      case Command::listen: return listen(arguments, log);
      case Command::dlq_ls:
      case Command::dlq_show:
      case Command::dlq_replay:
      case Command::dlq_drop: return dlq(arguments, log);
      case Command::transports: return transports();
      case Command::gateway: return gateway(arguments);
      case Command::check: return check(arguments);
      case Command::health: return health(arguments);
      case Command::ps: return ps(arguments, log);
      case Command::top: return top(arguments, log);
      case Command::describe: return arguments.url.empty() ? describe(arguments) : describe_service(arguments, log);
      default: return call(arguments, log);
    }
  } catch (const UsageError& error) {
    return usage_error(error.what());
  } catch (const waybill::Error& error) {
    return connect_failure(error);
  } catch (const std::exception& error) {
    return failure(Exit::failed, "internal", error.what());
  }
}

/// Where a shell has closed one (`>&-`), what is opened next would get its number, and what is printed: a connection,
/// perhaps. Output that is closed stays an error: this is one that cannot be written.
void keep_standard_descriptors() {
  for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(descriptor, F_GETFD) == -1) (void)::open("/dev/null", O_RDONLY | O_CLOEXEC);  // the lowest that is free
  }
}

}  // namespace

int main(int argc, char** argv) {
  keep_standard_descriptors();
  const waybill::cli::ParsedArguments parsed = waybill::cli::parse_arguments(argc, argv);
  if (!parsed.arguments) return parsed.exit_code;
  return waybill::cli::report(run(*parsed.arguments));
}
