#include "link.hpp"

namespace waybill::amqp {
namespace {

constexpr std::chrono::milliseconds k_tick_while_opening{100};
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
      tick_(this->socket().get_executor()) {}

void Link::open(socket::TimePoint deadline) {
  open_by_ = deadline;
  arm_tick();
  handshake(deadline);
}

void Link::on_ready() {
  start();
  session_.start();
}

std::size_t Link::on_bytes(const char* data, std::size_t size) {
  silent_ticks_ = 0;
  const std::size_t done = session_.feed({data, size});
  if (user_) user_->on_batch_end();
  if (session_.is_failed() && is_open()) finish();  // behind the answer to the broker's goodbye
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
  lost(error);
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
  if (is_closed()) return;
  session_.close();
  hold(false);
  if (is_open()) {
    finish();
  } else {
    close();
    tick_.cancel();
  }
}

void Link::arm_tick() {
  std::chrono::milliseconds period = k_tick_while_opening;
  if (session_.is_open()) {
    const auto heartbeat = std::chrono::milliseconds(session_.heartbeat());
    period = heartbeat.count() ? heartbeat / k_ticks_a_heartbeat : k_longest_tick;
  } else if (session_.is_failed()) {
    period = k_longest_tick;
  }
  tick_.expires_after(period);
  tick_.async_wait([self = socket::Ref<Link>(this)](const asio::error_code& ec) {
    if (!ec && !self->is_closed()) self->on_tick();
  });
}

void Link::on_tick() {
  const auto now = std::chrono::steady_clock::now();
  check_deadline(now);
  if (is_closed()) return;
  if (session_.is_open()) {
    if (session_.heartbeat().count()) {
      if (produced_bytes() == written_at_tick_) append_heartbeat(out());
      written_at_tick_ = produced_bytes();
      if (!is_held_ && ++silent_ticks_ > 2 * k_ticks_a_heartbeat) {
        return fail(Error(errc::connection_lost, peer() + " has been silent for more than two heartbeats"));
      }
    }
  } else if (!session_.is_failed() && now >= open_by_) {
    return fail(Error(errc::refused,
                      peer() + (session_.has_heard() ? " did not finish the login in time"
                                                     : " accepted the connection but did not answer as an AMQP 0-9-1 "
                                                       "broker in time: is it one?"),
                      End::rejected));
  }
  arm_tick();
}

}  // namespace waybill::amqp
