#include "waybill/transports/socket/dial.hpp"

#include "waybill/detail/asio.hpp"

#include <asio/ip/address.hpp>
#include <asio/steady_timer.hpp>

#include <algorithm>
#include <random>

namespace waybill::socket {
namespace {

using Endpoint = asio::ip::tcp::endpoint;
using Clock = std::chrono::steady_clock;

/// Each step of a dial ends by the deadline even if what it waits for (a name server) cannot be stopped.
TimePoint share_of(TimePoint deadline, std::size_t steps_left) {
  const auto now = Clock::now();
  if (now >= deadline) return deadline;
  return now + (deadline - now) / static_cast<long>(std::max<std::size_t>(steps_left, 1));
}

}  // namespace

std::string to_text(const Endpoint& endpoint) {
  const std::string address = endpoint.address().to_string();
  const std::string port = std::to_string(endpoint.port());
  return endpoint.address().is_v6() ? "[" + address + "]:" + port : address + ":" + port;
}

std::string to_text(const Url::Host& host) {
  const std::string port = std::to_string(host.port);
  return host.name.find(':') != std::string::npos ? "[" + host.name + "]:" + port : host.name + ":" + port;
}

std::string to_text(const std::vector<Url::Host>& hosts) {
  std::string text;
  for (const Url::Host& host : hosts) {
    if (!text.empty()) text += ',';
    text += to_text(host);
  }
  return text;
}

Dial::Dial(asio::any_io_executor executor)
    : executor_(executor), resolver_(executor), socket_(executor), timer_(executor) {}

void Dial::cancel() {
  cancelled_ = true;
  resolver_.cancel();
  asio::error_code ec;
  socket_.close(ec);
  timer_.cancel();
}

unsigned Dial::begin_step() {
  step_done_ = false;
  step_error_ = {};
  return ++step_;
}

asio::awaitable<bool> Dial::wait_for_step(TimePoint deadline) {
  if (!step_done_ && !cancelled_) {
    timer_.expires_at(deadline);
    co_await detail::wait_quietly(timer_);
  }
  ++step_;  // a late answer must not be taken for that of the next step
  co_return step_done_;
}

asio::awaitable<Result<std::vector<Endpoint>>> Dial::resolve(const Url::Host& host, TimePoint deadline) {
  asio::error_code ec;
  const asio::ip::address address = asio::ip::make_address(host.name, ec);
  step_endpoints_.clear();
  if (!ec) {
    step_endpoints_.emplace_back(address, host.port);
    co_return step_endpoints_;
  }
  auto self = shared_from_this();
  const unsigned step = begin_step();
  const std::string port = std::to_string(host.port);
  auto take = [self, step](const asio::error_code& error, const asio::ip::tcp::resolver::results_type& found) {
    if (step != self->step_) return;
    self->step_error_ = error;
    for (const auto& entry : found) self->step_endpoints_.push_back(entry.endpoint());
    self->step_done_ = true;
    self->timer_.cancel();
  };
  resolver_.async_resolve(host.name, port, std::move(take));
  const bool done = co_await wait_for_step(deadline);
  if (cancelled_) co_return Error(errc::cancelled, "connecting was cancelled", End::rejected);
  if (!done) {
    resolver_.cancel();
    co_return Error(errc::refused, "looking up \"" + host.name + "\" took too long", End::rejected);
  }
  if (step_error_ || step_endpoints_.empty())
    co_return Error(errc::refused, "\"" + host.name + "\" was not found: " + step_error_.message(), End::rejected);
  co_return step_endpoints_;
}

asio::awaitable<asio::error_code> Dial::connect(const Endpoint& endpoint, TimePoint deadline) {
  socket_ = asio::ip::tcp::socket(executor_);
  auto self = shared_from_this();
  const unsigned step = begin_step();
  auto take = [self, step](const asio::error_code& error) {
    if (step != self->step_) return;
    self->step_error_ = error;
    self->step_done_ = true;
    self->timer_.cancel();
  };
  socket_.async_connect(endpoint, std::move(take));
  const bool done = co_await wait_for_step(deadline);
  if (done && !step_error_) co_return step_error_;
  asio::error_code ec;
  socket_.close(ec);
  if (!done) step_error_ = cancelled_ ? asio::error::operation_aborted : asio::error::timed_out;
  co_return step_error_;
}

asio::awaitable<Result<Dialed>> Dial::run(std::vector<Url::Host> hosts, TimePoint deadline) {
  auto self = shared_from_this();
  // Clients of one list spread over it.
  static thread_local std::minstd_rand random{std::random_device{}()};
  std::rotate(hosts.begin(), hosts.begin() + static_cast<long>(random() % hosts.size()), hosts.end());
  std::string story;
  for (std::size_t i = 0; i < hosts.size() && !cancelled_; ++i) {
    const TimePoint until = share_of(deadline, hosts.size() - i);
    const auto found = co_await resolve(hosts[i], until);
    if (!found) {
      story += (story.empty() ? "" : "; ") + std::string(found.error().message());
      continue;
    }
    const std::vector<Endpoint> endpoints = *found;
    for (std::size_t k = 0; k < endpoints.size() && !cancelled_; ++k) {
      const TimePoint step_until = share_of(until, endpoints.size() - k);
      const asio::error_code ec = co_await connect(endpoints[k], step_until);
      if (!ec) co_return Dialed(std::move(socket_), hosts[i].name);
      story += (story.empty() ? "" : "; ") + to_text(endpoints[k]) + ": " + ec.message();
    }
  }
  if (cancelled_) co_return Error(errc::cancelled, "connecting was cancelled", End::rejected);
  co_return Error(errc::refused,
                  "cannot connect to " + to_text(hosts) + " (" + story + "); is it running and reachable?",
                  End::rejected);
}

asio::awaitable<Result<std::vector<Endpoint>>> resolve_for_listening(asio::any_io_executor executor, Url::Host host,
                                                                     TimePoint deadline) {
  auto dial = std::make_shared<Dial>(executor);
  auto found = co_await dial->resolve(host, deadline);
  if (found) {
    std::stable_partition(found->begin(), found->end(), [](const Endpoint& e) { return e.address().is_v4(); });
    found->erase(std::unique(found->begin(), found->end()), found->end());
  }
  co_return found;
}

}  // namespace waybill::socket
