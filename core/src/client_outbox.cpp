// What a client has to send: calls that wait for a link, events that wait for the broker's word, and the flush of both.
#include "client_core.hpp"
#include "waybill/detail/asio.hpp"

#include <asio/co_spawn.hpp>

namespace waybill::detail {

Result<void> ClientCore::keep_for_link(const Packet& packet, Ticket ticket, CallKey key) {
  if (queued_bytes_ + weight(packet) > config_.max_queued_bytes) {
    return Error(errc::overloaded,
                 "no connection to " + config_.url.redacted() + ", and more than " +
                     std::to_string(config_.max_queued_bytes) + " bytes wait for one",
                 End::rejected);
  }
  queued_bytes_ += weight(packet);
  const TimePoint give_up = coarse_now() + config_.connect_timeout;
  queued_.push_back({packet.own(), ticket, key, give_up});
  arm_deadline(give_up);
  if (!reconnect_ || !reconnect_->is_running()) connect_then({});
  return {};
}

void ClientCore::send_unconfirmed_again() {
  for (const Ticket ticket : unconfirmed_.tickets()) {
    Unconfirmed::Event* const event = unconfirmed_.find(ticket);
    if (!event) continue;
    if (!ready_) return;
    event->packet.headers.set(header::k_resent, "1");
    connection_->send(event->packet, ticket);
  }
}

void ClientCore::send_queued() {
  while (!queued_.empty() && ready_) {
    const Queued next = std::move(queued_.front());
    queued_.pop_front();
    queued_bytes_ -= weight(next.packet);
    if (next.ticket && !calls_.is_open(next.key)) continue;  // its caller has gone
    transmit(next.packet, next.ticket, next.key);
  }
}

void ClientCore::fail_queued(const Error& error) {
  auto queued = std::move(queued_);
  queued_.clear();
  queued_bytes_ = 0;
  for (const Queued& one : queued) {
    if (one.ticket)
      end(one.key, error);
    else
      note_forgotten_failure(error);
  }
}

void ClientCore::note_forgotten_failure(const Error& error) {
  ClientCounters::add(counters.failed);
  ++forgotten_failures_;
  const TimePoint now = coarse_now();
  if (now - last_complaint_ < std::chrono::seconds(1)) return;
  last_complaint_ = now;
  log_.warning(std::to_string(forgotten_failures_) + " events were not sent to " + config_.url.redacted() + ": " +
               error.what());
  forgotten_failures_ = 0;
}

asio::awaitable<Result<void>> ClientCore::flush() {
  const auto self = shared_from_this();
  co_await connection_->flush();
  const TimePoint give_up = std::chrono::steady_clock::now() + config_.timeout;
  while (!unconfirmed_.empty() && !closed_) {
    if (std::chrono::steady_clock::now() >= give_up) {
      co_return Error(errc::timeout, std::to_string(unconfirmed_.size()) + " events are not confirmed yet");
    }
    confirmed_.expires_at(give_up);
    co_await wait_quietly(confirmed_);
  }
  co_return Result<void>();
}

void ClientCore::flush_then(UniqueFunction<void(Result<void>)> done) {
  asio::co_spawn(executor_.get(), flush(), [done = std::move(done)](std::exception_ptr, Result<void> outcome) mutable {
    done(std::move(outcome));
  });
}

}  // namespace waybill::detail
