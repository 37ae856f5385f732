// ClientCore: its link, opened when first needed and again after each loss.
#include "client/client_core.hpp"

#include <set>
#include <utility>

namespace waybill::detail {

asio::awaitable<Result<void>> ClientCore::open_link() { return connection_->open(*this); }

void ClientCore::on_link_ready() {
  if (closed_) return;
  const bool is_first = !was_ready_ && !last_failure_;
  if (was_ready_) ClientCounters::add(counters.reconnects);
  ready_ = was_ready_ = true;
  set_status(Status::ready);
  last_failure_.reset();
  note_failure({});
  const LogLevel level = link_log_.ready(clock_.now());
  log_.write(is_first ? LogLevel::debug : level, "connected to " + config_.url.redacted() + (is_first ? "" : " again"));
  if (blocked_) tell_blocked();  // its broker has said so meanwhile
  auto waits = std::exchange(connect_waits_, {});
  send_unconfirmed_again();
  send_queued();
  for (ConnectWait& wait : waits) tell(std::move(wait.done), {});
}

void ClientCore::on_link_failed(const Error& error, std::optional<std::chrono::milliseconds> retry_in) {
  last_failure_ = error;
  note_failure(error.what());
  const std::string line = "cannot connect to " + config_.url.redacted() + ": " + error.what();
  if (retry_in) {
    // The next attempts will say the same.
    return log_.write(link_log_.failed(line, clock_.now()), line + " (trying again)");
  }
  set_status(Status::idle);
  if (unconfirmed_.empty()) {
    log_.error(line);
  } else {
    // They were promised to be sent again: somebody may mend what the broker minds. Rarely, as accounts can be locked.
    log_.error(line + "; " + std::to_string(unconfirmed_.size()) +
               " events are not confirmed, so it is asked again in a minute");
    reconnect_->start_in_background(std::chrono::minutes(1));
  }
  fail_entries(outbox_.take_all(), error);
  end_connect_waits(error);
}

void ClientCore::on_blocked(std::string_view reason) {
  const bool was_blocked = std::exchange(blocked_, !reason.empty());
  {
    const std::lock_guard lock(why_mutex_);
    blocked_why_ = reason;
  }
  if (!ready_) return;
  if (was_blocked && !blocked_) note_trouble();
  tell_blocked();
}

void ClientCore::tell_blocked() {
  set_status(blocked_ ? Status::blocked : Status::ready);
  if (blocked_) {
    return log_.warning(config_.url.redacted() + " takes no messages for now, what is sent waits: " + blocked_why_);
  }
  log_.info(config_.url.redacted() + " takes messages again");
  send_queued();
}

void ClientCore::on_lost(const Error& error) {
  if (reconnect_) reconnect_->lost(error);
}

void ClientCore::on_link_lost(const Error& error) {
  if (closed_) return;
  ready_ = paused_ = blocked_ = false;
  ++losses_;
  set_status(Status::interrupted);
  last_failure_ = error;
  note_failure({});
  log_.write(link_log_.lost(clock_.now()), "lost the connection to " + config_.url.redacted() + ": " + error.what());
  // Calls that wait for a link have not been sent, and events are sent again: they stay. All others have lost their
  // reply.
  std::set<std::pair<std::uint32_t, std::uint32_t>> stay;
  for (const Ticket ticket : unconfirmed_.tickets()) {
    if (const auto caller = unconfirmed_.find(ticket)->caller) stay.emplace(caller->slot, caller->generation);
  }
  for (const CallKey key : calls_.open_calls()) {
    if (!calls_.is_waiting(key) || calls_.stage(key) != Stage::sent || stay.contains({key.slot, key.generation})) {
      continue;
    }
    end(key, lost_call(key, error));
  }
  if (!flushes_.empty()) advance_flushes();
}

}  // namespace waybill::detail
