#include "flow/copies.hpp"

#include <algorithm>

namespace waybill::amqp {
namespace {

constexpr transport::Backoff::Options k_refusal_pauses{std::chrono::milliseconds(200),
                                                       std::chrono::milliseconds(30'000)};

}  // namespace

Copies::Copies(const asio::any_io_executor& executor, ChannelId channel, const Options& options, Log log, Host host)
    : log_(std::move(log)),
      host_(std::move(host)),
      channel_(
          executor, channel, options,
          [this](Ticket ticket, const Result<Accepted>& outcome, const Confirms::Shown& message) {
            told(ticket, outcome, message);
          },
          [this](const Error& error) {
            log_.write(said_.now() ? LogLevel::warning : LogLevel::debug,
                       "amqp: the broker closed the channel of retries and dead letters, which is opened again: " +
                           std::string(error.message()));
          }),
      timer_(executor),
      patience_(options.start_timeout),
      sent_timer_(executor) {}

void Copies::start(Link& link) {
  is_started_ = true;
  channel_.start(link);
}

void Copies::stop() noexcept {
  is_started_ = is_watching_sent_ = is_blocked_ = false;
  channel_.stop();
  sent_.clear();
  retries_ = 0;
  waiting_.clear();
  refusals_.clear();
  timer_.cancel();
  sent_timer_.cancel();
}

void Copies::send(const Copy& copy, std::string_view message, std::uint32_t frame_max, ParkDone done) {
  sent(copy.tag, copy.to, copy.marks.is_dead(), std::move(done));
  Envelope envelope;
  envelope.channel = channel_.id();
  envelope.routing_key = copy.to;
  envelope.mandatory = true;
  Buffer& kept = channel_.buffer();
  const std::size_t begins_at = kept.size();
  auto appended = append_again(kept, envelope, message, copy.marks, frame_max);
  if (!appended) {
    // Its own headers leave no room: better without them than never.
    log_.warning("amqp: a message is sent again without its headers: " + std::string(appended.error().message()));
    appended = append_bare(kept, envelope, message, copy.marks, frame_max);
  }
  channel_.added(copy.tag, begins_at, *appended);
}

void Copies::told(Ticket ticket, const Result<Accepted>& outcome, const Confirms::Shown& message) {
  if (!is_started_) return;
  auto found = sent_.extract(ticket);
  if (!found) return;
  Sent& copy = found.mapped();
  if (!copy.is_dead) --retries_;
  if (copy.is_dead) {
    if (!outcome && outcome.error().code() == errc::no_receiver) host_.dead_letters_missing();
    return copy.done(outcome ? Result<void>() : Result<void>(outcome.error()));
  }
  if (!outcome && given_up_) return given_up_(ticket);
  if (!outcome) return keep(ticket, std::move(copy.to), std::string(message.frames), message.layout, outcome.error());
  refusals_.erase(ticket);
  host_.placed(ticket);
}

void Copies::sent(Ticket ticket, std::string to, bool is_dead, ParkDone done) {
  if (!is_dead) ++retries_;
  sent_.insert_or_assign(ticket, Sent{timer_.now(), std::move(to), is_dead, std::move(done)});
  if (!std::exchange(is_watching_sent_, true)) watch_sent();
}

void Copies::watch_sent() {
  sent_timer_.expires_after(patience_);
  sent_timer_.async_wait([this, here = std::weak_ptr<bool>(is_here_)](std::error_code ec) {
    if (ec || here.expired()) return;
    is_watching_sent_ = !sent_.empty();
    if (!is_watching_sent_) return;
    tell_unconfirmed();
    watch_sent();
  });
}

void Copies::tell_unconfirmed() {
  const auto oldest = std::min_element(sent_.begin(), sent_.end(), [](const auto& one, const auto& other) {
    return one.second.since < other.second.since;
  });
  const auto now = timer_.now();
  const Sent& copy = oldest->second;
  if (now - copy.since < patience_ || is_blocked_ || !unconfirmed_said_.now()) return;
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now - copy.since).count();
  log_.warning("amqp: the broker neither takes nor refuses what is sent to the queue " + copy.to + ", for " +
               std::to_string(seconds) + " s now: look at that queue. " + std::to_string(sent_.size()) +
               " retries and dead letters wait, unacknowledged, others are handled; said once a minute");
}

void Copies::keep(Ticket ticket, std::string to, std::string frames, const Layout& layout, const Error& error) {
  transport::Backoff backoff(k_refusal_pauses, static_cast<unsigned>(refusals_[ticket]++));
  const auto now = timer_.now();
  const auto pause = backoff.next(static_cast<std::uint64_t>(now.time_since_epoch().count()));
  waiting_.emplace(now + pause, Waiting{ticket, std::move(to), std::move(frames), layout});
  log_.write(
      said_.now() ? LogLevel::warning : LogLevel::debug,
      "amqp: a message cannot be sent again for its next attempt; it waits, unacknowledged, and this is tried again (" +
          std::to_string(waiting_.size()) + " wait): " + std::string(error.message()));
  watch();
  host_.waits();
}

void Copies::watch() {
  if (waiting_.empty()) return;
  timer_.expires_at(waiting_.begin()->first);
  timer_.async_wait([this, here = std::weak_ptr<bool>(is_here_)](std::error_code ec) {
    if (ec || here.expired()) return;
    const auto now = timer_.now();
    while (!waiting_.empty() && waiting_.begin()->first <= now) {
      auto due = waiting_.extract(waiting_.begin());
      Waiting copy = std::move(due.mapped());
      sent(copy.ticket, std::move(copy.to), false, {});
      Buffer& kept = channel_.buffer();
      const std::size_t begins_at = kept.size();
      kept.append(copy.frames);
      channel_.added(copy.ticket, begins_at, copy.layout);
    }
    watch();
  });
}

void Copies::give_up(std::function<void(std::uint64_t tag)> each) {
  given_up_ = std::move(each);
  const auto waiting = std::move(waiting_);
  waiting_.clear();
  timer_.cancel();
  for (const auto& [due, copy] : waiting) given_up_(copy.ticket);
}

}  // namespace waybill::amqp
