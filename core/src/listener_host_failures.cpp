// ListenerHost: what becomes of messages that nobody handles, or whose handler fails: retried, parked, or dropped.
#include "listener_host.hpp"
#include "random_bits.hpp"
#include "waybill/detail/backoff.hpp"

#include <asio/post.hpp>

namespace waybill::detail {

namespace {

std::string given_up(const Delivery& delivery) {
  return "the " + std::string(delivery.packet.kind == PacketKind::request ? "request " : "event ") +
         std::string(name_of(delivery.packet)) + " after attempt " + std::to_string(delivery.attempt);
}

/// Before the attempt that follows `attempt`: doubled each time, jittered so that what failed together comes apart.
std::chrono::milliseconds backoff_after(int attempt, const DeliveryPolicy& policy) {
  Backoff backoff({policy.backoff, policy.most_backoff}, static_cast<unsigned>(attempt - 1));
  return backoff.next(random_bits());
}

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
    log().debug("no handler for the event " + std::string(name_of(packet)));
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

void ListenerHost::failed(Exchange& exchange, const Error& error) {
  counters.failed.fetch_add(1, std::memory_order_relaxed);  // perhaps on the handler pool
  if (exchange.wants_reply()) {
    try {
      exchange.reply_error(error);
    } catch (const std::exception& unencodable) {
      log().error(std::string("the error of a handler cannot be encoded: ") + unencodable.what());
      exchange.reply_error(Error(errc::internal, "Internal server error", End::unknown));
    }
    return exchange.settle(Settlement::ack);  // its caller knows
  }
  if (!is_offloaded()) return failed_event(exchange.delivery(), error);
  asio::post(executor_, [self = shared_from_this(), held = exchange.held(), error] {
    self->failed_event(held->delivery(), error);
  });
}

void ListenerHost::failed_event(Delivery& delivery, const Error& error) {
  if (delivery.is_settled()) return;  // by the handler itself
  const DeliveryPolicy& policy = config_.delivery;
  if (capabilities_.redelivery == Support::impossible || error.is_permanent() || delivery.attempt >= policy.attempts) {
    return give_up(delivery, error);
  }
  count(counters.retried);
  if (draining_) return delivery.settle(Settlement::retry);
  retries_->add(std::move(delivery), backoff_after(delivery.attempt, policy));
}

void ListenerHost::give_up(Delivery& delivery, const Error& error) {
  if (delivery.is_settled()) return;
  delivery.failure.emplace(error);
  if (!config_.delivery.dead_letter.empty()) return parking_->add(std::move(delivery));
  count(counters.dropped);
  log().warning("gave up " + given_up(delivery) + ", it is dropped: " + error.what());
  delivery.settle(Settlement::reject);
}

void ListenerHost::on_parked(const Delivery& delivery) {
  count(counters.dead_lettered);
  log().write(delivery.failure->code() == errc::no_handler ? LogLevel::debug : LogLevel::warning,
              "gave up " + given_up(delivery) + ", it is now in " + config_.delivery.dead_letter + ": " +
                  delivery.failure->what());
  if (draining_) idle_.cancel();
}

void ListenerHost::on_not_parked(const Delivery& delivery, const Error& why, std::chrono::milliseconds retry_in) {
  const TimePoint now = std::chrono::steady_clock::now();
  const bool is_new = now - parking_told_ >= std::chrono::minutes(1);
  if (is_new) parking_told_ = now;
  log().write(is_new ? LogLevel::error : LogLevel::debug,
              given_up(delivery) + " cannot be put into " + config_.delivery.dead_letter + ": " + why.what() +
                  " (it waits unsettled, with " + std::to_string(parking_->size() - 1) + " others; trying again in " +
                  std::to_string(retry_in.count()) + " ms)");
}

}  // namespace waybill::detail
