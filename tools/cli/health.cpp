#include "health.hpp"

#include "inputs.hpp"
#include "table.hpp"
#include <waybill/url.hpp>

#include <asio/co_spawn.hpp>
#include <asio/connect.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/redirect_error.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>
#if WAYBILL_HAS_TLS
#include <asio/ssl.hpp>
#endif

#include <algorithm>
#include <optional>
#include <string>

namespace waybill::cli {

namespace {

constexpr std::size_t k_longest_answer = 1u << 20;

/// Where to ask, and for what.
struct Question {
  std::string host;
  std::string port;
  std::string path;
  bool is_tls = false;
  bool is_verified = true;
};

Question question_of(const Arguments& arguments) {
  constexpr const char* k_expected = "expected http://HOST:PORT or https://HOST:PORT, perhaps with a path";
  if (arguments.url.find("://") == std::string::npos) throw Error(errc::invalid_config, k_expected, End::rejected);
  const Url url = Url::parse(arguments.url).value();
  const bool is_tls = url.scheme == "https";
  if ((!is_tls && url.scheme != "http") || url.hosts.size() != 1 || url.hosts.front().name.empty() ||
      !url.user.empty() || !url.options.empty()) {
    throw Error(errc::invalid_config, k_expected, End::rejected);
  }
  Question question;
  question.host = url.hosts.front().name;
  const auto port = url.hosts.front().port;
  question.port = port ? std::to_string(port) : is_tls ? "443" : "80";
  question.path = !url.path.empty() ? '/' + url.path : arguments.is_live ? "/livez" : "/readyz";
  question.is_tls = is_tls;
  question.is_verified = !arguments.is_insecure;
  return question;
}

template <class Stream>
asio::awaitable<std::string> ask(Stream& stream, const Question& question) {
  const bool is_ipv6 = question.host.find(':') != std::string::npos;
  const std::string host = is_ipv6 ? '[' + question.host + ']' : question.host;
  const std::string request = "GET " + question.path + " HTTP/1.1\r\nHost: " + host + ':' + question.port +
                              "\r\nConnection: close\r\nAccept: */*\r\n\r\n";
  co_await asio::async_write(stream, asio::buffer(request), asio::use_awaitable);
  std::string answer;
  char bytes[4096];
  asio::error_code end;
  while (!end && answer.size() < k_longest_answer) {
    const std::size_t size =
        co_await stream.async_read_some(asio::buffer(bytes), asio::redirect_error(asio::use_awaitable, end));
    answer.append(bytes, size);
  }
  if (answer.empty() && end != asio::error::eof) throw std::system_error(end);
  co_return answer;
}

asio::awaitable<std::string> answer_to(const Question& question) {
  const auto executor = co_await asio::this_coro::executor;
  asio::ip::tcp::resolver resolver(executor);
  const auto addresses = co_await resolver.async_resolve(question.host, question.port, asio::use_awaitable);
  asio::ip::tcp::socket socket(executor);
  co_await asio::async_connect(socket, addresses, asio::use_awaitable);
  if (!question.is_tls) {
    std::string answer = co_await ask(socket, question);
    co_return answer;
  }
#if WAYBILL_HAS_TLS
  asio::ssl::context context(asio::ssl::context::tls_client);
  context.set_default_verify_paths();
  asio::ssl::stream<asio::ip::tcp::socket> stream(std::move(socket), context);
  if (question.is_verified) {
    stream.set_verify_mode(asio::ssl::verify_peer);
    stream.set_verify_callback(asio::ssl::host_name_verification(question.host));
  }
  SSL_set_tlsext_host_name(stream.native_handle(), question.host.c_str());
  co_await stream.async_handshake(asio::ssl::stream_base::client, asio::use_awaitable);
  std::string answer = co_await ask(stream, question);
  co_return answer;
#else
  throw Error(errc::unsupported, "this copy of waybill was built without TLS", End::rejected);
#endif
}

/// Nothing: it is no answer of HTTP.
std::optional<int> status_of(const std::string& answer) {
  if (!answer.starts_with("HTTP/1.") || answer.size() < 12) return std::nullopt;
  const std::string digits = answer.substr(9, 3);
  if (!std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; })) return std::nullopt;
  return std::stoi(digits);
}

std::string body_of(const std::string& answer) {
  const std::size_t head = answer.find("\r\n\r\n");
  return head == std::string::npos ? std::string() : answer.substr(head + 4);
}

}  // namespace

Outcome health(const Arguments& arguments) {
  std::optional<Question> question;
  std::chrono::milliseconds limit(3000);
  try {
    question = question_of(arguments);
    if (!arguments.timeout.empty()) limit = parse_time(arguments.timeout, "--timeout");
  } catch (const Error& error) {
    return usage_error(error.message());
  }
  asio::io_context loop(1);
  std::optional<std::string> answer;
  std::exception_ptr thrown;
  asio::co_spawn(loop, answer_to(*question), [&](std::exception_ptr exception, std::string text) {
    thrown = exception;
    answer = std::move(text);
  });
  loop.run_for(limit);
  if (!answer) {
    return failure(Exit::no_answer, "timeout", "no answer within " + std::to_string(limit.count()) + " ms");
  }
  try {
    if (thrown) std::rethrow_exception(thrown);
  } catch (const Error& error) {
    return usage_error(error.message());
  } catch (const std::exception& error) {
    const std::string why = error.what();
    const bool is_plain_http = question->is_tls && why.find("wrong version number") != std::string::npos;
    return failure(Exit::no_connection, "refused",
                   "cannot ask " + question->host + ':' + question->port + ": " + why +
                       (is_plain_http ? "; it does not speak TLS: ask http://" : ""));
  }
  const auto status = status_of(*answer);
  if (!status) return failure(Exit::failed, "malformed", "what answers there is no HTTP server");
  const std::string body = body_of(*answer);
  if (*status == 200) {
    print_line(harmless(body));
    return Outcome();
  }
  return failure(Exit::remote_error, arguments.is_live ? "not_live" : "not_ready",
                 std::to_string(*status) + ' ' + harmless(body));
}

}  // namespace waybill::cli
