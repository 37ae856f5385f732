#include "flow/outlet.hpp"

#include <asio/co_spawn.hpp>

namespace waybill::amqp {

Outlet::Outlet(const Environment& environment, const Options& options, OutletHost& host)
    : executor_(environment.executor),
      log_(environment.log),
      options_(options),
      format_(*environment.serializer),
      host_(&host),
      copies_(executor_, k_again, options_, log_,
              {[this](std::uint64_t tag) { host_->on_placed(tag); }, [this] { host_->on_copy_waits(); },
               [this] { host_->on_dead_letters_missing(); }}),
      replies_(
          executor_, k_replies,
          [this](const Suspects::Message* message, const Error& error) { host_->on_reply_refused(message, error); }),
      set_up_(std::make_shared<SetUp>(executor_, k_probe, options_, log_)) {}

asio::awaitable<Result<void>> Outlet::open(std::shared_ptr<Outlet> self) {
  if (self->state_ != State::none || !self->consuming_) co_return Result<void>();
  if (self->options_.at_most_once || !self->options_.own_publish_link) {
    self->share();
    co_return Result<void>();
  }
  self->refused_.reset();
  self->state_ = State::opening;
  Options options = self->options_;
  options.start_timeout /= 2;  // its host waits for it within the same time
  const auto opening = std::make_shared<Opening>(self->executor_, options, false);
  self->opening_ = opening;
  const std::string role = "replies";
  const Result<void> outcome = co_await Opening::run(opening, *self, role);
  if (self->opening_ != opening) co_return Result<void>();  // stopped
  self->opening_.reset();
  // What waits was cut for the frames of the other link.
  const bool is_like_the_other =
      outcome && self->link_ && self->link_->session().frame_max() >= self->consuming_->session().frame_max();
  if (is_like_the_other) {
    self->state_ = State::own;
    self->start(*self->link_);
  } else {
    self->drop_link();
    self->log_.warning("amqp: no second link for what the listener publishes, it shares the one that consumes: " +
                       std::string(outcome ? "its frames are smaller" : outcome.error().message()));
    self->share();
  }
  self->host_->on_outlet_progress();
  co_return self->refused_ ? Result<void>(*self->refused_) : Result<void>();
}

void Outlet::want() {
  if (state_ != State::none) return;
  asio::co_spawn(executor_, open(shared_from_this()), [](std::exception_ptr, const Result<void>&) {});
}

void Outlet::share() {
  state_ = State::shared;
  start(*consuming_);
}

void Outlet::start(Link& link) {
  replies_.start(link);
  if (!options_.at_most_once) copies_.start(link);
}

void Outlet::stop() {
  state_ = State::none;
  consuming_ = nullptr;
  if (const auto opening = std::exchange(opening_, nullptr)) opening->cancel();
  copies_.stop();
  replies_.stop();
  drop_link();
}

void Outlet::drop_link() {
  set_up_->stop(Error(errc::connection_lost, "the link is lost", End::rejected));
  if (!link_) return;
  const socket::Ref<Link> link = std::exchange(link_, {});
  link->finish_quietly();
}

asio::awaitable<void> Outlet::say_goodbye(std::shared_ptr<Outlet> self) {
  socket::Ref<Link> link = std::exchange(self->link_, {});
  self->stop();
  if (!link) co_return;
  auto goodbye = Link::say_goodbye(std::move(link));
  co_await std::move(goodbye);
}

void Outlet::on_session_open() {
  if (opening_) opening_->logged_in({});
}

/// Its channels need nothing. But who may not publish should hear of it now, and not when a caller waits for its reply.
asio::awaitable<Result<void>> Outlet::set_up() {
  const auto self = shared_from_this();
  if (link_) set_up_->use(*link_);
  probing_ = probe();
  auto probing = SetUp::ended(probing_);
  const SetUp::Name outcome = co_await std::move(probing);
  probing_.reset();
  if (!outcome && outcome.error().code() == errc::unauthorized) refused_ = outcome.error();
  co_return Result<void>();
}

/// A message for nobody: the broker drops it, if it may be sent.
std::shared_ptr<SetUp::Step> Outlet::probe() {
  const SetUp::Ask ask = [this](Session& session, const Declaration::Failed& failed, const Session::Done& done) {
    Packet nothing;
    nothing.has_payload = true;
    Envelope envelope;
    envelope.channel = k_probe;
    (void)append_message(link_->out(), envelope, nothing, format_, session.frame_max());
    Declaration(session, k_probe, options_, failed).prefetch(0, done);
  };
  return set_up_->begin(k_probe, ask);
}

void Outlet::lost(const Error& error) {
  const auto self = shared_from_this();
  const State was = state_;
  drop_link();
  if (opening_) opening_->logged_in(error);
  if (was == State::own) host_->on_outlet_lost(error);
}

void Outlet::on_message(ChannelId channel, const Method& method, const Incoming& message) {
  if (method.id != AMQP_BASIC_RETURN_METHOD || channel != k_again) return;
  const auto& given_back = method.as<amqp_basic_return_t>();
  copies_.channel().on_return(given_back, message.body.view(), to_view(given_back.reply_text));
}

void Outlet::on_method(ChannelId channel, const Method& method) {
  const auto self = shared_from_this();
  if (channel == k_again) copies_.channel().on_method(method);
  if (state_ != State::none) host_->on_outlet_progress();
}

void Outlet::on_channel_closed(ChannelId channel, const Error& error) {
  const auto self = shared_from_this();
  if (channel == k_again) copies_.channel().on_closed(error);
  if (channel == k_replies) replies_.on_closed(error);
}

void Outlet::on_blocked(std::string_view reason) {
  is_blocked_ = !reason.empty();
  copies_.blocked(is_blocked_);
  if (is_blocked_ && probing_) probing_->set(Error(errc::overloaded, std::string(reason), End::rejected));
  if (is_blocked_) {
    log_.warning("amqp: the broker takes no messages for now, replies wait: " + std::string(reason));
  } else {
    log_.info("amqp: the broker takes messages again");
  }
}

void Outlet::on_written() {
  if (state_ != State::none) host_->on_outlet_progress();
}

}  // namespace waybill::amqp
