#include "opening.hpp"

#include "waybill/transports/socket/options.hpp"

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

Error closed_error() { return Error(errc::closed, "closed while connecting", End::rejected); }

}  // namespace

Opening::Opening(asio::any_io_executor executor, const Options& options)
    : executor_(std::move(executor)), options_(options), step_(std::make_shared<Step>(executor_)) {}

asio::awaitable<Result<void>> Opening::run(std::shared_ptr<Opening> self, Owner& owner, std::string role) {
  std::shared_ptr<socket::TlsContext> tls;
  if (self->options_.tls) {
    auto made = socket::TlsContext::make(socket::tls_options_of(self->options_), socket::TlsRole::client);
    if (!made) co_return made.error();
    tls = *made;
  }
  const auto deadline = std::chrono::steady_clock::now() + self->options_.start_timeout;
  self->dial_ = std::make_shared<socket::Dial>(self->executor_);
  const auto dial = self->dial_;
  auto dialed = co_await dial->run(self->options_.hosts, deadline);
  if (self->is_cancelled_) co_return closed_error();
  if (!dialed) co_return dialed.error();
  auto layer = socket::make_tls_layer(tls, dialed->host);
  auto* const link = new Link(owner, std::move(dialed->socket), std::move(layer), login_of(self->options_, role));
  owner.on_link(socket::Ref<Link>(link));
  link->open(deadline);
  const auto step = self->step_;
  std::optional<Result<void>> outcome = co_await Step::wait(step);
  if (!outcome || self->is_cancelled_) co_return closed_error();
  co_return std::move(*outcome);
}

void Opening::cancel() {
  is_cancelled_ = true;
  if (dial_) dial_->cancel();
  step_->set(closed_error());
}

Error opening_error(const Error& error, bool is_first) {
  const std::string text(error.message());
  if (error.code() == errc::unauthorized) return Error(errc::unauthorized, text, End::rejected);
  if (error.code() == errc::unsupported || error.code() == errc::closed) return error;
  if (error.code() == errc::invalid_config && is_first) return Error(errc::invalid_config, text, End::rejected);
  return Error(errc::refused, text, End::rejected);
}

}  // namespace waybill::amqp
