#include "harness.hpp"

#include <asio/buffer.hpp>
#include <asio/read.hpp>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace bench {

namespace {

double own_cpu() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

double cpu_of(long pid) {
  if (pid <= 0) return 0;
  const std::string stat = read_file("/proc/" + std::to_string(pid) + "/stat");
  const auto behind_name = stat.rfind(')');
  if (behind_name == std::string::npos) return 0;
  unsigned long user = 0, kernel = 0;
  std::sscanf(stat.c_str() + behind_name + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &kernel);
  return static_cast<double>(user + kernel) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

double peak_memory_mb(long pid) {
  const std::string status = read_file("/proc/" + (pid > 0 ? std::to_string(pid) : std::string("self")) + "/status");
  const auto at = status.find("VmHWM:");
  return at == std::string::npos ? 0 : std::atof(status.c_str() + at + 6) / 1024.0;
}

long pid_from(const char* name) {
  const char* value = std::getenv(name);
  return value ? std::atol(value) : 0;
}

}  // namespace

std::uint64_t now_ns() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tv_nsec);
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

Arguments::Arguments(int argc, char** argv) {
  if (argc > 1) mode = argv[1];
  for (int i = 2; i + 1 < argc; i += 2) values_.emplace_back(argv[i], argv[i + 1]);
}
std::string Arguments::text(std::string_view name, std::string otherwise) const {
  for (const auto& [key, value] : values_) {
    if (key.substr(2) == name) return value;
  }
  return otherwise;
}
long Arguments::number(std::string_view name, long otherwise) const {
  const std::string value = text(name);
  return value.empty() ? otherwise : std::atol(value.c_str());
}
double Arguments::real(std::string_view name, double otherwise) const {
  const std::string value = text(name);
  return value.empty() ? otherwise : std::atof(value.c_str());
}

Meter::Meter(const Arguments& arguments, std::string transport, std::string workload, long inflight,
             std::size_t payload)
    : requests_(static_cast<std::uint64_t>(arguments.number("requests", 0))),
      warm_up_(static_cast<std::uint64_t>(arguments.real("warmup", 0.5) * 1e9)),
      window_(static_cast<std::uint64_t>(arguments.real("secs", 3) * 1e9)),
      created_(now_ns()),
      transport_(std::move(transport)),
      workload_(std::move(workload)),
      inflight_(inflight),
      payload_(payload),
      server_pid_(pid_from("SERVER_PID")),
      broker_pid_(pid_from("BROKER_PID")) {
  samples_.reserve(1 << 20);
}

bool Meter::reply(std::uint64_t sent, std::uint64_t now) {
  if (requests_ != 0) {
    if (++count_ < requests_) return true;
    begin_ = created_;
    finish(now);
    return false;
  }
  switch (state_) {
    case State::warm_up:
      if (now - created_ >= warm_up_) start(now);
      return true;
    case State::window:
      // A busy machine may stand still for a whole window: then it lasts until everybody has had a reply.
      if (now - begin_ >= window_ && count_ >= static_cast<std::uint64_t>(inflight_)) {
        finish(now);
        return false;
      }
      ++count_;
      samples_.push_back(static_cast<std::uint32_t>(std::min<std::uint64_t>(now - sent, UINT32_MAX)));
      return true;
    case State::over: break;
  }
  return false;
}

bool Meter::progress(std::uint64_t count, std::uint64_t now) {
  if (state_ == State::warm_up && now - created_ >= warm_up_) {
    start(now);
    base_ = count;
  } else if (state_ == State::window && now - begin_ >= window_) {
    count_ = count - base_;
    finish(now);
  }
  return state_ != State::over;
}

void Meter::start(std::uint64_t now) {
  state_ = State::window;
  begin_ = now;
  cpu_[0] = own_cpu();
  cpu_[1] = cpu_of(server_pid_);
  cpu_[2] = cpu_of(broker_pid_);
}

void Meter::finish(std::uint64_t now) {
  state_ = State::over;
  end_ = now;
  cpu_[0] = own_cpu() - cpu_[0];
  cpu_[1] = cpu_of(server_pid_) - cpu_[1];
  cpu_[2] = cpu_of(broker_pid_) - cpu_[2];
}

void Meter::report(std::int64_t lost) {
  const auto percentile = [this](double q) {
    if (samples_.empty()) return 0.0;
    const auto at = std::min(samples_.size() - 1, static_cast<std::size_t>(q * static_cast<double>(samples_.size())));
    std::nth_element(samples_.begin(), samples_.begin() + static_cast<std::ptrdiff_t>(at), samples_.end());
    return samples_[at] / 1000.0;
  };
  const double seconds = static_cast<double>(end_ - begin_) / 1e9;
  const double p50 = percentile(0.50), p99 = percentile(0.99);
  std::printf(
      "{\"transport\":\"%s\",\"workload\":\"%s\",\"inflight\":%ld,\"payload\":%zu,\"msgs_per_s\":%.0f,\"p50_us\":%.1f,"
      "\"p99_us\":%.1f,\"cpu_client_s\":%.3f,\"cpu_server_s\":%.3f,\"cpu_broker_s\":%.3f,\"secs\":%.3f,\"lost\":%lld,"
      "\"rss_client_mb\":%.1f,\"max_rss_mb\":%.1f}\n",
      transport_.c_str(), workload_.c_str(), inflight_, payload_, static_cast<double>(count_) / seconds, p50, p99,
      cpu_[0], cpu_[1], cpu_[2], seconds, static_cast<long long>(lost), peak_memory_mb(0), peak_memory_mb(server_pid_));
  std::fflush(stdout);
}

using asio::ip::tcp;

EventCounter::EventCounter(asio::io_context& loop, std::uint16_t port)
    : acceptor_(loop, {asio::ip::address_v4::loopback(), port}), socket_(loop) {
  accept();
}

void EventCounter::accept() {
  acceptor_.async_accept([this](std::error_code ec, tcp::socket socket) {
    if (!ec) {
      socket_ = std::move(socket);
      socket_.set_option(tcp::no_delay(true));
      socket_.non_blocking(true);
      connected_ = true;
      count_ = 0;
      tell();
    }
    accept();
  });
}

void EventCounter::event() {
  ++count_;
  if (count_ & 31) return;
  if ((count_ & 255) == 0) return tell();
  if (now_ns() - told_at_ > 5'000'000) tell();
}

void EventCounter::tell() {
  told_at_ = now_ns();
  if (!connected_) return;
  char bytes[8];
  std::memcpy(bytes, &count_, 8);
  std::error_code ec;
  socket_.write_some(asio::buffer(bytes), ec);
}

EventWindow::EventWindow(asio::io_context& loop, std::uint16_t port, std::size_t payload)
    : socket_(loop), window_(std::clamp<std::uint64_t>((4u << 20) / std::max<std::size_t>(payload, 1), 1024, 16384)) {
  socket_.connect({asio::ip::address_v4::loopback(), port});
  char zero[8];
  asio::read(socket_, asio::buffer(zero));
  socket_.non_blocking(true);
}

std::uint64_t EventWindow::acknowledged() {
  while (true) {
    std::error_code ec;
    const std::size_t got = socket_.read_some(asio::buffer(buffer_ + have_, sizeof(buffer_) - have_), ec);
    if (ec) return acknowledged_;
    have_ += got;
    const std::size_t whole = have_ / 8 * 8;
    if (whole == 0) continue;
    std::memcpy(&acknowledged_, buffer_ + whole - 8, 8);
    std::memmove(buffer_, buffer_ + whole, have_ - whole);
    have_ -= whole;
  }
}

}  // namespace bench
