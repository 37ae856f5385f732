// ListenerLink: the broker waits for each acknowledgement for so long (consumer_timeout), then it closes the channel and takes back
// all that it had delivered there. Handlers run on meanwhile, and settle what comes again.
#include "listener_link.hpp"
#include "protocol/error.hpp"

namespace waybill::amqp {

std::uint64_t ListenerLink::tag_of(std::uint64_t token) const noexcept {
  const std::uint64_t place = token > base_ ? token : kept_->taken_back.place_of(token);
  return place ? place - base_ : 0;
}

/// The delivery is settled. Its tag, or 0 if it has no place any more: then its outcome is remembered.
std::uint64_t ListenerLink::end(std::uint64_t token, Settlement outcome) {
  const std::uint64_t tag = tag_of(token);
  TakenBack& taken_back = kept_->taken_back;
  if (taken_back.empty()) return tag;
  if (tag && outcome != Settlement::retry) taken_back.forget(window_.print_of(tag));
  if (token <= base_) taken_back.ended(token, outcome);
  return tag;
}

bool ListenerLink::is_settled_already(std::uint64_t token, Print print) {
  TakenBack& taken_back = kept_->taken_back;
  if (taken_back.adopt(print, token)) return true;
  const auto outcome = taken_back.recall(print);
  if (!outcome) return false;
  if (*outcome == Settlement::ack)
    acknowledge(token);
  else
    give_back(token, false);
  return true;
}

void ListenerLink::consume_again(const Error& why) {
  TakenBack& taken_back = kept_->taken_back;
  overdue_ = 0;
  std::size_t in_hand = 0;
  for (const AckWindow::Tag& one : window_.take_all()) {
    const std::uint64_t token = base_ + one.tag;
    if (one.is_done) {
      taken_back.remember(one.print, Settlement::ack);
      continue;
    }
    ++in_hand;
    const std::uint64_t first = taken_back.lose_place(token);
    if (!first) taken_back.add(token, one.print);
    if (!overdue_) overdue_ = first ? first : token;
  }
  base_ = last_token_;
  environment_.log.write(overdue_said_.now() ? LogLevel::warning : LogLevel::debug,
                         "amqp: " + std::string(why.message()) + ". It has taken back what was in hand of the queue " +
                             queue_ + ", " + std::to_string(in_hand) +
                             " messages: their handlers go on, and settle them when they come again");
  is_reopening_ = true;
  const auto self = shared_from_this();
  Session& session = link_->session();
  session.open_channel(k_work, {});
  const auto failed = [self](const Error& error) { self->lost(error); };
  const auto done = [self](const Result<Method>& answer) { self->consumes_again(*answer); };
  consume()(session, failed, done);
  reopen_timer_.expires_after(options_.start_timeout);
  reopen_timer_.async_wait([weak = weak_from_this()](const asio::error_code& ec) {
    const auto here = weak.lock();
    if (ec || !here || !here->is_reopening_) return;
    here->lost(
        Error(errc::connection_lost, "the broker does not answer after it has closed the channel of deliveries"));
  });
}

void ListenerLink::consumes_again(const Method& answer) {
  is_reopening_ = false;
  reopen_timer_.cancel();
  consumer_ = to_view(answer.as<amqp_basic_consume_ok_t>().consumer_tag);
  progress_.cancel();
  if (is_stopped_) cancel_consumer();
}

}  // namespace waybill::amqp
