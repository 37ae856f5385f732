// HttpCaller: raw requests over HTTP, and what comes back, byte for byte.
#pragma once

#include "support/eventually.hpp"

#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/write.hpp>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace waybill::test {

/// Calls a server on the same loop. `address`: "http://127.0.0.1:8101".
class HttpCaller {
 public:
  HttpCaller(asio::io_context& loop, const std::string& address) : loop_(loop) {
    const auto port = static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1)));
    endpoint_ = {asio::ip::make_address("127.0.0.1"), port};
  }
  const asio::ip::tcp::endpoint& endpoint() const noexcept { return endpoint_; }
  asio::ip::tcp::socket connect() {
    asio::ip::tcp::socket socket(loop_);
    socket.connect(endpoint_);
    return socket;
  }
  static void send(asio::ip::tcp::socket& socket, std::string_view text) { asio::write(socket, asio::buffer(text)); }
  /// What comes until it is whole, or the connection ends, or a while has passed.
  std::string read(asio::ip::tcp::socket& socket, const std::function<bool(const std::string&)>& is_whole,
                   std::chrono::seconds limit = k_while) {
    std::string text;
    char bytes[4096];
    bool is_over = false;
    std::function<void()> more = [&] {
      socket.async_read_some(asio::buffer(bytes), [&](const asio::error_code& ec, std::size_t size) {
        text.append(bytes, size);
        is_over = ec || is_whole(text);
        if (!is_over) more();
      });
    };
    more();
    eventually(loop_, limit, [&] { return is_over; });
    asio::error_code ignored;
    socket.cancel(ignored);
    run_ready(loop_);
    return text;
  }
  std::string read_to_the_end(asio::ip::tcp::socket& socket) {
    return read(
        socket, [](const std::string&) { return false; }, k_patience);
  }
  static bool has_body(const std::string& text) {
    const std::size_t head = text.find("\r\n\r\n");
    if (head == std::string::npos) return false;
    const std::size_t length = text.find("Content-Length: ");
    if (length == std::string::npos || length > head) return text.find("204 No Content") != std::string::npos;
    return text.size() >= head + 4 + static_cast<std::size_t>(std::stoi(text.substr(length + 16)));
  }
  std::string exchange(asio::ip::tcp::socket& socket, std::string_view request) {
    send(socket, request);
    return read(socket, has_body);
  }
  /// One request on a connection of its own.
  std::string ask(std::string_view request) {
    auto socket = connect();
    return exchange(socket, request);
  }
  std::string get(const std::string& target, const std::string& fields = {}) {
    return ask("GET " + target + " HTTP/1.1\r\nHost: here\r\n" + fields + "\r\n");
  }
  std::string post(const std::string& target, const std::string& json, const std::string& fields = {}) {
    return ask("POST " + target + " HTTP/1.1\r\nHost: here\r\nContent-Type: application/json\r\n" + fields +
               "Content-Length: " + std::to_string(json.size()) + "\r\n\r\n" + json);
  }
  static std::string status(const std::string& response) {
    return response.size() > 9 ? response.substr(9, response.find("\r\n") - 9) : "";
  }
  static std::string body(const std::string& response) {
    const std::size_t head = response.find("\r\n\r\n");
    return head == std::string::npos ? "" : response.substr(head + 4);
  }

 private:
  static constexpr std::chrono::seconds k_while{5};
  asio::io_context& loop_;
  asio::ip::tcp::endpoint endpoint_;
};

}  // namespace waybill::test
