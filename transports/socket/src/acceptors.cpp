#include "waybill/transports/socket/acceptors.hpp"

#include <asio/ip/v6_only.hpp>
#include <asio/steady_timer.hpp>
#include <sys/socket.h>
#if __has_include(<linux/filter.h>)
#include <linux/filter.h>
#endif

#include <cstdint>
#include <iterator>
#include <optional>
#include <utility>

namespace waybill::socket {
namespace {

using Endpoint = asio::ip::tcp::endpoint;
using ReusePort = asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;
constexpr std::chrono::milliseconds k_pause{100};
constexpr std::chrono::milliseconds k_handshakes{2};  // for those that have begun

/// Of an address that another program has; for those who wait for it to be free.
class TakenCategory final : public std::error_category {
 public:
  const char* name() const noexcept override { return "socket"; }
  std::string message(int) const override { return "another program listens there"; }
  std::error_condition default_error_condition(int) const noexcept override {
    return make_error_condition(errc::refused);
  }
  using std::error_category::equivalent;
  bool equivalent(int code, const std::error_condition& condition) const noexcept override {
    return condition == std::errc::address_in_use || std::error_category::equivalent(code, condition);
  }
};

std::error_code taken() noexcept {
  static const TakenCategory category;
  return {1, category};
}

Error cannot_listen(const std::string& name, const Endpoint& endpoint, const asio::error_code& ec) {
  std::string text = "cannot listen on " + name;
  if (const std::string address = to_text(endpoint); address != name) text += " (" + address + ')';
  text += ": " + ec.message();
  if (ec == asio::error::address_in_use) {
    text += ": another program listens on that port (`ss -ltnp` shows which): end it, or choose another port";
    return Error(taken(), std::move(text), End::rejected);
  }
  if (ec == asio::error::access_denied) text += "; ports below 1024 need a privilege";
  return Error(ec == asio::error::access_denied ? errc::unauthorized : errc::refused, std::move(text), End::rejected);
}

/// Who begins to connect from now on hears nothing, tries again, and meets a closed port; who has begun is let in. Else one who
/// connects between the last accept() and close() would be reset with what it has sent. Where the system has no such filters
/// this does nothing.
void drop_who_comes([[maybe_unused]] int listening) {
#if defined(SO_ATTACH_FILTER) && __has_include(<linux/filter.h>)
  constexpr std::uint32_t k_flags_at = 13, k_syn = 0x02;  // in the header of TCP
  sock_filter steps[] = {{BPF_LD | BPF_B | BPF_ABS, 0, 0, k_flags_at},
                         {BPF_JMP | BPF_JSET | BPF_K, 0, 1, k_syn},
                         {BPF_RET | BPF_K, 0, 0, 0},
                         {BPF_RET | BPF_K, 0, 0, UINT32_MAX}};
  const sock_fprog filter{static_cast<unsigned short>(std::size(steps)), steps};
  ::setsockopt(listening, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter);
#endif
}

}  // namespace

/// One listening socket. Lifetime: shared by its operations.
class Acceptors::Acceptor : public std::enable_shared_from_this<Acceptor> {
 public:
  Acceptor(const asio::any_io_executor& executor, const AcceptRules& rules, std::shared_ptr<Arrivals> arrivals)
      : rules_(rules), arrivals_(std::move(arrivals)), acceptor_(executor), pause_(executor) {}
  ~Acceptor() { leave(); }

  /// Errors: what the system says.
  asio::error_code bind(const Endpoint& endpoint) {
    const auto listen = [&](bool shares) {
      asio::error_code ec = bind(acceptor_, endpoint, shares);
      if (!ec) acceptor_.listen(rules_.backlog, ec);
      return ec;
    };
    const auto ask = [&] {
      asio::ip::tcp::acceptor asking(acceptor_.get_executor());
      return bind(asking, endpoint, false);
    };
    asio::error_code ec =
        rules_.ports ? rules_.ports->enter(endpoint, ask, [&] { return listen(true); }) : listen(rules_.reuse_port);
    if (ec) return ec;
    if (rules_.ports) shared_ = endpoint;
    endpoint_ = acceptor_.local_endpoint(ec);
    return ec;
  }
  void accept() {
    acceptor_.async_accept([self = shared_from_this()](const asio::error_code& ec, asio::ip::tcp::socket socket) {
      self->accepted(ec, std::move(socket));
    });
  }
  /// Takes in who is connected already, or about to be, and closes.
  void finish() {
    if (!acceptor_.is_open()) return;
    drop_who_comes(acceptor_.native_handle());
    take_in();
    pause_.expires_after(k_handshakes);
    pause_.async_wait([self = shared_from_this()](const asio::error_code&) {
      if (self->acceptor_.is_open()) self->take_in();
      self->close();
    });
  }
  void close() {
    leave();
    asio::error_code ec;
    acceptor_.close(ec);
    pause_.cancel();
  }
  const Endpoint& endpoint() const noexcept { return endpoint_; }

 private:
  static asio::error_code bind(asio::ip::tcp::acceptor& acceptor, const Endpoint& endpoint, bool shares) {
    asio::error_code ec;
    if (acceptor.open(endpoint.protocol(), ec)) return ec;
    if (acceptor.set_option(asio::socket_base::reuse_address(true), ec)) return ec;
    if (shares && acceptor.set_option(ReusePort(true), ec)) return ec;
    if (endpoint.address().is_v6() && acceptor.set_option(asio::ip::v6_only(true), ec)) return ec;
    acceptor.bind(endpoint, ec);
    return ec;
  }
  void take_in() {
    asio::error_code ec;
    acceptor_.non_blocking(true, ec);
    while (!ec) {
      asio::ip::tcp::socket socket(acceptor_.get_executor());
      acceptor_.accept(socket, ec);
      if (!ec) arrivals_->adopt(std::move(socket));
    }
  }
  void leave() {
    if (shared_) rules_.ports->leave(*std::exchange(shared_, std::nullopt));
  }
  void accepted(const asio::error_code& ec, asio::ip::tcp::socket socket) {
    if (!ec) arrivals_->adopt(std::move(socket));
    if (!acceptor_.is_open()) return;
    if (!ec) return accept();
    if (ec == asio::error::connection_aborted || ec == asio::error::interrupted) return accept();
    arrivals_->complain("cannot accept a connection: " + ec.message());
    pause_.expires_after(k_pause);
    pause_.async_wait([self = shared_from_this()](const asio::error_code&) {
      if (self->acceptor_.is_open()) self->accept();
    });
  }

  const AcceptRules rules_;
  std::shared_ptr<Arrivals> arrivals_;
  std::optional<Endpoint> shared_;  // counted by rules_.ports
  asio::ip::tcp::acceptor acceptor_;
  asio::steady_timer pause_;
  Endpoint endpoint_;
};

Acceptors::Acceptors(asio::any_io_executor executor, Log log, AcceptRules rules, std::shared_ptr<Arrivals> arrivals)
    : executor_(std::move(executor)), log_(std::move(log)), rules_(std::move(rules)), arrivals_(std::move(arrivals)) {}

Acceptors::~Acceptors() { close(); }

asio::awaitable<Result<void>> Acceptors::open(std::shared_ptr<Acceptors> self, std::vector<Url::Host> hosts,
                                              TimePoint deadline) {
  for (const Url::Host& host : hosts) {
    if (self->rules_.is_shared && host.port == 0) {
      co_return Error(
          errc::invalid_config,
          "several threads listen on one port, and port 0 would give each its own: name a port in " + to_text(host),
          End::rejected);
    }
    const auto dial = std::make_shared<Dial>(self->executor_);
    self->dial_ = dial;
    const auto found = co_await resolve_for_listening(dial, host, deadline);
    if (self->arrivals_->is_closed()) co_return Error(errc::closed, "the listener was closed", End::rejected);
    const auto bound = found ? self->bind(*found, to_text(host)) : Result<void>(found.error());
    if (!bound) {
      self->close();  // what is bound already would take clients in that nobody serves
      co_return bound.error();
    }
  }
  for (const auto& acceptor : self->acceptors_) acceptor->accept();
  co_return Result<void>();
}

Result<void> Acceptors::bind(const std::vector<Endpoint>& endpoints, const std::string& name) {
  std::uint16_t port = endpoints.front().port();
  for (std::size_t i = 0; i < endpoints.size(); ++i) {
    Endpoint endpoint = endpoints[i];
    endpoint.port(port);
    auto acceptor = std::make_shared<Acceptor>(executor_, rules_, arrivals_);
    const asio::error_code ec = acceptor->bind(endpoint);
    if (ec && i > 0 && !(ec == asio::error::address_in_use && endpoints.front().port())) {
      // One address of the name is enough: this machine may lack IPv6.
      log_.debug(std::string(cannot_listen(name, endpoint, ec).message()));
      continue;
    }
    if (ec) return cannot_listen(name, endpoint, ec);
    port = acceptor->endpoint().port();
    acceptors_.push_back(std::move(acceptor));
  }
  return {};
}

void Acceptors::finish() {
  if (dial_) dial_->cancel();
  dial_.reset();
  for (const auto& acceptor : acceptors_) acceptor->finish();
}

void Acceptors::close() {
  if (dial_) dial_->cancel();
  dial_.reset();
  for (const auto& acceptor : acceptors_) acceptor->close();
}

std::string Acceptors::addresses() const {
  std::string text;
  for (const auto& acceptor : acceptors_) {
    if (!text.empty()) text += ',';
    text += to_text(acceptor->endpoint());
  }
  return text;
}

}  // namespace waybill::socket
