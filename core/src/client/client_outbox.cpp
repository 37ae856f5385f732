// What a client has to send: calls that wait for a link that takes them, events that wait for the broker's word.
#include "client/client_core.hpp"

#include <utility>

namespace waybill::detail {

Result<void> ClientCore::keep_for_link(const Packet& packet, Ticket ticket, CallKey key) {
  if (outbox_.bytes() + weight(packet) > config_.max_queued_bytes) {
    const Error why = no_link_error();
    tell_bound("max_queued");
    return Error(
        errc::overloaded,
        std::string(why.message()) + "; more than " + std::to_string(config_.max_queued_bytes) + " bytes wait for it",
        End::rejected);
  }
  // With a link that takes nothing the call's own deadline is the only one.
  const TimePoint give_up = ready_ ? TimePoint::max() : deadline_after(coarse_now(), config_.connect_timeout);
  outbox_.add(packet, ticket, key, give_up);
  arm_deadline(give_up);
  if (!ready_) connect_then(0, {});
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
  while (!outbox_.empty() && ready_ && !is_held_back(outbox_.front().packet.kind)) send_queued_one(outbox_.pop());
  if (!flushes_.empty()) advance_flushes();
}

void ClientCore::send_queued_one(Outbox::Entry entry) {
  const bool is_request = entry.packet.kind == PacketKind::request;
  if (entry.ticket && !calls_.is_waiting(entry.key)) {  // its caller has gone
    if (is_request) return;
    entry.ticket = 0;
  }
  if (is_request && entry.packet.deadline.count() > 0) {  // some of it has passed
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(calls_.deadline(entry.key) - coarse_now());
    if (left.count() <= 0) return;  // about to expire
    set_deadline(entry.packet, left);
  }
  const Result<void> sent = transmit(entry.packet, entry.ticket, entry.key);
  if (sent) return;
  if (entry.ticket)
    end(entry.key, sent.error());
  else
    note_forgotten_failure(sent.error());
}

void ClientCore::fail_entries(std::vector<Outbox::Entry> entries, const Error& error) {
  if (entries.empty()) return;
  for (const Outbox::Entry& one : entries) {
    if (one.ticket) flushes_.failed(one.number, error);
    if (!one.ticket)
      note_forgotten_failure(error);
    else if (calls_.is_waiting(one.key))
      end(one.key, not_sent(one.key, error));
  }
  if (!flushes_.empty()) advance_flushes();
}

void ClientCore::note_forgotten_failure(const Error& error) {
  ClientCounters::add(counters.failed);
  complain_of_forgotten(error);
}

void ClientCore::complain_of_forgotten(const Error& error) {
  ++forgotten_failures_;
  forgotten_failure_ = error;
  const TimePoint now = coarse_now();
  if (now - last_complaint_ < std::chrono::seconds(1)) return;
  last_complaint_ = now;
  log_.warning(std::to_string(forgotten_failures_) + " events were not sent to " + config_.url.redacted() + ": " +
               error.what());
  forgotten_failures_ = 0;
}

}  // namespace waybill::detail
