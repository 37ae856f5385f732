#include "service/listener_host.hpp"

#include "config/config_options.hpp"
#include "middleware/configured.hpp"
#include "waybill/detail/asio.hpp"

#include <asio/co_spawn.hpp>
#include <asio/dispatch.hpp>

#include <algorithm>
#include <system_error>

namespace waybill::detail {

Error error_from_handler(std::exception_ptr exception, const Packet& packet, const Log& log) {
  const std::string pattern(name_of(packet));
  try {
    std::rethrow_exception(exception);
  } catch (const Error& error) {
    return error;
  } catch (const std::exception& other) {
    log.error("the handler of " + pattern + " failed: " + other.what());
  } catch (...) {
    log.error("the handler of " + pattern + " failed with something that is no std::exception");
  }
  return Error(errc::internal, std::string(k_internal_text), End::unknown);
}

Error error_of_handler(std::exception_ptr exception, const Packet& packet, const Log& log) {
  Error error = error_from_handler(std::move(exception), packet, log);
  const bool says_not_taken = error.code() == errc::overloaded || error.code() == errc::refused;
  if (!says_not_taken || error.end() == End::unknown) return error;
  return Error(error.code(), std::string(error.message()), End::unknown);
}

ListenerHost::ListenerHost(std::shared_ptr<ServiceParts> parts, const RouteTable& table, const ListenerConfig& config,
                           std::shared_ptr<Transport> transport, std::vector<Middleware> chain, Environment environment)
    : parts_(std::move(parts)),
      table_(table),
      config_(config),
      chain_(std::move(chain)),
      executor_(environment.executor),
      clock_(Clock::of(executor_)),
      transport_(std::move(transport)),
      capabilities_(transport_->capabilities()),
      listener_(transport_->make_listener(with_figures(std::move(environment)))),
      retries_(std::make_shared<WaitingRetries>(executor_, config_.max_in_flight)),
      sole_thread_(config_.url.redacted()),
      observed_url_(config_.url.redacted()),
      cache_(table_),
      idle_(executor_),
      letters_(executor_),
      close_(executor_),
      streams_(executor_) {
  begin_observing();
}

std::string ListenerHost::describe() const {
  std::string line = config_.name.empty() ? std::string() : config_.name + " at ";
  line += config_.url.redacted() + ": events " + std::string(capabilities_.event_promise);
  line += describe_policy();
  if (capabilities_.wildcards == Support::emulated) line += ", wildcards matched on this side";
  line += describe_chain(chain_);
  return line;
}

std::string ListenerHost::describe_policy() const {
  const DeliveryPolicy& policy = config_.delivery;
  std::string line;
  if (capabilities_.redelivery == Support::impossible) {
    line = ", nothing is delivered again";
  } else {
    line = ", acknowledged after the handler, " + std::to_string(policy.attempts) +
           (policy.attempts == 1 ? " attempt" : " attempts");
  }
  if (capabilities_.redelivery == Support::impossible && policy.dead_letter.empty()) return line;
  return line + (policy.dead_letter.empty() ? ", then dropped" : ", then to " + policy.dead_letter);
}

asio::awaitable<Result<void>> ListenerHost::start() {
  for (const Route& route : table_.routes()) {
    if (route.pattern.is_wildcard() && capabilities_.wildcards == Support::impossible) {
      co_return Error(errc::unsupported,
                      std::string(capabilities_.transport) + " cannot carry the wildcard pattern " +
                          route.pattern.route() + ": register each pattern by its name",
                      End::rejected);
    }
  }
  if (const auto refusal = refusal_of(config_, capabilities_)) {
    co_return Error(errc::unsupported, *refusal, End::rejected);
  }
  parking_ = std::make_shared<Parking>(executor_, std::static_pointer_cast<Parking::Host>(shared_from_this()));
  retries_->when_room([weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->hold_intake(false);
  });
  reconnect_ = std::make_shared<Reconnect>(executor_, shared_from_this());
  co_return co_await reconnect_->start(config_.startup);
}

asio::awaitable<Result<void>> ListenerHost::open_link() {
  const Routes routes = table_.routes();
  co_return co_await listener_->open(routes, *this);
}

void ListenerHost::on_link_ready() {
  was_ready_ = true;
  note_why({});
  tell_link(Status::ready);
  log().write(link_log_.ready(idle_.now()), "listening on " + listener_->address());
}

void ListenerHost::on_link_failed(const Error& error, std::optional<std::chrono::milliseconds> retry_in) {
  constexpr std::string_view k_cannot = "cannot listen on ";  // which the error may say, with the address
  std::string line = error.what();
  note_why(line);
  if (!line.starts_with(k_cannot)) line = std::string(k_cannot) + config_.url.redacted() + ": " + line;
  if (!retry_in) {
    if (!was_ready_) return log().error(line);
    // It served until now: somebody may mend what the broker minds. Rarely, as accounts can be locked.
    log().error(line + " (asked again in a minute)");
    return reconnect_->start_in_background(std::chrono::minutes(1));
  }
  log().write(link_log_.failed(line, idle_.now()), line + " (trying again)");
}

void ListenerHost::on_lost(const Error& error) {
  link_.store(link_ + 1, std::memory_order_relaxed);
  is_held_ = false;  // a new link takes messages
  note_why({});
  if (!closed_) tell_link(Status::interrupted);
  retries_->drop();
  parking_->forget_all();
  tell_letters();
  reconnect_->lost(error);
}

void ListenerHost::on_link_lost(const Error& error) {
  if (closed_) return;
  log().write(link_log_.lost(idle_.now()), "lost " + config_.url.redacted() + ": " + error.what());
}

void ListenerHost::on_delivery(Delivery&& delivery) {
  const SoleThread::Visit visit(sole_thread_);
  const Packet& packet = delivery.packet;
  if (!packet.headers.empty() && packet.headers.find(header::k_resent)) delivery.redelivered = true;
  if (draining_ || takes_nothing_.load(std::memory_order_relaxed)) {
    ++given_back_;
    return;  // dropped unsettled: delivered again where the carrier can
  }
  count(packet.kind == PacketKind::request ? counters.requests : counters.events);
  const RouteEntry* entry = nullptr;
  if (!packet.route.empty())
    entry = cache_.find({packet.route, false});
  else if (packet.has_pattern)
    entry = cache_.find(packet.pattern);
  if (observer_) begin_observing(delivery, entry);
  if (delivery.failure) return give_up(delivery, Error(*delivery.failure));
  if (delivery.attempt > config_.delivery.attempts) return exhausted(delivery);
  if (!entry) return unhandled(delivery);
  if (!entry->is_immediate || !chain_.empty() || parts_->handler_pool) return handle_later(*entry, std::move(delivery));
  handle_now(*entry, delivery);
  if (observer_ && delivery.is_settled()) spare_observed_ = std::move(delivery.observed());
}

void ListenerHost::handle_now(const RouteEntry& entry, Delivery& delivery) {
  Exchange exchange(delivery, *this, executor_);
  try {
    const bool is_request = delivery.packet.kind == PacketKind::request;
    if (entry.request && (is_request || entry.events.empty())) {
      entry.request->call(exchange);
    } else if (entry.events.size() == 1) {
      entry.events.front()->call(exchange);
    } else {
      handle_all_now(entry, exchange);
    }
    finished(exchange);
  } catch (...) {
    failed(exchange, error_of_handler(std::current_exception(), delivery.packet, exchange.log()));
  }
}

void ListenerHost::handle_all_now(const RouteEntry& entry, Exchange& exchange) {
  const bool is_request = exchange.wants_reply();
  Buffer returned[2];
  std::exception_ptr thrown;
  for (std::size_t i = 0; i < entry.events.size(); ++i) {
    Buffer& into = returned[i ? 1 : 0];
    into.clear();
    if (is_request) exchange.collect_into(&into);
    try {
      entry.events[i]->call(exchange);
    } catch (...) {
      if (thrown)
        error_from_handler(std::current_exception(), exchange.packet(), exchange.log());  // has its line in the log
      else
        thrown = std::current_exception();
    }
  }
  if (thrown) std::rethrow_exception(thrown);
  if (is_request) answer_collected(exchange, std::move(returned[0]), std::move(returned[1]));
}

void ListenerHost::answer_collected(Exchange& exchange, Buffer first, Buffer second) {
  struct Both {
    Payload current, next;
  };
  const Serializer& serializer = *exchange.packet().serializer;
  Both both;
  if (!first.empty()) both.current = Payload(first.take(), serializer);
  if (!second.empty()) both.next = Payload(second.take(), serializer);
  exchange.collect_into(nullptr);
  exchange.reply(ValueRef::of(both));
}

ListenerHost::Held ListenerHost::hold(const RouteEntry& entry, Delivery&& delivery) {
  if (!parts_->handler_pool) return std::make_shared<HeldExchange>(std::move(delivery), *this, entry, executor_);
  // A strand of its own on the pool. Wherever it is let go of, the delivery ends on the loop that it came from.
  const auto bring_home = [self = shared_from_this()](HeldExchange* held) {
    asio::dispatch(self->executor_, [self, owned = std::unique_ptr<HeldExchange>(held)] {});
  };
  Held held(new HeldExchange(std::move(delivery), *this, entry, parts_->handler_pool->make_strand()), bring_home);
  held->exchange.travel_as(std::shared_ptr<Exchange>(held, &held->exchange));
  return held;
}

void ListenerHost::handle_later(const RouteEntry& entry, Delivery&& delivery) {
  delivery.own();
  Held held = hold(entry, std::move(delivery));
  held->link = link_;
  ++in_flight_;
  count(counters.in_flight);
  asio::co_spawn(held->executor, run(held), [self = shared_from_this(), held](std::exception_ptr) mutable {
    if (held->exchange.is_on_loop()) {
      held.reset();
      return self->finished_one();
    }
    asio::dispatch(self->executor_, [self, held = std::move(held)]() mutable {
      held.reset();
      self->finished_one();
    });
  });
}

void ListenerHost::finished(Exchange& exchange) {
  tell_handled(exchange, nullptr);
  if (exchange.is_rejected()) {
    const Error error(errc::cancelled, "its handler rejected it", End::rejected);
    return exchange.on_loop(
        [self = shared_from_this(), error](Exchange& its) { self->give_up(its.delivery(), error); });
  }
  if (!exchange.is_left() || capabilities_.redelivery == Support::impossible) return exchange.settle(Settlement::ack);
  exchange.on_loop([self = shared_from_this()](Exchange& its) { self->keep(its.delivery()); });
}

void ListenerHost::finished_one() {
  count(counters.in_flight, -1);
  if (--in_flight_ == 0) idle_.cancel();
}

asio::awaitable<DrainReport> ListenerHost::drain(TimePoint deadline) {
  const auto self = shared_from_this();
  const auto in_hand = [self] { return self->in_flight_ + (self->parking_ ? self->parking_->under_way() : 0); };
  DrainReport report;
  report.abandoned = in_hand();
  if (closed_) co_return report;
  const bool is_first = !std::exchange(draining_, true);
  if (reconnect_) reconnect_->stop();
  listener_->stop_intake();
  given_back_ += retries_->give_back();
  if (parking_) given_back_ += parking_->give_back();
  const std::size_t at_first = in_hand();
  // A second drain waits beside the first; whichever ends earlier closes.
  end_streams_before(deadline);
  if (is_first || deadline < idle_.expiry()) idle_.expires_at(deadline);
  while (in_flight_ > 0 && idle_.now() < deadline && !closed_) co_await wait_quietly(idle_);
  co_await letters_parked(deadline);
  const std::size_t letters = letters_back_ + in_hand() - in_flight_;
  report.abandoned = std::min(in_flight_, at_first);
  report.given_back = given_back_ + letters;
  const std::size_t left = at_first - std::min(at_first, report.abandoned + letters);
  report.ended = std::min(left, streams_ended_.load(std::memory_order_relaxed));
  report.finished = left - report.ended;
  if (!closed_) {
    // The flush ends with the link, so the deadline closes the link: the earliest, if several drains wait.
    const TimePoint close_at = std::max(deadline, idle_.now() + std::chrono::milliseconds(100));
    if (close_at < close_.expiry()) {
      close_.expires_at(close_at);
      close_.async_wait([self](std::error_code ec) {
        if (!ec) self->close();
      });
    }
    co_await listener_->flush();
  }
  close();
  co_return report;
}

void ListenerHost::close() {
  if (std::exchange(closed_, true)) return;
  draining_ = true;
  tell_link(Status::closed);
  if (reconnect_) reconnect_->stop();
  retries_->give_back();
  if (parking_) parking_->give_back();
  listener_->close();
  if (parking_) parking_->forget_all();  // whose parking had begun: nobody will say how it ended
  idle_.cancel();
  letters_.cancel();
  close_.cancel();
  streams_.cancel();
}

}  // namespace waybill::detail
