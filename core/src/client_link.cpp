// ClientCore: its link, opened when first needed and again after each loss.
#include "client_core.hpp"

#include <asio/post.hpp>

#include <set>
#include <utility>

namespace waybill::detail {

void ClientCore::connect_then(UniqueFunction<void(Result<void>)> done) {
  if (closed_ || ready_) {
    if (!done) return;
    const Result<void> outcome = closed_ ? Result<void>(closed_error()) : Result<void>();
    return asio::post(executor_.get(), [done = std::move(done), outcome]() mutable { done(outcome); });
  }
  if (done) {
    connect_waiters_.push_back(std::move(done));
    connect_give_up_ = coarse_now() + config_.connect_timeout;
    arm_deadline(connect_give_up_);
  }
  if (reconnect_ && reconnect_->is_running()) return;
  status = Status::connecting;
  reconnect_ = std::make_shared<Reconnect>(executor_.get(), shared_from_this());
  reconnect_->start_in_background();
}

asio::awaitable<Result<void>> ClientCore::open_link() { return connection_->open(*this); }

void ClientCore::on_link_ready() {
  if (closed_) return;
  const bool is_first = !was_ready_ && !last_failure_;
  if (was_ready_) ClientCounters::add(counters.reconnects);
  ready_ = was_ready_ = true;
  status = Status::ready;
  last_failure_.reset();
  const LogLevel level = link_log_.ready(std::chrono::steady_clock::now());
  log_.write(is_first ? LogLevel::debug : level, "connected to " + config_.url.redacted() + (is_first ? "" : " again"));
  auto waiters = std::move(connect_waiters_);
  connect_waiters_.clear();
  connect_give_up_ = TimePoint::max();
  send_unconfirmed_again();
  send_queued();
  for (auto& waiter : waiters) waiter(Result<void>{});
}

void ClientCore::end_connect_waits(const Error& error) {
  connect_give_up_ = TimePoint::max();
  auto waiters = std::exchange(connect_waiters_, {});
  for (auto& waiter : waiters) waiter(error);
}

void ClientCore::on_link_failed(const Error& error, std::optional<std::chrono::milliseconds> retry_in) {
  last_failure_ = error;
  const std::string line = "cannot connect to " + config_.url.redacted() + ": " + error.what();
  if (retry_in) {
    // The next attempts will say the same.
    return log_.write(link_log_.failed(line, std::chrono::steady_clock::now()), line + " (trying again)");
  }
  log_.error(line);
  status = Status::idle;
  fail_queued(error);
  end_connect_waits(error);
}

void ClientCore::on_blocked(std::string_view reason) {
  if (!ready_) return;
  status = reason.empty() ? Status::ready : Status::blocked;
  if (reason.empty())
    log_.info(config_.url.redacted() + " takes messages again");
  else
    log_.warning(config_.url.redacted() + " takes no messages for now, what is sent waits: " + std::string(reason));
}

void ClientCore::on_lost(const Error& error) {
  if (reconnect_) reconnect_->lost(error);
}

void ClientCore::on_link_lost(const Error& error) {
  if (closed_) return;
  ready_ = paused_ = false;
  status = Status::interrupted;
  last_failure_ = error;
  log_.write(link_log_.lost(std::chrono::steady_clock::now()),
             "lost the connection to " + config_.url.redacted() + ": " + error.what());
  // Calls that wait for a link have not been sent, and events are sent again: they stay. All others have lost their
  // reply.
  std::set<std::uint32_t> stay;
  for (const Queued& one : queued_) stay.insert(one.key.slot);
  for (const Ticket ticket : unconfirmed_.tickets()) {
    if (const auto caller = unconfirmed_.find(ticket)->caller) stay.insert(caller->slot);
  }
  if (stay.empty()) {
    ClientCounters::subtract(counters.waiting, calls_.fail_all(error));
    return;
  }
  for (const CallKey key : calls_.open_calls()) {
    if (!stay.contains(key.slot)) end(key, error);
  }
}

}  // namespace waybill::detail
