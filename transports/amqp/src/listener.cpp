#include "listener.hpp"

#include "protocol/topology.hpp"
#include "waybill/transports/socket/dial.hpp"

#include <cctype>

namespace waybill::amqp {
namespace {

std::string encoded(std::string_view text) {
  constexpr char k_digits[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) || std::string_view("-._~").find(c) != std::string_view::npos) {
      out += c;
    } else {
      out += {'%', k_digits[byte >> 4], k_digits[byte & 15]};
    }
  }
  return out;
}

}  // namespace

asio::awaitable<Result<void>> AmqpListener::open(const Routes& routes, ListenerSink& sink) {
  if (is_closed_) co_return Error(errc::closed, "the listener was closed", End::rejected);
  if (const auto refusal = refused_options()) co_return *refusal;
  if (link_) link_->close();
  const auto link = link_ = std::make_shared<ListenerLink>(environment_, options_, registry_, kept_);
  const auto was_open = was_open_;
  const bool is_nameless = queue_name(options_, environment_.group).empty();
  const Log log = environment_.log;
  Result<void> opened = co_await ListenerLink::open(link, routes, sink, !*was_open);
  if (!opened) {
    link->close();
    co_return opened;
  }
  if (!std::exchange(*was_open, true) && is_nameless) {
    log.warning(
        "amqp: the queue has no name and lives as long as its link: what is sent meanwhile is lost; add group=NAME");
  }
  co_return opened;
}

std::optional<Error> AmqpListener::refused_options() const {
  const auto wrong = [](errc code, const std::string& text) { return Error(code, text, End::rejected); };
  const std::string queue = queue_name(options_, environment_.group);
  if (options_.queue_type == "stream") {
    return wrong(
        errc::unsupported,
        "amqp cannot listen on a stream (queue_type=stream): nothing in it is acknowledged, given back or sent "
        "again; use queue_type=quorum or classic");
  }
  if (!queue.empty() && environment_.dead_letter == queue)
    return wrong(errc::invalid_config, "dead_letter=" + queue + " is the queue itself: what fails would come again");
  const bool is_bound = options_.is_fanout() || options_.wildcards || !options_.routing_key.empty();
  if (queue.empty() && !is_bound && !options_.has_exchange())
    return wrong(errc::invalid_config, "a listener needs queue=NAME, or an exchange");
  // A queue of its own, or that of its group, to which nothing would ever come.
  if (options_.queue.empty() && !is_bound && (queue.empty() || !options_.no_assert)) {
    return wrong(errc::invalid_config, "nothing would be bound to the exchange " + options_.exchange_name() +
                                           ": add routing_key=KEY, wildcards=true or exchange_type=fanout");
  }
  return std::nullopt;
}

void AmqpListener::stop_intake() {
  if (link_) link_->stop();
}

asio::awaitable<void> AmqpListener::flush() {
  if (const auto link = link_) co_await ListenerLink::flush(link);
}

void AmqpListener::close() {
  is_closed_ = true;
  if (link_) link_->close();
}

std::string AmqpListener::address() const {
  std::string text = (options_.tls ? "amqps://" : "amqp://") + socket::to_text(options_.hosts);
  text += '/' + (options_.vhost == "/" ? std::string() : encoded(options_.vhost));
  const std::string& queue = options_.queue.empty() && link_ ? link_->queue() : options_.queue;
  std::string options;
  const auto add = [&options](const std::string& name, const std::string& value) {
    options += (options.empty() ? '?' : '&') + name + '=' + encoded(value);
  };
  if (!queue.empty()) add("queue", queue);
  if (options_.wildcards) add("wildcards", "true");
  if (!options_.exchange.empty()) add("exchange", options_.exchange);
  if (options_.has_exchange() && options_.exchange_type != "topic") add("exchange_type", options_.exchange_type);
  if (!options_.durable) add("durable", "false");
  if (options_.auto_delete) add("auto_delete", "true");
  return text + options;
}

}  // namespace waybill::amqp
