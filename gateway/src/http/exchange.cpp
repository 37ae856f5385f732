// What becomes of a request: its route, its handler, its response.
#include "http/request_id.hpp"
#include "http/server_core.hpp"
#include "http/status_text.hpp"
#include "http/targets.hpp"
#include "waybill/detail/clock.hpp"

#include <asio/bind_cancellation_slot.hpp>
#include <asio/co_spawn.hpp>
#include <asio/post.hpp>
#include <asio/use_awaitable.hpp>

#include <algorithm>
#include <charconv>
#include <utility>

namespace waybill::http {

namespace {

constexpr std::size_t k_much_unsent = 256u << 10;     // then a body waits for its reader
constexpr std::size_t k_much_for_a_turn = 64u << 10;  // then others have theirs
constexpr std::size_t k_costs_of_a_piece = 1u << 10;
constexpr std::chrono::seconds k_reads_on{1};  // who says no more is taken to read on for as long

/// Seconds ("2.5"), or a duration ("250ms"). Null: it is neither, or not positive.
std::optional<std::chrono::milliseconds> read_timeout(const std::string& text) {
  double seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error == std::errc{} && end == text.data() + text.size()) {
    if (!(seconds > 0) || seconds > 1e6) return std::nullopt;
    return std::chrono::milliseconds(std::max<std::int64_t>(1, static_cast<std::int64_t>(seconds * 1000)));
  }
  const auto duration = parse_duration(text);
  return duration && duration->count() > 0 ? std::optional(*duration) : std::nullopt;
}

}  // namespace

void Server::Core::on_request(Peer& peer, std::unique_ptr<Request> request) {
  const auto exchange = std::make_shared<Exchange>(executor_);
  exchange->request = std::move(request);
  exchange->peer = socket::Ref<Peer>(&peer);
  exchange->is_head_only = exchange->request->method == "HEAD";
  exchange->request->executor = executor_;
  exchange->request->id = request_id(exchange->request->header("X-Request-Id"));
  if (config_.trace) {
    TraceContext trace = exchange->request->trace();
    trace.step(*config_.trace);
    exchange->request->set_trace(std::move(trace));
  }
  exchanges_[&peer] = exchange;
  Response refused;
  const bool is_found = find_route(*exchange, refused);
  tell_began(*exchange);
  if (!is_found) return respond(exchange, std::move(refused));
  handle(exchange);
}

bool Server::Core::find_route(Exchange& exchange, Response& refused) {
  Request& request = *exchange.request;
  if (request.target == "*" && request.method == "OPTIONS") {
    refused.status = 204;
    return false;
  }
  const auto target = split_target(request.target);
  const auto path = target ? read_path(target->path) : std::nullopt;
  auto query = target ? read_query(target->query) : std::nullopt;
  if (!path || !query) {
    refused = Response::problem(400, "the target is no path with a query, or is not percent-encoded UTF-8");
    return false;
  }
  request.query_parameters = *std::move(query);
  const Router::Found found = router.find(request.method, *path);
  if (!found.route) {
    if (!found.allow.empty() && request.method == "OPTIONS") {
      refused = preflight(request, found.allow);
    } else if (!found.allow.empty()) {
      refused = Response::problem(405, "this path takes " + found.allow);
      refused.fields.set("Allow", found.allow);
    } else {
      refused = Response::problem(404, "nothing is here");
    }
    return false;
  }
  exchange.route = found.route;
  if (exchange.is_head_only) request.method = found.route->method;
  for (std::size_t i = 0; i < found.segments.size(); ++i) {
    request.path_parameters.emplace_back(found.route->names[i], found.segments[i]);
  }
  std::chrono::milliseconds limit = found.route->timeout.count() > 0 ? found.route->timeout : config_.timeout;
  if (const std::string* wanted = request.header("Request-Timeout")) {
    const auto duration = read_timeout(*wanted);
    if (!duration) {
      refused = Response::problem(400, "Request-Timeout: expected seconds, or a duration such as 250ms");
      return false;
    }
    limit = std::min(limit, *duration);
  }
  request.deadline = waybill::detail::deadline_after(std::chrono::steady_clock::now(), limit);
  tick_->start();
  return true;
}

void Server::Core::handle(const ExchangePtr& exchange) {
  auto done = [self = shared_from_this(), exchange](std::exception_ptr exception, Response response) {
    if (exchange->is_answered) return;  // or left: a cancellation is no news
    if (exception) response = self->thrown(*exchange->request, exception);
    self->respond(exchange, std::move(response));
  };
  std::optional<asio::awaitable<Response>> work;
  try {
    work.emplace(exchange->route->handler(*exchange->request));
  } catch (...) {  // it is no coroutine
    return done(std::current_exception(), {});
  }
  asio::co_spawn(executor_, *std::move(work), asio::bind_cancellation_slot(exchange->cancel.slot(), std::move(done)));
}

Response Server::Core::thrown(const Request& request, std::exception_ptr exception) {
  const std::string what = request.method + ' ' + request.target.substr(0, request.target.find('?')) + ": ";
  try {
    std::rethrow_exception(exception);
  } catch (const Problem& problem) {
    return Response::problem(problem.status, problem.detail);
  } catch (const Error& error) {
    Response response = Response::problem(error);
    if (response.status == 500) log_.error("http: " + what + error.what());
    if (response.status > 500) complaints_.write(what + std::to_string(response.status) + ", " + error.what());
    return response;
  } catch (const std::exception& other) {
    log_.error("http: " + what + other.what());
  } catch (...) {
    log_.error("http: " + what + "something was thrown that is no exception");
  }
  return Response::problem(500, {});
}

void Server::Core::respond(const ExchangePtr& exchange, Response response) {
  if (std::exchange(exchange->is_answered, true)) return;
  if (response.status < 200 || response.status > 599) {
    log_.error("http: " + exchange->request->method + ' ' + exchange->request->target +
               ": the status of a response is " + std::to_string(response.status));
    response = Response::problem(500, {});
  }
  exchange->status = response.status;
  add_own_fields(*exchange->request, response);
  if (log_.wants(LogLevel::debug)) {
    std::string line = "http: " + exchange->request->method + ' ' + exchange->request->target + ' ' +
                       std::to_string(response.status) + ' ' + exchange->request->id;
    if (const auto trace = exchange->request->trace().parent) line.append(", trace ").append(trace->trace_id_text());
    log_.debug(line);
  }
  if (response.more && !exchange->is_head_only && !has_no_body(response.status)) {
    exchange->peer->begin_body(response);
    exchange->end_soon = std::move(response.end_soon);
    if (bodies_end_soon_) end_soon(exchange);
    asio::co_spawn(executor_, pump(shared_from_this(), exchange, std::move(response)),
                   asio::bind_cancellation_slot(
                       exchange->cancel.slot(), [self = shared_from_this(), exchange](std::exception_ptr exception) {
                         if (exception && exchange->peer->is_open()) {
                           self->thrown(*exchange->request, exception);
                           exchange->peer->fail(Error(errc::closed, "the body of a response has failed"));
                         }
                         self->end(exchange);
                       }));
    return;
  }
  const socket::Ref<Peer> peer(exchange->peer.get());
  if (!exchange->is_head_only) exchange->sent = response.body.size();
  end(exchange);
  peer->respond(response, exchange->is_head_only);
}

asio::awaitable<void> Server::Core::pump(std::shared_ptr<Core> self, ExchangePtr exchange, Response response) {
  Peer& peer = *exchange->peer;
  std::size_t in_this_turn = 0;
  for (bool is_open = true; is_open && peer.is_open();) {
    const std::optional<std::string> piece = co_await response.more();
    is_open = piece.has_value();
    if (is_open) peer.add_to_body(*piece);
    exchange->sent += piece ? piece->size() : 0;
    in_this_turn += k_costs_of_a_piece + (piece ? piece->size() : 0);
    if (in_this_turn > k_much_for_a_turn) {
      in_this_turn = 0;
      co_await asio::post(self->executor_, asio::use_awaitable);
    }
    while (peer.is_open() && peer.unsent_bytes() > k_much_unsent && !exchange->ends_soon) {
      exchange->writable.expires_at(std::chrono::steady_clock::time_point::max());
      co_await waybill::detail::wait_quietly(exchange->writable);
    }
  }
  self->end(exchange);
  peer.end_body();
}

void Server::Core::end_soon(const ExchangePtr& exchange) {
  const auto tell = std::exchange(exchange->end_soon, {});
  if (!tell) return;
  exchange->ends_soon = true;
  told_to_end_.push_back({socket::Ref<Peer>(exchange->peer.get()), exchange->peer->acknowledged_bytes(),
                          std::chrono::steady_clock::now()});
  exchange->writable.cancel();
  try {
    tell();
  } catch (...) {
    thrown(*exchange->request, std::current_exception());
  }
}

/// Not when another request of the same connection is in hand already.
void Server::Core::end(const ExchangePtr& exchange) {
  const auto found = exchanges_.find(exchange->peer.get());
  if (found != exchanges_.end() && found->second == exchange) exchanges_.erase(found);
  tell_ended(*exchange);
}

/// A caller that has said all (FIN) may read on, or be gone: nothing tells before it is sent something.
void Server::Core::on_said_all(Peer& peer) {
  const auto found = exchanges_.find(&peer);
  if (found == exchanges_.end() || found->second->leaves_at) return;
  found->second->leaves_at = std::chrono::steady_clock::now() + k_reads_on;
  found->second->written_then = peer.written_bytes();
  tick_->start();
}

bool Server::Core::has_left(Exchange& exchange, socket::TimePoint now) {
  Peer& peer = *exchange.peer;
  if (peer.is_left()) on_said_all(peer);  // reading does not tell where more requests wait behind this one
  if (!exchange.leaves_at) return false;
  return peer.is_reset() || (now >= *exchange.leaves_at && !peer.has_taken_beyond(exchange.written_then));
}

/// It is told, for it may be one that reads on. For observers it has left: most of those who say no more have.
void Server::Core::leave(const ExchangePtr& exchange) {
  const socket::Ref<Peer> peer(exchange->peer.get());
  const bool has_begun = exchange->is_answered;
  on_left(*peer);
  if (has_begun || peer->is_reset()) return peer->fail(Error(errc::connection_lost, peer->peer() + " has left"));
  Response told = Response::problem(504, "the caller has ended its side, and the handler took longer than a second");
  add_own_fields(*exchange->request, told);
  peer->respond(told, exchange->is_head_only);
}

void Server::Core::on_left(Peer& peer) {
  const auto found = exchanges_.find(&peer);
  if (found == exchanges_.end()) return;
  const ExchangePtr exchange = found->second;
  exchanges_.erase(found);
  exchange->is_answered = true;
  tell_ended(*exchange);
  exchange->writable.cancel();
  exchange->cancel.emit(asio::cancellation_type::terminal);
}

void Server::Core::add_own_fields(const Request& request, Response& response) const {
  response.fields.set("X-Request-Id", request.id);
  const Cors& cors = config_.cors;
  const std::string* origin = request.header("Origin");
  if (cors.origins.empty() || !origin) return;
  const auto is_it = [&](const std::string& known) { return known == "*" || equal_without_case(known, *origin); };
  response.fields.add("Vary", "Origin");
  if (std::none_of(cors.origins.begin(), cors.origins.end(), is_it)) return;
  response.fields.set("Access-Control-Allow-Origin", cors.origins.front() == "*" ? "*" : *origin);
  response.fields.set("Access-Control-Expose-Headers", "X-Request-Id, Retry-After");
  if (cors.credentials) response.fields.set("Access-Control-Allow-Credentials", "true");
}

Response Server::Core::preflight(const Request& request, const std::string& allow) const {
  Response response = detail::empty_response();
  response.fields.set("Allow", allow);
  if (!request.header("Access-Control-Request-Method") || config_.cors.origins.empty()) return response;
  response.fields.set("Access-Control-Allow-Methods", allow);
  const std::string* wanted = request.header("Access-Control-Request-Headers");
  if (config_.cors.headers != "*") {
    response.fields.set("Access-Control-Allow-Headers", config_.cors.headers);
  } else if (wanted) {
    response.fields.set("Access-Control-Allow-Headers", *wanted);
  }
  response.fields.set("Access-Control-Max-Age", std::to_string(config_.cors.max_age.count()));
  return response;
}

}  // namespace waybill::http
