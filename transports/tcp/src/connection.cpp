#include "connection.hpp"

#include "flow/limits.hpp"
#include "waybill/detail/asio.hpp"
#include "waybill/transports/socket/options.hpp"

namespace waybill::tcp {
namespace {

constexpr std::chrono::seconds k_early{5};
constexpr const char* k_no_tls_there = "; if that port is one without TLS, write tcp://";
constexpr const char* k_wants_tls_perhaps =
    " before it said anything; check the port, and whether it wants TLS: then write tcps://";

}  // namespace

Sender::Sender(Environment environment, const Options& options, const Registry& registry)
    : environment_(std::move(environment)),
      options_(options),
      rules_(Direction::to_client, environment_, options, registry),
      tick_(std::make_shared<socket::Tick>(
          environment_.executor, tick_interval(options),
          [this](socket::TimePoint now) { return link_ && link_->check_deadline(now); })),
      progress_(environment_.executor),
      alive_(options_.ping_interval, options_.ping_timeout),
      alive_timer_(environment_.executor) {
  rules_.framing = options.framing;
  if (rules_.framing != Framing::automatic) return;
  const bool is_json = environment_.serializer && environment_.serializer->is_json();
  rules_.framing = is_json ? Framing::nest : Framing::binary;
}

Result<void> Sender::prepare() {
  const Serializer* serializer = environment_.serializer;
  if (rules_.framing == Framing::nest && (!rules_.json || (serializer && !serializer->is_json())))
    return Error(errc::unsupported,
                 "framing=nest carries JSON only, and the serializer is \"" +
                     std::string(serializer ? serializer->name() : "none") + "\"; use framing=binary",
                 End::rejected);
  if (!options_.tls || tls_.context({})) return {};
  return tls_.open(socket::tls_options(options_), socket::TlsRole::client, environment_.log);
}

asio::awaitable<Result<void>> Sender::open(std::shared_ptr<Sender> self, ConnectionSink& sink) {
  if (self->closed_) co_return Error(errc::closed, "the connection was closed", End::rejected);
  co_return co_await self->dial(sink);
}

asio::awaitable<Result<void>> Sender::dial(ConnectionSink& sink) {
  const auto prepared = prepare();
  if (!prepared) co_return prepared.error();
  if (refusal_) {
    const Error refusal = *std::exchange(refusal_, std::nullopt);
    co_return refusal;
  }
  drop_link();
  sink_ = &sink;
  const auto deadline = std::chrono::steady_clock::now() + options_.dial_timeout;
  auto attempt = std::make_shared<socket::Dial>(environment_.executor);
  dial_ = attempt;
  auto dialed = co_await attempt->run(options_.hosts, deadline);
  if (closed_) co_return Error(errc::closed, "the connection was closed", End::rejected);
  if (!dialed) co_return dialed.error();
  co_return co_await set_up(std::move(*dialed), deadline);
}

asio::awaitable<Result<void>> Sender::set_up(socket::Dialed dialed, socket::TimePoint deadline) {
  ready_ = false;
  failure_.reset();
  auto tls = socket::make_tls_layer(tls_.context(std::chrono::steady_clock::now()), dialed.host);
  link_ = socket::Ref<ConnectionLink>(
      new ConnectionLink(*this, std::move(dialed.socket), std::move(tls), rules_, options_));
  link_->handshake(deadline);
  while (!ready_ && !failure_ && !closed_ && std::chrono::steady_clock::now() < deadline) {
    progress_.expires_at(deadline);
    co_await detail::wait_quietly(progress_);
  }
  if (ready_) co_return Result<void>();
  const std::string peer = link_ ? link_->peer() : std::string("the other side");
  drop_link();
  if (closed_) co_return Error(errc::closed, "the connection was closed", End::rejected);
  if (failure_) co_return *failure_;
  std::string advice;
  if (options_.tls) advice += k_no_tls_there;
  if (rules_.framing == Framing::binary) advice += "; if it is a NestJS service, use framing=nest";
  co_return Error(errc::refused, peer + " accepted the connection but did not finish setting it up in time" + advice,
                  End::rejected);
}

void Sender::link_ready() {
  ready_ = true;
  ready_since_ = std::chrono::steady_clock::now();
  progress_.cancel();
  if (!link_->is_binary() || !options_.ping_interval.count()) return;
  alive_.start(ready_since_);
  watch_life();
}

void Sender::watch_life() {
  alive_timer_.expires_at(alive_.next());
  alive_timer_.async_wait([weak = weak_from_this()](const asio::error_code& ec) {
    const auto self = weak.lock();
    if (!ec && self && self->ready_) self->look_for_life();
  });
}

void Sender::look_for_life() {
  ConnectionLink& link = *link_;
  switch (alive_.at(std::chrono::steady_clock::now(), link.was_heard())) {
    case socket::Liveness::Action::none: break;
    case socket::Liveness::Action::ask: link.ask(); break;
    case socket::Liveness::Action::lost:
      return link.fail(Error(errc::connection_lost, link.peer() + " has not answered for " +
                                                        std::to_string(options_.ping_timeout.count()) +
                                                        " ms: it stands still"));
  }
  watch_life();
}

void Sender::link_gone(const Error& error) {
  if (!ready_) {
    // While it is being set up nothing was sent, so trying again is safe; a wrong certificate stays wrong.
    const bool is_unauthorized = error.code() == errc::unauthorized;
    failure_ =
        Error(is_unauthorized ? errc::unauthorized : errc::refused,
              std::string(error.message()) + (options_.tls && !is_unauthorized ? k_no_tls_there : ""), End::rejected);
    progress_.cancel();
    return;
  }
  ready_ = false;
  std::string story(error.message());
  // Later it is a restart: a client that only sends events never hears a byte.
  const bool is_early = std::chrono::steady_clock::now() - ready_since_ < k_early;
  if (!options_.tls && !link_->has_heard() && is_early) story += k_wants_tls_perhaps;
  // In TLS 1.3 a server looks at the client's certificate after the handshake: the next attempt would end the same way.
  if (error.code() == errc::unauthorized && !link_->has_heard()) refusal_ = error;
  drop_link();
  progress_.cancel();
  if (sink_) sink_->on_lost(Error(errc::connection_lost, story));
}

void Sender::send(const Packet& packet, Ticket ticket) {
  if (link_) link_->send(packet, ticket);
}

void Sender::forget(Term id) {
  if (link_ && options_.tell_cancel) link_->forget(id);
}

void Sender::hold(bool on) {
  if (!link_) return;
  if (on) {
    link_->pause();
  } else {
    link_->resume();
  }
}

asio::awaitable<void> Sender::flush(std::shared_ptr<Sender> self) {
  ++self->flushing_;
  while (!self->closed_ && self->unsent_bytes()) {
    self->progress_.expires_at(socket::TimePoint::max());
    co_await detail::wait_quietly(self->progress_);
  }
  --self->flushing_;
}

void Sender::drop_link() {
  alive_timer_.cancel();
  if (!link_) return;
  link_->leave();
  link_->close();
  link_ = {};
}

void Sender::close() {
  if (closed_) return;
  closed_ = true;
  ready_ = false;
  sink_ = nullptr;
  alive_timer_.cancel();
  tick_->stop();  // a link that ends by itself watches its own time
  if (dial_) dial_->cancel();
  dial_.reset();
  if (link_) {
    // What was sent must not be lost by replies that meet a closed socket.
    link_->leave();
    link_->finish_alone();
    link_ = {};
  }
  progress_.cancel();
}

}  // namespace waybill::tcp
