#include "protocol/opening.hpp"

#include "waybill/transports/socket/options.hpp"
#include "waybill/transports/socket/stranger.hpp"

#include <unistd.h>

namespace waybill::amqp {
namespace {

Login login_of(const Options& options, const std::string& role) {
  Login login;
  login.user = options.user;
  login.password = options.password;
  login.vhost = options.vhost;
  login.name = "waybill " + role + " " + std::to_string(::getpid());
  login.heartbeat = options.heartbeat;
  login.max_message = options.max_message;
  return login;
}

socket::Expected expected(const Options& options) { return {socket::k_amqp_broker, "amqp", options.tls}; }

Error closed_error() { return Error(errc::closed, "closed while connecting", End::rejected); }

}  // namespace

Opening::Opening(asio::any_io_executor executor, const Options& options, bool is_first)
    : executor_(std::move(executor)),
      options_(options),
      is_first_(is_first),
      step_(std::make_shared<Step>(executor_)) {}

asio::awaitable<Result<void>> Opening::run(std::shared_ptr<Opening> self, Owner& owner, std::string role) {
  const Result<void> outcome = co_await attempt(self, owner, std::move(role));
  if (outcome) co_return outcome;
  const Error& error = outcome.error();
  if (error.code() == errc::unsupported || error.code() == errc::closed) co_return error;
  // Nothing was sent, so it was surely not taken.
  const bool is_final = error.code() == errc::unauthorized || (error.code() == errc::invalid_config && self->is_first_);
  const Error final_error(is_final ? error.code() : make_error_code(errc::refused), std::string(error.message()),
                          End::rejected);
  if (error.code() == errc::unauthorized || !self->is_first_ || self->was_heard_) co_return final_error;
  co_return co_await socket::name_stranger(self->executor_, self->options_.hosts, expected(self->options_),
                                           final_error);
}

asio::awaitable<Result<void>> Opening::attempt(std::shared_ptr<Opening> self, Owner& owner, std::string role) {
  const auto tls = socket::make_tls_context(self->options_, socket::TlsRole::client);
  if (!tls) co_return tls.error();
  const auto deadline = std::chrono::steady_clock::now() + self->options_.start_timeout;
  self->dial_ = std::make_shared<socket::Dial>(self->executor_);
  const auto dial = self->dial_;
  auto dialed = co_await dial->run(self->options_.hosts, deadline);
  if (self->is_cancelled_) co_return closed_error();
  if (!dialed) co_return dialed.error();
  auto layer = socket::make_tls_layer(*tls, dialed->host);
  const socket::Ref<Link> link(
      new Link(owner, std::move(dialed->socket), std::move(layer), login_of(self->options_, role)));
  owner.on_link(socket::Ref<Link>(link.get()));
  link->open(deadline);
  const auto step = self->step_;
  const std::optional<Result<void>> logged_in = co_await Step::wait(step);
  self->was_heard_ = link->session().has_heard();
  if (!logged_in || self->is_cancelled_) co_return closed_error();
  if (!*logged_in) co_return *logged_in;
  Result<void> outcome = co_await owner.set_up();
  if (self->is_cancelled_) co_return closed_error();
  link->settled();
  co_return outcome;
}

void Opening::cancel() {
  is_cancelled_ = true;
  if (dial_) dial_->cancel();
  step_->set(closed_error());
}

}  // namespace waybill::amqp
