// Journal: what a program under a fault has done, line by line, in a file that survives the program's SIGKILL.
#pragma once

#include "waybill/log.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>

namespace waybill::test {

/// Milliseconds of CLOCK_MONOTONIC, which all processes of a machine share (and Python's time.monotonic()).
inline double now_ms() {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// To standard error, with the time of the journals.
inline void log_with_time(LogLevel level, std::string_view line) {
  constexpr std::array names{"debug", "info", "warning", "error"};
  const auto at = static_cast<std::size_t>(level);
  std::fprintf(stderr, "%.0f %s %.*s\n", now_ms(), at < names.size() ? names[at] : "-", static_cast<int>(line.size()),
               line.data());
}

/// Each line is "<what> <field>..." and one write(): nothing of it waits in the process.
///
/// Threads: any, where each line is whole.
class Journal {
 public:
  explicit Journal(const std::string& path) : file_(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644)) {
    if (file_ < 0) throw std::runtime_error("cannot write " + path);
  }
  ~Journal() { ::close(file_); }
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  template <class... Fields>
  void note(std::string_view what, const Fields&... fields) const {
    std::string line(what);
    (add(line, fields), ...);
    line += '\n';
    const auto written = ::write(file_, line.data(), line.size());
    if (written != static_cast<ssize_t>(line.size())) std::abort();  // books with holes prove nothing
  }

 private:
  static void add(std::string& line, double number) {
    std::array<char, 40> text;
    const auto end = std::to_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed, 1);
    line.append(1, ' ').append(text.data(), end.ptr);
  }
  static void add(std::string& line, std::integral auto number) { line.append(1, ' ').append(std::to_string(number)); }
  static void add(std::string& line, std::string_view text) {
    line.append(1, ' ');
    for (const char c : text) line += c == ' ' || c == '\n' ? '_' : c;
  }

  int file_;
};

/// How long this thread was ready to run and had no processor, from its beginning: what of a late end is the machine's.
class RunQueueDelay {
 public:
  RunQueueDelay() : file_(::open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC)) {}
  ~RunQueueDelay() {
    if (file_ >= 0) ::close(file_);
  }
  RunQueueDelay(const RunQueueDelay&) = delete;
  RunQueueDelay& operator=(const RunQueueDelay&) = delete;

  /// 0 where the system does not count it.
  double ms() const {
    std::array<char, 80> text;
    const auto count = file_ < 0 ? -1 : ::pread(file_, text.data(), text.size(), 0);
    if (count <= 0) return 0;
    const std::string_view line(text.data(), static_cast<std::size_t>(count));
    const auto from = line.find(' ');
    std::uint64_t nanoseconds = 0;
    if (from != line.npos) std::from_chars(line.data() + from + 1, line.data() + line.size(), nanoseconds);
    return static_cast<double>(nanoseconds) / 1e6;
  }

 private:
  int file_;
};

}  // namespace waybill::test
