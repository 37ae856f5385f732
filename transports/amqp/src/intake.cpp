// Intake: opening, deliveries, the end. What goes back to the broker is in intake_settle.cpp.
#include "intake.hpp"

#include "topology.hpp"

#include <algorithm>

namespace waybill::amqp {

Intake::Intake(const Environment& environment, const Options& options, const Registry& registry)
    : environment_(environment),
      options_(options),
      formats_(*environment_.serializer, registry),
      callers_(*this, environment_.executor, options.caller_check),
      again_([this](Ticket ticket, const Result<Accepted>& outcome) { published_again(ticket, outcome); }),
      queue_(queue_name(options, environment.group)),
      progress_(environment_.executor) {}

Intake::~Intake() { drop_link(); }

asio::awaitable<Result<void>> Intake::open(std::shared_ptr<Intake> self, Routes routes, ListenerSink& sink,
                                           bool is_first) {
  for (const Route& route : routes) {
    if (self->options_.wildcards && binding_key(route.pattern).size() > 255) {
      co_return Error(errc::unsupported,
                      "amqp cannot bind the pattern " + route.pattern.route() + ": it is longer than 255 bytes",
                      End::rejected);
    }
  }
  self->sink_ = &sink;
  self->matcher_ = self->options_.wildcards ? Matcher(routes) : Matcher();
  self->routes_ = std::move(routes);
  const auto opening = std::make_shared<Opening>(self->environment_.executor, self->options_, is_first);
  self->opening_ = opening;
  const std::string role = "service";
  Result<void> outcome = co_await Opening::run(opening, *self, role);
  self->opening_.reset();
  co_return outcome;
}

std::uint16_t Intake::prefetch() const noexcept {
  const std::size_t most = std::min<std::size_t>(environment_.max_in_flight, 65'535);
  return static_cast<std::uint16_t>(options_.prefetch ? std::min<std::size_t>(options_.prefetch, most) : most);
}

void Intake::on_session_open() {
  Session& session = link_->session();
  steps_ = options_.at_most_once ? 1 : 2;
  session.open_channel(k_work, {});
  Declaration declaration(session, k_work, options_, [this](const Error& error) { lost(error); });
  declaration.listener(queue_, routes_, [this](const Result<Method>& answer) {
    queue_ = to_view(answer->as<amqp_queue_declare_ok_t>().queue);
  });
  if (!options_.at_most_once) declaration.prefetch(prefetch());
  if (options_.at_most_once) {
    declaration.consume(queue_, true, [this](const Result<Method>& answer) { consuming(answer); });
    return;
  }
  // The dead letter queue is there before the first delivery.
  declare_again_channel();
  declaration.consume(queue_, false, [this](const Result<Method>& answer) { consuming(answer); });
}

void Intake::declare_again_channel() {
  Session& session = link_->session();
  session.open_channel(k_again, {});
  Declaration declaration(session, k_again, options_, [this](const Error& error) { lost(error); });
  if (!environment_.dead_letter.empty()) declaration.plain_queue(environment_.dead_letter);
  declaration.confirms([this](const Result<Method>&) {
    again_.channel_open();
    if (is_ready_) {
      again_.send(link_->out());
    } else {
      one_step_ready();
    }
  });
}

void Intake::consuming(const Result<Method>& answer) {
  consumer_ = to_view(answer->as<amqp_basic_consume_ok_t>().consumer_tag);
  one_step_ready();
}

void Intake::one_step_ready() {
  if (--steps_ > 0 || !link_) return;
  is_ready_ = true;
  callers_.use(link_->session(), k_callers);
  update_hold();
  if (opening_) opening_->finish({});
}

void Intake::on_message(ChannelId channel, const Method& method, const Properties& properties, const Slice& body) {
  is_in_batch_ = true;
  if (method.id == AMQP_BASIC_DELIVER_METHOD) return take(method.as<amqp_basic_deliver_t>(), properties, body);
  if (method.id == AMQP_BASIC_RETURN_METHOD && channel == k_again) {
    const auto& given_back = method.as<amqp_basic_return_t>();
    again_.returned(to_view(given_back.exchange), to_view(given_back.routing_key), body.view(),
                    to_view(given_back.reply_text));
  }
}

void Intake::take(const amqp_basic_deliver_t& deliver, const Properties& properties, const Slice& body) {
  if (!sink_) return;
  const std::uint64_t tag = deliver.delivery_tag;
  if (!options_.at_most_once) window_.delivered(tag);
  if (is_stopped_) return give_back(tag, true);
  const bool has_address = properties.reply_to && is_reply_address(*properties.reply_to);
  Delivery delivery(callers_.of(has_address ? *properties.reply_to : std::string_view()), tag);
  Packet& packet = delivery.packet;
  if (const auto parsed = parse_delivery(properties, body, formats_, packet); !parsed) {
    environment_.log.warning("amqp: a message of the queue " + queue_ +
                             " is no packet: " + std::string(parsed.error().message()));
  }
  if (has_address) delivery.reply_to = properties.return_address;
  delivery.attempt = packet.headers.empty() ? 1 : attempt_of(packet.headers);
  delivery.redelivered =
      deliver.redelivered || delivery.attempt > 1 || packet.headers.find(header::k_resent) != nullptr;
  if (options_.wildcards && packet.has_pattern) packet.route = matcher_.route_for(packet.pattern);
  if (options_.at_most_once && deliveries_ >= environment_.max_in_flight) {
    is_full_ = true;
    update_hold();
  }
  sink_->on_delivery(std::move(delivery));  // may let go of the listener
}

void Intake::on_method(ChannelId channel, const Method& method) {
  is_in_batch_ = true;
  const auto self = shared_from_this();
  switch (method.id) {
    case AMQP_BASIC_CANCEL_METHOD:
      return lost(Error(errc::connection_lost, "the queue " + queue_ + " was deleted, or moved to another node"));
    case AMQP_BASIC_ACK_METHOD:
      if (channel == k_again) {
        const auto& ack = method.as<amqp_basic_ack_t>();
        again_.confirmed(ack.delivery_tag, ack.multiple);
      }
      break;
    case AMQP_BASIC_NACK_METHOD:
      if (channel == k_again) {
        const auto& nack = method.as<amqp_basic_nack_t>();
        again_.refused(nack.delivery_tag, nack.multiple);
      }
      break;
    default: break;
  }
  if (link_ && is_ready_) again_.send(link_->out());
  progress_.cancel();
}

void Intake::on_channel_closed(ChannelId channel, const Error& error) {
  if (!is_ready_ || channel == k_callers) return;
  const auto self = shared_from_this();
  if (channel == k_work) return lost(error);
  environment_.log.warning("amqp: the broker closed the channel of retries and dead letters, which is opened again: " +
                           std::string(error.message()));
  again_.channel_closed(error);
  if (link_) declare_again_channel();
}

void Intake::on_blocked(std::string_view reason) {
  is_blocked_ = !reason.empty();
  if (is_blocked_) {
    environment_.log.warning("amqp: the broker takes no messages for now, replies wait: " + std::string(reason));
  } else {
    environment_.log.info("amqp: the broker takes messages again");
  }
}

void Intake::on_batch_end() {
  is_in_batch_ = false;
  flush_acks();
}

void Intake::delivery_added() noexcept {
  if (deliveries_++ == 0) held_by_deliveries_ = weak_from_this().lock();
}

void Intake::delivery_dropped() noexcept {
  --deliveries_;
  if (is_full_ && deliveries_ <= environment_.max_in_flight * 3 / 4) {
    is_full_ = false;
    update_hold();
  }
  if (deliveries_ == 0) {
    const auto last = std::move(held_by_deliveries_);  // we may go with it
    progress_.cancel();
  }
}

void Intake::hold(bool on) {
  is_held_ = on;
  update_hold();
}

void Intake::update_hold() {
  if (link_ && is_ready_) link_->hold((is_held_ || is_full_) && !is_stopped_);
}

void Intake::stop() {
  if (std::exchange(is_stopped_, true) || !is_ready_ || !link_) return;
  update_hold();
  amqp_basic_cancel_t cancel{};
  cancel.consumer_tag = to_bytes(consumer_);
  is_cancelling_ = true;
  link_->session().call(k_work, AMQP_BASIC_CANCEL_METHOD, &cancel, {AMQP_BASIC_CANCEL_OK_METHOD, 0},
                        "ending the consumer", [this](const Result<Method>&) {
                          is_cancelling_ = false;
                          progress_.cancel();
                        });
}

asio::awaitable<void> Intake::flush(std::shared_ptr<Intake> self) {
  while (self->is_ready_ && self->link_) {
    self->flush_acks();
    if (!self->link_->unsent_bytes() && self->again_.empty() && !self->is_cancelling_) break;
    self->progress_.expires_at(socket::TimePoint::max());
    co_await detail::wait_quietly(self->progress_);
  }
}

void Intake::lost(const Error& error) {
  const bool was_ready = is_ready_;
  drop_link();
  if (opening_) opening_->finish(error);
  ListenerSink* const sink = std::exchange(sink_, nullptr);
  if (was_ready && sink) sink->on_lost(Error(errc::connection_lost, std::string(error.message())));
}

void Intake::drop_link() {
  is_ready_ = is_cancelling_ = false;
  callers_.stop();
  again_.clear();
  parking_.clear();
  progress_.cancel();
  if (!link_) return;
  const socket::Ref<Link> link = std::exchange(link_, {});
  link->finish_quietly();
}

void Intake::close() {
  if (std::exchange(is_closed_, true)) return;
  if (link_ && is_ready_) flush_acks();
  sink_ = nullptr;
  if (opening_) opening_->cancel();
  drop_link();
}

}  // namespace waybill::amqp
