#include "waybill/transports/socket/dial.hpp"

#include "name_lookup.hpp"
#include "waybill/detail/asio.hpp"

#include <asio/ip/address.hpp>
#include <asio/steady_timer.hpp>

#include <algorithm>
#include <map>
#include <mutex>
#include <random>

namespace waybill::socket {
namespace {

using Endpoint = asio::ip::tcp::endpoint;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds k_stagger{250};  // as RFC 8305 has it

/// Which address of a name was taken last. Never destroyed, as it may be used by any thread until the end.
class LastAddresses {
 public:
  static LastAddresses& of_this_process() {
    static LastAddresses& all = *new LastAddresses;
    return all;
  }
  void note(const std::string& host, const Endpoint& endpoint) {
    const std::lock_guard lock(mutex_);
    taken_[{host, endpoint.port()}] = endpoint;
  }
  void put_first(const std::string& host, Endpoints& endpoints) {
    if (endpoints.size() < 2) return;
    const std::lock_guard lock(mutex_);
    const auto found = taken_.find({host, endpoints.front().port()});
    if (found == taken_.end()) return;
    std::stable_partition(endpoints.begin(), endpoints.end(),
                          [&](const Endpoint& one) { return one == found->second; });
  }

 private:
  std::mutex mutex_;
  std::map<std::pair<std::string, std::uint16_t>, Endpoint> taken_;
};

std::string not_found(const std::string& name, const asio::error_code& ec) {
  return "\"" + name + "\" was not found: " + (ec ? ec.message() : std::string("it has no address"));
}

}  // namespace

std::string to_text(const Endpoint& endpoint) {
  const std::string address = endpoint.address().to_string();
  const std::string port = std::to_string(endpoint.port());
  return endpoint.address().is_v6() ? "[" + address + "]:" + port : address + ":" + port;
}

std::string to_text(const Url::Host& host) {
  const std::string port = std::to_string(host.port);
  return host.name.find(':') != std::string::npos ? "[" + host.name + "]:" + port : host.name + ":" + port;
}

std::string to_text(const std::vector<Url::Host>& hosts) {
  std::string text;
  for (const Url::Host& host : hosts) {
    if (!text.empty()) text += ',';
    text += to_text(host);
  }
  return text;
}

/// A name that is looked up, or an address that is connected to.
struct Dial::Attempt {
  Attempt(const asio::any_io_executor& executor, std::string name) : socket(executor), what(std::move(name)) {}
  asio::ip::tcp::socket socket;
  std::shared_ptr<NameLookup> lookup;
  std::string what;  // for people
  std::string host;
  bool is_over = false;

  void end() {
    is_over = true;
    if (lookup) lookup->cancel();
    asio::error_code ec;
    socket.close(ec);
  }
};

Dial::Dial(asio::any_io_executor executor) : executor_(executor), timer_(executor) {}

Dial::~Dial() { end_all(); }

void Dial::end_all() {
  for (const auto& attempt : attempts_) attempt->end();
  attempts_.clear();
}

void Dial::cancel() {
  cancelled_ = true;
  end_all();
  timer_.cancel();
}

asio::awaitable<Result<std::vector<Endpoint>>> Dial::resolve(const Url::Host& host, TimePoint deadline) {
  const auto self = shared_from_this();
  asio::error_code ec;
  const asio::ip::address address = asio::ip::make_address(host.name, ec);
  if (!ec) co_return Endpoints(1, Endpoint(address, host.port));
  const std::string name = host.name;
  struct Answer {
    asio::error_code ec;
    Endpoints endpoints;
    bool is_there = false;
  };
  const auto answer = std::make_shared<Answer>();
  const std::weak_ptr<Dial> weak = self;
  auto take = [weak, answer](const asio::error_code& error, const Endpoints& found) {
    answer->ec = error;
    answer->endpoints = found;
    answer->is_there = true;
    if (const auto dial = weak.lock()) dial->timer_.cancel();
  };
  const auto attempt = begin(name);
  attempt->lookup = NameLookup::start(executor_, name, host.port, std::move(take));
  while (!answer->is_there && !cancelled_ && Clock::now() < deadline) {
    timer_.expires_at(deadline);
    co_await detail::wait_quietly(timer_);
  }
  attempt->end();
  std::erase(attempts_, attempt);
  if (cancelled_) co_return Error(errc::cancelled, "connecting was cancelled", End::rejected);
  if (!answer->is_there) co_return Error(errc::refused, "looking up \"" + name + "\" took too long", End::rejected);
  if (answer->ec || answer->endpoints.empty())
    co_return Error(errc::refused, not_found(name, answer->ec), End::rejected);
  co_return answer->endpoints;
}

std::shared_ptr<Dial::Attempt> Dial::begin(std::string what) {
  attempts_.push_back(std::make_shared<Attempt>(executor_, std::move(what)));
  return attempts_.back();
}

void Dial::failed(const std::string& story) {
  story_ += (story_.empty() ? "" : "; ") + story;
  next_start_ = {};
  timer_.cancel();
}

void Dial::start_next() {
  if (endpoints_.empty()) {
    const Url::Host host = hosts_.front();
    hosts_.pop_front();
    asio::error_code ec;
    const asio::ip::address address = asio::ip::make_address(host.name, ec);
    if (ec) return look_up(host);
    endpoints_.emplace_back(Endpoint(address, host.port), host.name);
  }
  const auto [endpoint, host] = endpoints_.front();
  endpoints_.pop_front();
  connect(endpoint, host);
}

void Dial::look_up(const Url::Host& host) {
  const auto attempt = begin("looking up \"" + host.name + "\"");
  const std::weak_ptr<Dial> weak = weak_from_this();
  attempt->lookup =
      NameLookup::start(executor_, host.name, host.port,
                        [weak, attempt, name = host.name](const asio::error_code& ec, const Endpoints& found) {
                          const auto self = weak.lock();
                          if (!self || attempt->is_over) return;
                          attempt->end();
                          std::erase(self->attempts_, attempt);
                          if (ec || found.empty()) return self->failed(not_found(name, ec));
                          Endpoints endpoints = found;
                          LastAddresses::of_this_process().put_first(name, endpoints);
                          for (const Endpoint& endpoint : endpoints) self->endpoints_.emplace_back(endpoint, name);
                          self->next_start_ = {};
                          self->timer_.cancel();
                        });
}

void Dial::connect(const Endpoint& endpoint, const std::string& host) {
  const auto attempt = begin(to_text(endpoint));
  attempt->host = host;
  const std::weak_ptr<Dial> weak = weak_from_this();
  attempt->socket.async_connect(endpoint, [weak, attempt, endpoint](const asio::error_code& ec) {
    const auto self = weak.lock();
    if (!self || attempt->is_over || self->winner_) return;
    std::erase(self->attempts_, attempt);
    if (ec) return self->failed(attempt->what + ": " + ec.message());
    LastAddresses::of_this_process().note(attempt->host, endpoint);
    self->winner_ = attempt;
    self->timer_.cancel();
  });
}

asio::awaitable<Result<Dialed>> Dial::run(std::vector<Url::Host> hosts, TimePoint deadline) {
  const auto self = shared_from_this();
  // Clients of one list spread over it.
  static thread_local std::minstd_rand random{std::random_device{}()};
  std::rotate(hosts.begin(), hosts.begin() + static_cast<long>(random() % hosts.size()), hosts.end());
  hosts_.assign(hosts.begin(), hosts.end());
  endpoints_.clear();
  story_.clear();
  next_start_ = {};
  while (!cancelled_ && !winner_ && Clock::now() < deadline) {
    if (!has_more() && attempts_.empty()) break;
    const TimePoint now = Clock::now();
    if (has_more() && (attempts_.empty() || now >= next_start_)) {
      next_start_ = now + k_stagger;
      start_next();
      continue;
    }
    timer_.expires_at(has_more() ? std::min(deadline, next_start_) : deadline);
    co_await detail::wait_quietly(timer_);
  }
  if (!winner_)
    for (const auto& attempt : attempts_) story_ += (story_.empty() ? "" : "; ") + attempt->what + " took too long";
  end_all();
  if (cancelled_) co_return Error(errc::cancelled, "connecting was cancelled", End::rejected);
  if (const auto winner = std::exchange(winner_, nullptr)) co_return Dialed(std::move(winner->socket), winner->host);
  co_return Error(errc::refused,
                  "cannot connect to " + to_text(hosts) + " (" + story_ + "); is it running and reachable?",
                  End::rejected);
}

asio::awaitable<Result<std::vector<Endpoint>>> resolve_for_listening(std::shared_ptr<Dial> dial, Url::Host host,
                                                                     TimePoint deadline) {
  auto found = co_await dial->resolve(host, deadline);
  if (found) {
    std::stable_partition(found->begin(), found->end(), [](const Endpoint& e) { return e.address().is_v4(); });
    found->erase(std::unique(found->begin(), found->end()), found->end());
  }
  co_return found;
}

}  // namespace waybill::socket
