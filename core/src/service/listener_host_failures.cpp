// ListenerHost: what becomes of messages that nobody handles, or whose handler fails: retried, parked, or dropped. And what of
// them does not end before the service must.
#include "error_text.hpp"
#include "random_bits.hpp"
#include "service/listener_host.hpp"
#include "service/packet_trace.hpp"
#include "waybill/detail/asio.hpp"
#include "waybill/transport/backoff.hpp"

#include <asio/post.hpp>

#include <algorithm>
#include <utility>

namespace waybill::detail {

namespace {

std::string given_up(const Delivery& delivery) {
  return "the " + std::string(delivery.packet.kind == PacketKind::request ? "request " : "event ") +
         std::string(name_of(delivery.packet)) + " after attempt " + std::to_string(delivery.attempt);
}

/// Before the attempt that follows `attempt`: at least what the policy says, jittered so that what failed together comes
/// apart.
std::chrono::milliseconds backoff_after(int attempt, const DeliveryPolicy& policy) {
  transport::Backoff backoff({policy.backoff, policy.most_backoff}, static_cast<unsigned>(attempt - 1));
  return backoff.next_whole(random_bits());
}

constexpr std::chrono::seconds k_letter_patience{1};

}  // namespace

void ListenerHost::unhandled(Delivery& delivery) {
  count(counters.unhandled);
  const Packet& packet = delivery.packet;
  if (packet.kind == PacketKind::request) {
    Packet reply;
    reply.kind = PacketKind::no_handler;
    reply.last = true;
    reply.id = packet.id;
    reply.serializer = packet.serializer;
    scratch_.clear();
    packet.serializer->encode(ValueRef::of(k_no_handler_text), scratch_).value();
    reply.has_payload = true;
    reply.payload = scratch_.borrow();
    delivery.reply(reply);
  } else {
    tell_unhandled(packet);
  }
  const DeliveryPolicy& policy = config_.delivery;
  if (policy.unhandled == DeliveryPolicy::Unhandled::drop) return delivery.settle(Settlement::ack);
  if (packet.kind == PacketKind::request && !policy.dead_letter.empty()) {
    return delivery.settle(Settlement::ack);  // its caller knows; nobody waits for a second answer
  }
  if (policy.dead_letter.empty()) return delivery.settle(Settlement::reject);
  delivery.failure = Error(errc::no_handler, "there is no handler for it", End::rejected);
  parking_->add(std::move(delivery));
}

void ListenerHost::tell_unhandled(const Packet& packet) {
  const std::string_view name = name_of(packet);
  const UnhandledLog::Line line = unhandled_log_.add(name, coarse_now());
  if (line.count == 0) return;
  std::string text = config_.url.redacted() + ": ";
  if (line.is_of_others) {
    text += "no handler for events of many other patterns";
  } else if (name.empty()) {
    text += "no handler for an event without a pattern: it is no packet of NestJS or waybill";
  } else {
    text += "no handler for the event " + printable(name);
  }
  const DeliveryPolicy& policy = config_.delivery;
  const bool is_meant = policy.unhandled == DeliveryPolicy::Unhandled::drop;
  text += is_meant || policy.dead_letter.empty() ? ", dropped" : ", given up to " + policy.dead_letter;
  if (line.count > 1) text += " (" + std::to_string(line.count) + " since the last such line)";
  log().write(is_meant ? LogLevel::info : LogLevel::warning, text);
}

Log ListenerHost::log_about(const Delivery& delivery) const {
  if (!log().wants_records()) return log();
  const Packet& packet = delivery.packet;
  const std::string* id = packet.headers.find(header::k_message_id);
  const auto trace = trace_of(packet).parent;
  return log().about(std::string(name_of(packet)), id ? *id : std::string(packet.id.text),
                     trace ? trace->trace_id_text() : std::string());
}

void ListenerHost::keep(Delivery& delivery) {
  if (delivery.is_settled()) return;
  if (draining_) return delivery.settle(Settlement::retry);
  retries_->leave(std::move(delivery));
}

void ListenerHost::exhausted(Delivery& delivery) {
  const Error error(errc::internal,
                    "it was delivered " + std::to_string(delivery.attempt - 1) + " times and its handler never ended",
                    End::unknown);
  if (delivery.packet.kind != PacketKind::request) return give_up(delivery, error);
  Exchange exchange(delivery, *this, executor_);
  failed(exchange, error);
}

/// An Error that its caller is not told, of a call that the handler made perhaps; other exceptions are in the log already.
void ListenerHost::tell_hidden(const Exchange& exchange, const Error& error) const {
  if (is_told(error) || error.message() == k_internal_text) return;
  exchange.log().error("the handler of " + std::string(name_of(exchange.packet())) + " failed: " + error.what());
}

void ListenerHost::failed(Exchange& exchange, const Error& error) {
  counters.failed.fetch_add(1, std::memory_order_relaxed);  // perhaps on the handler pool
  tell_handled(exchange, &error);
  if (exchange.wants_reply()) {
    tell_hidden(exchange, error);
    try {
      exchange.reply_error(error);
    } catch (const std::exception& unencodable) {
      log().error(std::string("the error of a handler cannot be encoded: ") + unencodable.what());
      exchange.reply_error(Error(errc::internal, "Internal server error", End::unknown));
    }
    return exchange.settle(Settlement::ack);  // its caller knows
  }
  exchange.on_loop([self = shared_from_this(), error](Exchange& its) { self->failed_event(its.delivery(), error); });
}

void ListenerHost::failed_event(Delivery& delivery, const Error& error) {
  if (delivery.is_settled()) return;  // by the handler itself
  const DeliveryPolicy& policy = config_.delivery;
  if (capabilities_.redelivery == Support::impossible || error.is_permanent() || delivery.attempt >= policy.attempts) {
    return give_up(delivery, error);
  }
  count(counters.retried);
  if (draining_) return delivery.settle(Settlement::retry);
  const std::chrono::milliseconds wait = backoff_after(delivery.attempt, policy);
  retries_->add(std::move(delivery), wait);
  if (retries_->is_full()) hold_intake(true);
}

void ListenerHost::give_up(Delivery& delivery, const Error& error) {
  if (delivery.is_settled()) return;
  delivery.failure.emplace(error);
  if (!config_.delivery.dead_letter.empty()) return parking_->add(std::move(delivery));
  count(counters.dropped);
  log_about(delivery).warning("gave up " + given_up(delivery) + ", it is dropped: " + error.what());
  delivery.settle(Settlement::reject);
}

void ListenerHost::on_parked(const Delivery& delivery) {
  count(counters.dead_lettered);
  tell_letters();
  log_about(delivery).write(delivery.failure->code() == errc::no_handler ? LogLevel::debug : LogLevel::warning,
                            "gave up " + given_up(delivery) + ", it is now in " + config_.delivery.dead_letter + ": " +
                                delivery.failure->what());
  if (draining_) letters_.cancel();
}

void ListenerHost::on_given_back() {
  ++letters_back_;
  tell_letters();
  letters_.cancel();
}

/// A quarter of the time is theirs, and a second at least: what never ends must not take that of all others.
void ListenerHost::end_streams_before(TimePoint deadline) {
  constexpr TimePoint::duration k_least = std::chrono::seconds(1);
  const TimePoint::duration left = deadline - idle_.now();
  if (left <= k_least) return;  // the close ends them
  const TimePoint at = idle_.now() + std::max(left / 4, k_least);
  if (at >= streams_.expiry()) return;  // an earlier drain ends them sooner
  streams_.expires_at(at);
  streams_.async_wait([self = shared_from_this()](std::error_code ec) {
    if (!ec) self->streams_end_.store(true, std::memory_order_relaxed);
  });
}

asio::awaitable<void> ListenerHost::letters_parked(TimePoint deadline) {
  const auto self = shared_from_this();
  const TimePoint until = std::min(deadline, self->letters_.now() + k_letter_patience);
  while (self->parking_ && self->parking_->under_way() > 0 && self->letters_.now() < until && !self->closed_) {
    self->letters_.expires_at(until);
    co_await wait_quietly(self->letters_);
  }
  const std::size_t left = self->parking_ && !self->closed_ ? self->parking_->under_way() : 0;
  if (left)
    self->log().warning(std::to_string(left) + " messages that were given up are not in " +
                        self->config_.delivery.dead_letter + " yet, and are not waited for: they are delivered again");
}

void ListenerHost::on_not_parked(const Delivery& delivery, const Error& why, std::chrono::milliseconds retry_in) {
  tell_letters();
  const TimePoint now = idle_.now();
  const bool is_new = now - parking_told_ >= std::chrono::minutes(1);
  if (is_new) parking_told_ = now;
  log_about(delivery).write(is_new ? LogLevel::error : LogLevel::debug,
                            given_up(delivery) + " cannot be put into " + config_.delivery.dead_letter + ": " +
                                why.what() + " (it waits unsettled, with " + std::to_string(parking_->size() - 1) +
                                " others; trying again in " + std::to_string(retry_in.count()) + " ms)");
}

void ListenerHost::hold_intake(bool on) {
  if (std::exchange(is_held_, on) == on || draining_) return;
  if (on && observer_) observer_->bound_reached(observed_url_, "max_in_flight");
  if (on)
    listener_->pause();
  else
    listener_->resume();
}

void ListenerHost::warn() const {
  const DeliveryPolicy& policy = config_.delivery;
  if (capabilities_.redelivery == Support::impossible || capabilities_.dead_letters == Support::impossible) return;
  const Routes routes = table_.routes();
  const bool has_events =
      std::any_of(routes.begin(), routes.end(), [](const Route& route) { return route.handles_events; });
  if (!has_events || !policy.dead_letter.empty()) return;
  log().warning(config_.url.redacted() + ": an event that fails " + std::to_string(policy.attempts) +
                " times is dropped: set dead_letter to keep it");
}

}  // namespace waybill::detail
