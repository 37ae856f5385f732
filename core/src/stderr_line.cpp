#include "stderr_line.hpp"

#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <ctime>

namespace waybill::detail {
namespace {

constexpr int k_longest_wait = 100;  // ms, for room in the middle of a line

std::atomic<std::uint64_t> lost_lines{0};

/// While it exists, a write of this thread to a pipe that nobody reads is an error and no signal.
class NoSigpipe {
 public:
  NoSigpipe() noexcept {
    sigemptyset(&pipe_);
    sigaddset(&pipe_, SIGPIPE);
    sigset_t pending;
    sigemptyset(&pending);
    sigpending(&pending);
    was_pending_ = sigismember(&pending, SIGPIPE) == 1;
    if (!was_pending_) pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }
  ~NoSigpipe() {
    if (was_pending_) return;
    if (is_raised_) {
      const timespec at_once{};
      while (sigtimedwait(&pipe_, nullptr, &at_once) < 0 && errno == EINTR) {
      }
    }
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  NoSigpipe(const NoSigpipe&) = delete;
  NoSigpipe& operator=(const NoSigpipe&) = delete;
  void raised() noexcept { is_raised_ = true; }

 private:
  sigset_t pipe_;
  sigset_t before_;
  bool was_pending_ = false;
  bool is_raised_ = false;
};

bool has_room(int wait) noexcept {
  pollfd error{STDERR_FILENO, POLLOUT, 0};
  return ::poll(&error, 1, wait) == 1 && (error.revents & POLLOUT);
}

/// False: not all of it.
bool write_all(std::string_view text) noexcept {
  NoSigpipe none;
  for (int wait = 0; !text.empty(); wait = k_longest_wait) {
    if (!has_room(wait)) return false;
    const ssize_t written = ::write(STDERR_FILENO, text.data(), std::min<std::size_t>(text.size(), PIPE_BUF));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      if (errno == EPIPE) none.raised();
      return false;
    }
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

}  // namespace

void write_to_stderr(std::string_view line) noexcept {
  if (const std::uint64_t lost = lost_lines.load(std::memory_order_relaxed); lost && has_room(0)) {
    char text[96];
    const int size = std::snprintf(text, sizeof text, "waybill warning %llu lines were lost here: nobody read them\n",
                                   static_cast<unsigned long long>(lost));
    if (write_all({text, static_cast<std::size_t>(size)})) lost_lines.fetch_sub(lost, std::memory_order_relaxed);
  }
  if (!write_all(line)) lost_lines.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace waybill::detail
