#include "waybill/transports/socket/stranger.hpp"

#include "waybill/transports/socket/dial.hpp"

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/write.hpp>

#include <array>

namespace waybill::socket {
namespace {

using namespace std::string_view_literals;
using Answer = detail::Arrival<std::string_view>;

constexpr std::chrono::milliseconds k_limit{300};
constexpr std::chrono::milliseconds k_silence{1'500};
constexpr std::size_t k_enough = 8;  ///< Bytes that tell.

// The third is Kafka's ApiVersions, version 0, with the correlation id 7; the last is a ClientHello that no TLS accepts.
constexpr std::string_view k_greetings[] = {"PING\r\n"sv, "AMQP\0\0\x09\x01"sv,
                                            "\0\0\0\x0a\0\x12\0\0\0\0\0\x07\xff\xff"sv,
                                            "\x16\x03\x01\0\x05\x01\0\0\x01\0"sv};

std::string_view kind_of(std::string_view greeting, std::string_view heard) {
  if (heard.starts_with("\x15\x03")) return k_tls_port;
  if (heard.starts_with("HTTP/")) return k_http_server;
  if (heard.starts_with("AMQP") || heard.starts_with("\x01\0\0"sv)) return k_amqp_broker;
  if (heard.starts_with("+PONG") || (heard.starts_with("-") && greeting == k_greetings[0])) return k_redis_server;
  if (heard.size() >= k_enough && heard.substr(4, 4) == "\0\0\0\x07"sv) return k_kafka_broker;
  return {};
}

/// One greeting on one connection. Keeps itself alive until it has ended.
class Visit : public std::enable_shared_from_this<Visit> {
 public:
  Visit(const asio::any_io_executor& executor, std::string_view greeting, std::shared_ptr<Answer> answer)
      : socket_(executor), greeting_(greeting), answer_(std::move(answer)) {}

  void start(const asio::ip::tcp::endpoint& endpoint) {
    socket_.async_connect(endpoint, [self = shared_from_this()](const asio::error_code& ec) {
      if (ec) return;
      asio::async_write(self->socket_, asio::buffer(self->greeting_.data(), self->greeting_.size()),
                        [self](const asio::error_code& failed, std::size_t) {
                          if (!failed) self->listen();
                        });
    });
  }
  void end() {
    asio::error_code ignored;
    socket_.close(ignored);
  }

 private:
  void listen() {
    socket_.async_read_some(asio::buffer(heard_.data() + size_, heard_.size() - size_),
                            [self = shared_from_this()](const asio::error_code& ec, std::size_t got) {
                              if (!ec) self->judge(got);
                            });
  }
  void judge(std::size_t got) {
    size_ += got;
    const std::string_view kind = kind_of(greeting_, {heard_.data(), size_});
    if (!kind.empty()) return answer_->set(kind);
    if (size_ < k_enough) listen();
  }

  asio::ip::tcp::socket socket_;
  std::string_view greeting_;
  std::shared_ptr<Answer> answer_;
  std::array<char, 64> heard_{};
  std::size_t size_ = 0;
};

}  // namespace

asio::awaitable<std::string_view> who_answers(asio::any_io_executor executor, Url::Host host) {
  const auto deadline = std::chrono::steady_clock::now() + k_limit;
  const auto dial = std::make_shared<Dial>(executor);
  const auto found = co_await dial->resolve(host, deadline);
  if (!found) co_return std::string_view();
  const auto answer = std::make_shared<Answer>(executor);
  std::vector<std::shared_ptr<Visit>> visits;
  for (const std::string_view greeting : k_greetings) {
    visits.push_back(std::make_shared<Visit>(executor, greeting, answer));
    visits.back()->start(found->front());
  }
  asio::steady_timer timer(executor, deadline);
  timer.async_wait([answer](const asio::error_code& ec) {
    if (!ec) answer->set({});
  });
  const std::optional<std::string_view> kind = co_await Answer::wait(answer);
  for (const auto& visit : visits) visit->end();
  co_return kind.value_or(std::string_view());
}

std::string stranger_story(const Expected& expected, std::string_view found, const Url::Host& host) {
  if (found.empty() || (found == expected.kind && !expected.is_tls) || (found == k_tls_port && expected.is_tls))
    return {};
  const std::string at = "what answers at " + to_text(host) + " is ";
  const std::string scheme(expected.scheme);
  if (found == k_tls_port) return at + std::string(found) + ": write " + scheme + "s://";
  if (found == expected.kind)
    return at + std::string(found) + " without TLS: write " + scheme + "://, or correct the port";
  return at + std::string(found) + " and not " + std::string(expected.kind) +
         ": correct host and port of the URL, or its scheme";
}

asio::awaitable<Error> name_stranger(asio::any_io_executor executor, std::vector<Url::Host> hosts, Expected expected,
                                     Error error) {
  if (hosts.size() != 1) co_return error;
  const std::string_view found = co_await who_answers(executor, hosts.front());
  const std::string story = stranger_story(expected, found, hosts.front());
  if (story.empty()) co_return error;
  co_return Error(errc::invalid_config, story, End::rejected);
}

namespace {
asio::awaitable<void> look(asio::any_io_executor executor, std::vector<Url::Host> hosts, Expected expected,
                           std::shared_ptr<Lookout::Step> step) {
  const Error silent(errc::refused, "no answer", End::rejected);
  const Error told = co_await name_stranger(executor, std::move(hosts), expected, silent);
  if (told.code() == errc::invalid_config) step->set(told);
}
}  // namespace

Lookout::Lookout(asio::any_io_executor executor, std::vector<Url::Host> hosts, Expected expected,
                 std::shared_ptr<Step> step)
    : timer_(std::make_shared<asio::steady_timer>(executor, k_silence)) {
  timer_->async_wait([timer = timer_, executor, hosts = std::move(hosts), expected,
                      step = std::move(step)](const asio::error_code& ec) {
    if (!ec) asio::co_spawn(executor, look(executor, hosts, expected, step), asio::detached);
  });
}

}  // namespace waybill::socket
