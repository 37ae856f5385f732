#include "protocol/link.hpp"

#include "waybill/detail/asio.hpp"

#include <algorithm>

namespace waybill::amqp {
namespace {

constexpr std::chrono::milliseconds k_short_tick{100};  // while something is expected
constexpr std::chrono::seconds k_goodbye{1};
constexpr std::chrono::milliseconds k_longest_tick{1'000};
constexpr int k_ticks_a_heartbeat = 2;

socket::StreamLimits limits() {
  socket::StreamLimits limits;
  limits.max_unsent = SIZE_MAX;  // the host bounds what it sends, and prefetch what is answered
  return limits;
}

}  // namespace

Link::Link(LinkUser& user, asio::ip::tcp::socket socket, socket::TlsLayerPtr tls, Login login)
    : Stream(std::move(socket), limits(), std::move(tls)),
      user_(&user),
      session_(*this, user, std::move(login)),
      tick_(this->socket().get_executor()),
      goodbye_(this->socket().get_executor(), socket::TimePoint::max()) {}

void Link::open(socket::TimePoint deadline) {
  expect(deadline);
  handshake(deadline);
}

void Link::expect(socket::TimePoint deadline) {
  settle_by_ = deadline;
  arm_tick();
}

void Link::on_ready() {
  start();
  session_.start();
}

std::size_t Link::on_bytes(const char* data, std::size_t size) {
  silent_ticks_ = 0;
  const std::size_t done = session_.feed({data, size});
  if (user_) user_->on_batch_end();
  if (session_.is_failed() && is_open()) {  // behind the answer to a goodbye
    goodbye_.cancel();
    finish();
  }
  return done;
}

void Link::hold(bool on) {
  if (std::exchange(is_held_, on) == on) return;
  silent_ticks_ = 0;
  session_.interrupt(on);  // taken back within one frame, it has not happened
  if (on) {
    pause();
  } else {
    resume();
  }
}

void Link::on_eof() {
  std::string story = peer() + " closed the connection";
  if (!session_.is_open() && !session_.is_failed()) {
    story += session_.has_heard()
                 ? " during the login: check user, password and vhost of the URL"
                 : " without a word: is an AMQP 0-9-1 broker there, and does its port want TLS (amqps)?";
  }
  fail(Error(errc::connection_lost, story));
}

void Link::on_written() {
  if (user_) user_->on_written();
}

void Link::on_closed(const Error& error) {
  tick_.cancel();
  goodbye_.cancel();
  const auto late = std::chrono::steady_clock::now() - tick_.expiry();
  if (!session_.is_open() || !session_.heartbeat().count() || late < session_.heartbeat()) return lost(error);
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(late).count();
  lost(Error(error.code(),
             std::string(error.message()) + " (something held the loop for " + std::to_string(seconds) +
                 " s, so that no heartbeat was sent: handlers that block belong on handler_threads)",
             error.end()));
}

void Link::lost(Error error) {
  LinkUser* const user = std::exchange(user_, nullptr);
  const bool has_told = session_.is_failed();
  session_.leave();
  if (user && !has_told) user->on_link_lost(error);
}

void Link::leave() noexcept {
  user_ = nullptr;
  session_.leave();
}

void Link::finish_quietly() {
  leave();
  if (is_closed() || session_.is_closing()) return;
  session_.close();
  hold(false);
  if (!is_open()) return end_goodbye();
  if (!session_.is_closing()) return finish();
  goodbye_by_ = std::chrono::steady_clock::now() + k_goodbye;
  arm_tick();
}

void Link::end_goodbye() {
  close();
  tick_.cancel();
  goodbye_.cancel();
}

asio::awaitable<void> Link::say_goodbye(socket::Ref<Link> self) {
  self->finish_quietly();
  if (!self->is_closed() && self->session_.is_closing()) co_await detail::wait_quietly(self->goodbye_);
}

void Link::arm_tick() {
  std::chrono::milliseconds period = k_longest_tick;
  if (session_.is_open() && session_.heartbeat().count())
    period = std::chrono::milliseconds(session_.heartbeat()) / k_ticks_a_heartbeat;
  if (settle_by_ != socket::TimePoint::max() || session_.is_closing()) period = std::min(period, k_short_tick);
  tick_.expires_after(period);
  tick_.async_wait([self = socket::Ref<Link>(this)](const asio::error_code& ec) {
    if (!ec && !self->is_closed()) self->on_tick();
  });
}

void Link::on_tick() {
  const auto now = std::chrono::steady_clock::now();
  check_deadline(now);
  if (is_closed()) return;
  if (session_.is_closing() && now >= goodbye_by_) {
    goodbye_.cancel();
    finish();
  }
  if (!session_.is_failed() && !session_.is_closing()) {
    if (now >= settle_by_) return fail(late_error());
    if (session_.is_open() && session_.heartbeat().count() && !beat(now)) return;
  }
  arm_tick();
}

/// False: the link has failed.
bool Link::beat(socket::TimePoint now) {
  if (now < beat_at_) return true;
  beat_at_ = now + std::chrono::milliseconds(session_.heartbeat()) / k_ticks_a_heartbeat - k_short_tick / 2;
  if (produced_bytes() == written_at_tick_) append_heartbeat(out());
  written_at_tick_ = produced_bytes();
  if (is_held_ || ++silent_ticks_ <= 2 * k_ticks_a_heartbeat) return true;
  fail(Error(errc::connection_lost, peer() + " has been silent for more than two heartbeats"));
  return false;
}

Error Link::late_error() {
  std::string story = peer();
  if (session_.is_open()) {
    const std::string what = session_.waits_for();
    story += " did not answer in time" + (what.empty() ? std::string() : ": " + what);
  } else if (session_.has_heard()) {
    story += " did not finish the login in time";
  } else {
    story += " accepted the connection but did not answer as an AMQP 0-9-1 broker in time: is it one?";
  }
  return Error(errc::refused, story, End::rejected);
}

}  // namespace waybill::amqp
