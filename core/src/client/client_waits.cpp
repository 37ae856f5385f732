// Who waits for a client's link, or for all that it has sent to be handed over.
#include "client/client_core.hpp"

#include <asio/co_spawn.hpp>
#include <asio/post.hpp>

#include <algorithm>
#include <utility>

namespace waybill::detail {

void ClientCore::tell(Done done, const Result<void>& outcome) {
  try {
    done(outcome);
  } catch (...) {
    throw_from_loop(executor_.get(), std::current_exception());
  }
}

template <class Waits, class Which>
void ClientCore::end_waits(Waits& waits, Which which, const Result<void>& outcome) {
  std::vector<Done> ended;
  for (auto& wait : waits) {
    if (which(wait)) ended.push_back(std::move(wait.done));
  }
  std::erase_if(waits, which);
  for (Done& done : ended) tell(std::move(done), outcome);
}

void ClientCore::connect_then(WaitId id, Done done) {
  if (done) {
    if (closed_) return tell(std::move(done), closed_error());
    if (ready_) return tell(std::move(done), {});
    const TimePoint give_up = deadline_after(coarse_now(), config_.connect_timeout);
    connect_waits_.push_back({id, give_up, std::move(done)});
    arm_deadline(give_up);
  }
  if (!reconnect_ || !reconnect_->is_running()) {
    set_status(Status::connecting);
    reconnect_ = std::make_shared<Reconnect>(executor_.get(), shared_from_this());
  }
  reconnect_->start_in_background();
}

void ClientCore::end_connect_waits(const Error& error) {
  end_waits(
      connect_waits_, [](const ConnectWait&) { return true; }, error);
}

void ClientCore::cancel_wait(WaitId id) {
  const auto is_it = [id](const auto& wait) { return wait.id == id; };
  end_waits(connect_waits_, is_it, Error(errc::cancelled, "the wait for a connection was cancelled", End::rejected));
  end_waits(flushes_, is_it, Error(errc::cancelled, "the flush was cancelled", End::unknown));
}

void ClientCore::fail_late_waits(TimePoint now) {
  const auto is_late = [now](const auto& wait) { return wait.give_up <= now; };
  if (std::any_of(connect_waits_.begin(), connect_waits_.end(), is_late)) {
    end_waits(connect_waits_, is_late, no_link_error(config_.connect_timeout));
  }
  if (std::none_of(flushes_.begin(), flushes_.end(), is_late)) return;
  const bool has_left = outbox_.empty();
  end_waits(flushes_, is_late,
            has_left ? Error(errc::timeout,
                             "not all that was sent to " + config_.url.redacted() + " was handed over within " +
                                 std::to_string(config_.timeout.count()) + " ms; " +
                                 std::to_string(unconfirmed_.size()) + " events are not confirmed yet" +
                                 (blocked_ ? "; it takes no messages for now: " + blocked_why_ : std::string()),
                             End::unknown)
                     : no_link_error(config_.timeout));
}

void ClientCore::flush_then(WaitId id, Done done) {
  Flush& flush = flushes_.emplace_back();
  flush.id = id;
  flush.give_up = deadline_after(coarse_now(), config_.timeout);
  flush.done = std::move(done);
  flush.mark = outbox_.next_number();
  arm_deadline(flush.give_up);
  asio::post(executor_.get(), [self = shared_from_this()] { self->advance_flushes(); });
}

void ClientCore::advance_flushes() {
  std::vector<std::pair<Done, Result<void>>> ended;
  for (std::size_t i = 0; i < flushes_.size();) {
    std::optional<Result<void>> outcome = step(flushes_[i]);
    if (!outcome) {
      ++i;
      continue;
    }
    ended.emplace_back(std::move(flushes_[i].done), *std::move(outcome));
    flushes_.erase(flushes_.begin() + static_cast<std::ptrdiff_t>(i));
  }
  for (auto& [done, outcome] : ended) tell(std::move(done), outcome);
}

std::optional<Result<void>> ClientCore::step(Flush& flush) {
  if (closed_) return closed_error(End::unknown);
  if (flush.stage == Flush::Stage::outbox) {
    if (outbox_.first_number() < flush.mark) return std::nullopt;
    flush.stage = Flush::Stage::transport;
    flush.needs = transport_flushes_begun_ + 1;
    flush.losses = losses_;
  }
  if (flush.stage == Flush::Stage::transport) {
    if (transport_flushes_ended_ < flush.needs) {
      start_transport_flush();
      return std::nullopt;
    }
    if (flush.losses != losses_ && !keeps_events_ && !can_.keeps_unconfirmed) {
      return last_failure_.value_or(Error(errc::connection_lost, "the connection was lost", End::unknown));
    }
    flush.stage = Flush::Stage::confirms;
    flush.mark = unconfirmed_.next_number();
  }
  if (unconfirmed_.first_number() < flush.mark) return std::nullopt;
  if (const auto forgotten = std::exchange(forgotten_failure_, std::nullopt)) return *forgotten;
  if (flush.failure) return *flush.failure;
  return Result<void>();
}

void ClientCore::start_transport_flush() {
  // One at a time: one that never ends must not become many.
  if (transport_flushes_begun_ != transport_flushes_ended_) return;
  ++transport_flushes_begun_;
  asio::co_spawn(executor_.get(), connection_->flush(), [self = shared_from_this()](std::exception_ptr thrown) {
    ++self->transport_flushes_ended_;
    if (thrown) {
      const Error failure(errc::internal, "the transport's flush threw", End::unknown);
      for (Flush& flush : self->flushes_) {
        if (flush.stage == Flush::Stage::transport && flush.needs <= self->transport_flushes_ended_) {
          flush.failure = failure;
        }
      }
    }
    self->advance_flushes();
  });
}

}  // namespace waybill::detail
