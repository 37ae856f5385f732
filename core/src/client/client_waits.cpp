// Who waits for a client's link, or for all that it has sent to be handed over; and what becomes of all that wait when their
// loop is destroyed.
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

template <class Which>
void ClientCore::end_connect_waits_if(Which which, const Error& error) {
  std::vector<Done> ended;
  for (ConnectWait& wait : connect_waits_) {
    if (which(wait)) ended.push_back(std::move(wait.done));
  }
  std::erase_if(connect_waits_, which);
  for (Done& done : ended) tell(std::move(done), error);
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
  end_connect_waits_if([](const ConnectWait&) { return true; }, error);
}

void ClientCore::cancel_wait(WaitId id) {
  end_connect_waits_if([id](const ConnectWait& wait) { return wait.id == id; },
                       Error(errc::cancelled, "the wait for a connection was cancelled", End::rejected));
  end_flushes(flushes_.take(id, Error(errc::cancelled, "the flush was cancelled", End::unknown)));
}

void ClientCore::fail_late_waits(TimePoint now) {
  const auto is_late = [now](const ConnectWait& wait) { return wait.give_up <= now; };
  if (std::any_of(connect_waits_.begin(), connect_waits_.end(), is_late)) {
    end_connect_waits_if(is_late, no_link_error(config_.connect_timeout));
  }
  if (flushes_.earliest() > now) return;
  if (!outbox_.empty()) return end_flushes(flushes_.take_late(now, no_link_error(config_.timeout)));
  const std::string blocked = blocked_ ? "; it takes no messages for now: " + blocked_why_ : std::string();
  end_flushes(
      flushes_.take_late(now, Error(errc::timeout,
                                    "not all that was sent to " + config_.url.redacted() + " was handed over within " +
                                        std::to_string(config_.timeout.count()) + " ms; " +
                                        std::to_string(unconfirmed_.size()) + " events are not confirmed yet" + blocked,
                                    End::unknown)));
}

void ClientCore::flush_then(WaitId id, Done done) {
  const TimePoint give_up = deadline_after(coarse_now(), config_.timeout);
  flushes_.add(id, give_up, outbox_.next_number(), std::move(done));
  arm_deadline(give_up);
  asio::post(executor_.get(), [self = shared_from_this()] { self->advance_flushes(); });
}

void ClientCore::advance_flushes() {
  if (closed_) return end_flushes(flushes_.take_all(closed_error(End::unknown)));
  const bool is_sent_again = keeps_events_ || can_.keeps_unconfirmed;
  const Error loss = last_failure_.value_or(Error(errc::connection_lost, "the connection was lost", End::unknown));
  const Flushes::Standing standing{outbox_.first_number(), unconfirmed_.first_number(), unconfirmed_.next_number(),
                                   losses_, is_sent_again ? nullptr : &loss};
  end_flushes(flushes_.advance(standing, forgotten_failure_));
  if (flushes_.take_order()) start_transport_flush();
}

void ClientCore::end_flushes(std::vector<Flushes::Ended> ended) {
  for (Flushes::Ended& one : ended) tell(std::move(one.done), one.outcome);
}

void ClientCore::context_ends() noexcept {
  const std::vector<ReplyHandler> waiters = calls_.take_waiters();
  const std::vector<ConnectWait> connects = std::exchange(connect_waits_, {});
  const std::vector<Flushes::Ended> flushes = flushes_.take_all(closed_error(End::unknown));
}

void ClientCore::start_transport_flush() {
  asio::co_spawn(executor_.get(), connection_->flush(), [self = shared_from_this()](std::exception_ptr thrown) {
    std::optional<Error> failure;
    if (thrown) failure.emplace(errc::internal, "the transport's flush threw", End::unknown);
    self->flushes_.transport_flushed(failure);
    self->advance_flushes();
  });
}

}  // namespace waybill::detail
