#include "http/peer.hpp"

#include "http/status_text.hpp"
#include "http/targets.hpp"
#include "waybill/detail/clock.hpp"

#include <poll.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace waybill::http {

namespace {

socket::StreamLimits limits_of(const ServerConfig& config) {
  socket::StreamLimits limits;
  limits.max_unsent = config.max_unsent;
  limits.pause_reading_at = 1u << 20;
  limits.write_timeout = config.write_timeout;
  return limits;
}

void append_number(std::size_t number, int base, Buffer& out) {
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number, base).ptr;
  out.append(digits.data(), static_cast<std::size_t>(end - digits.data()));
}

/// Nothing in a field may end it, or begin another one.
void append_text(std::string_view text, Buffer& out) {
  const auto is_control = [](char c) { return (static_cast<unsigned char>(c) < ' ' && c != '\t') || c == '\x7f'; };
  if (std::none_of(text.begin(), text.end(), is_control)) return out.append(text);
  for (const char c : text) {
    if (!is_control(c)) out.push_back(c);
  }
}

/// What says where the response ends, and what the connection is for, is this side's to say.
bool is_own(std::string_view field) noexcept {
  constexpr std::string_view k_own[] = {"Connection", "Content-Length",    "Date",
                                        "Keep-Alive", "Transfer-Encoding", "Upgrade"};
  return std::any_of(std::begin(k_own), std::end(k_own),
                     [field](std::string_view own) { return equal_without_case(field, own); });
}

constexpr std::chrono::seconds k_goodbye_time{5};  // from the last byte to the caller's end of the connection

}  // namespace

Peer::Peer(PeerOwner& owner, asio::ip::tcp::socket socket, const ServerConfig& config, socket::TlsLayerPtr tls,
           const asio::ip::address& its_address)
    : Stream(std::move(socket), limits_of(config), std::move(tls)),
      address(its_address),
      owner_(&owner),
      config_(config),
      parser_({config.max_head, config.max_body}),
      idle_since_(waybill::detail::coarse_now()) {}

void Peer::on_ready() {
  start();
  expect_request();
}

void Peer::expect_request() { set_time_limit(); }

/// Each phase has a limit, which counts from its beginning, however little comes; it begins when what was answered before
/// is written, for which write_timeout is there.
void Peer::set_time_limit() {
  const Phase now = is_busy_ || unsent_bytes() ? Phase::busy
                    : !parser_.has_begun()     ? Phase::idle
                    : parser_.is_in_body()     ? Phase::body
                                               : Phase::head;
  if (now == phase_) return;
  phase_ = now;
  const auto limit = now == Phase::idle   ? config_.idle_timeout
                     : now == Phase::head ? config_.head_timeout
                     : now == Phase::body ? config_.body_timeout
                                          : std::chrono::milliseconds(0);
  const bool is_bounded = limit.count() > 0;
  set_deadline(is_bounded ? waybill::detail::coarse_now() + limit : socket::TimePoint::max());
}

std::size_t Peer::on_bytes(const char* data, std::size_t size) {
  std::size_t at = 0;
  while (at < size && !is_busy_ && owner_ && wants_bytes()) {
    switch (parser_.read(data, size, at)) {
      case RequestParser::Outcome::more: break;
      case RequestParser::Outcome::head: out().append("HTTP/1.1 100 Continue\r\n\r\n"); break;
      case RequestParser::Outcome::bad: refuse(parser_.problem_status(), parser_.problem()); return size;
      case RequestParser::Outcome::complete: {
        is_busy_ = true;
        keeps_alive_ = parser_.keeps_alive();
        is_http10_ = parser_.is_http10();
        std::unique_ptr<Request> request = parser_.take();
        in_hand_ = request->body.size();
        keep(static_cast<std::ptrdiff_t>(in_hand_));
        request->peer = peer();
        owner_->on_request(*this, std::move(request));
        break;
      }
    }
  }
  if (is_busy_ && at < size) pause();  // the next one waits for its turn
  if (is_open()) set_time_limit();
  return at;
}

void Peer::refuse(int status, const std::string& why) {
  is_busy_ = true;
  keeps_alive_ = false;
  is_http10_ = parser_.is_http10();
  const Response response = Response::problem(status, why);
  if (owner_) owner_->on_refused(*this, parser_.request(), response, why);
  respond(response, false);
}

void Peer::refuse_if_late(socket::TimePoint now) {
  if (!is_open() || deadline() > now) return;
  if (phase_ == Phase::head) refuse(408, "the head did not come within head_timeout");
  if (phase_ == Phase::body) refuse(408, "the body did not come within body_timeout");
}

/// Who says no more may still read what is answered.
void Peer::on_eof() {
  if (!is_busy_) return finish();
  keeps_alive_ = false;
  if (owner_) owner_->on_said_all(*this);
}

bool Peer::has_taken_beyond(std::uint64_t count) const noexcept { return !is_reset() && acknowledged_bytes() > count; }

bool Peer::is_reset() const noexcept {
  pollfd watched{const_cast<Peer*>(this)->socket().native_handle(), 0, 0};
  return poll(&watched, 1, 0) > 0;
}

void Peer::on_written() {
  if (is_open()) {
    set_time_limit();
  } else if (!unsent_bytes()) {
    set_deadline(waybill::detail::coarse_now() + k_goodbye_time);
  }
  if (owner_) owner_->on_written(*this);
}

void Peer::finish() {
  Stream::finish();
  if (unsent_bytes()) set_deadline(socket::TimePoint::max());
}

void Peer::on_closed(const Error& error) {
  if (!owner_) return;
  if (is_busy_) owner_->on_left(*this);
  if (owner_) owner_->on_closed(*this, error);
}

void Peer::watch_deadline() {
  if (owner_) owner_->watch_deadlines();
}

void Peer::write_head(const Response& response, Length length) {
  Buffer& head = out();
  head.append("HTTP/1.1 ");
  append_number(static_cast<std::size_t>(response.status), 10, head);
  head.push_back(' ');
  head.append(status_text(response.status));
  head.append("\r\n");
  if (owner_) head.append(owner_->date_field());
  for (const auto& [name, value] : response.fields) {
    if (equal_without_case(name, "Connection") && equal_without_case(value, "close")) keeps_alive_ = false;
    if (!is_token(name) || is_own(name)) continue;
    head.append(name);
    head.append(": ");
    append_text(value, head);
    head.append("\r\n");
  }
  if (length == Length::known && !has_no_body(response.status)) {
    head.append("Content-Length: ");
    append_number(response.body.size(), 10, head);
    head.append("\r\n");
  } else if (length == Length::chunked && !has_no_body(response.status)) {
    head.append("Transfer-Encoding: chunked\r\n");
  }
  keeps_alive_ = keeps_alive_ && length != Length::until_end && owner_ && !owner_->is_draining();
  if (!keeps_alive_) {
    head.append("Connection: close\r\n");
  } else if (is_http10_) {
    head.append("Connection: keep-alive\r\n");
  }
  head.append("\r\n");
}

void Peer::respond(const Response& response, bool is_head_only) {
  if (!is_open()) return;
  write_head(response, response.more ? length_of_pieces() : Length::known);
  if (!is_head_only && !has_no_body(response.status)) out().append(response.body);
  request_is_done();
}

void Peer::begin_body(const Response& response) {
  if (is_open()) write_head(response, length_of_pieces());
}

void Peer::add_to_body(std::string_view piece) {
  if (!is_open() || piece.empty()) return;
  if (is_http10_) return out().append(piece);
  append_number(piece.size(), 16, out());
  out().append("\r\n");
  out().append(piece);
  out().append("\r\n");
}

void Peer::end_body() {
  if (!is_open()) return;
  if (!is_http10_) out().append("0\r\n\r\n");
  request_is_done();
}

void Peer::request_is_done() {
  is_busy_ = false;
  keep(-static_cast<std::ptrdiff_t>(std::exchange(in_hand_, 0)));
  idle_since_ = waybill::detail::coarse_now();
  if (!keeps_alive_) return finish();
  parser_.begin_next();
  set_time_limit();
  resume();
}

}  // namespace waybill::http
