#include "connection.hpp"

#include "waybill/detail/asio.hpp"
#include "waybill/transports/socket/options.hpp"

namespace waybill::tcp {
namespace {

constexpr const char* k_no_tls_there = "; if that port is one without TLS, write tcp://";
constexpr const char* k_wants_tls_perhaps =
    " before it said anything; check the port, and whether it wants TLS: then write tcps://";

}  // namespace

Sender::Sender(Environment environment, const Options& options, const Registry& registry)
    : environment_(std::move(environment)),
      options_(options),
      rules_(Direction::to_client, environment_, options, registry),
      tick_(std::make_shared<Tick>(environment_.executor, Tick::interval_for(options),
                                   [this](socket::TimePoint now) { return link_ && link_->check_deadline(now); })),
      progress_(environment_.executor) {
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
  if (tls_) return {};
  auto made = socket::make_tls_context(options_, socket::TlsRole::client);
  if (!made) return made.error();
  tls_ = *made;
  return {};
}

asio::awaitable<Result<void>> Sender::open(std::shared_ptr<Sender> self, ConnectionSink& sink) {
  if (self->closed_) co_return Error(errc::closed, "the connection was closed", End::rejected);
  co_return co_await self->dial(sink);
}

asio::awaitable<Result<void>> Sender::dial(ConnectionSink& sink) {
  const auto prepared = prepare();
  if (!prepared) co_return prepared.error();
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
  auto tls = socket::make_tls_layer(tls_, dialed.host);
  link_ = socket::Ref<Link>(new Link(*this, std::move(dialed.socket), std::move(tls), rules_, options_));
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
  if (tls_) advice += k_no_tls_there;
  if (rules_.framing == Framing::binary) advice += "; if it is a NestJS service, use framing=nest";
  co_return Error(errc::refused, peer + " accepted the connection but did not finish setting it up in time" + advice,
                  End::rejected);
}

void Sender::link_ready() {
  ready_ = true;
  progress_.cancel();
}

void Sender::link_gone(const Error& error) {
  if (!ready_) {
    // While it is being set up nothing was sent, so trying again is safe; a wrong certificate stays wrong.
    const bool is_unauthorized = error.code() == errc::unauthorized;
    failure_ = Error(is_unauthorized ? errc::unauthorized : errc::refused,
                     std::string(error.message()) + (tls_ && !is_unauthorized ? k_no_tls_there : ""), End::rejected);
    progress_.cancel();
    return;
  }
  ready_ = false;
  std::string story(error.message());
  if (!tls_ && !link_->has_heard()) story += k_wants_tls_perhaps;
  drop_link();
  progress_.cancel();
  if (sink_) sink_->on_lost(Error(errc::connection_lost, story));
}

void Sender::send(const Packet& packet, Ticket ticket) {
  if (link_) link_->send(packet, ticket);
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
  if (!link_) return;
  link_->leave();
  link_->close();
  link_ = {};
}

void Sender::close() {
  closed_ = true;
  ready_ = false;
  sink_ = nullptr;
  if (dial_) dial_->cancel();
  dial_.reset();
  drop_link();
  progress_.cancel();
}

}  // namespace waybill::tcp
