// A redis-server that belongs to one test, started with the words that the test says.
#pragma once

#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/read.hpp>
#include <asio/read_until.hpp>
#include <asio/streambuf.hpp>
#include <asio/write.hpp>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

namespace waybill::test {

/// Ends with the object. Which program it is can be said by WAYBILL_REDIS_SERVER, words and all.
/// Threads: one. Members block, for milliseconds.
class OwnRedis {
 public:
  explicit OwnRedis(std::vector<std::string> words) : port_(free_port()) {
    folder_ = std::filesystem::temp_directory_path() /
              ("waybill-redis-" + std::to_string(::getpid()) + "-" + std::to_string(port_));
    std::filesystem::create_directories(folder_);
    const char* const named = std::getenv("WAYBILL_REDIS_SERVER");
    std::istringstream program(named ? named : "redis-server");
    std::vector<std::string> all;
    for (std::string word; program >> word;) all.push_back(word);
    for (std::string& word : words) all.push_back(std::move(word));
    for (const std::string& word : {std::string("--port"), std::to_string(port_), std::string("--bind"),
                                    std::string("127.0.0.1"), std::string("--dir"), folder_.string()})
      all.push_back(word);
    std::vector<char*> arguments;
    for (std::string& word : all) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    child_ = ::fork();
    if (child_ != 0) return;
    const int log = ::open((folder_ / "log").c_str(), O_WRONLY | O_CREAT, 0600);
    ::dup2(log, 1);
    ::dup2(log, 2);
    ::execvp(arguments.front(), arguments.data());
    ::_exit(127);
  }
  ~OwnRedis() {
    if (child_ > 0) {
      ::kill(child_, SIGKILL);
      ::waitpid(child_, nullptr, 0);
    }
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  OwnRedis(const OwnRedis&) = delete;
  OwnRedis& operator=(const OwnRedis&) = delete;

  /// False if it has ended, or there is none on this machine.
  bool is_up() {
    while (::waitpid(child_, nullptr, WNOHANG) == 0) {
      if (!ask({"PING"}).empty()) return true;
      std::this_thread::yield();
    }
    child_ = -1;
    return false;
  }
  /// It stands still (SIGSTOP), or goes on.
  void freeze(bool on) const {
    if (child_ > 0) ::kill(child_, on ? SIGSTOP : SIGCONT);
  }
  /// The answer to a command on a connection of its own, of an array the first line; empty if there is none.
  std::string ask(const std::vector<std::string>& words, const std::string& auth = {}) const {
    asio::io_context loop;
    asio::ip::tcp::socket socket(loop);
    asio::error_code ec;
    socket.connect({asio::ip::address_v4::loopback(), port_}, ec);
    if (ec) return {};
    asio::streambuf answer;
    const auto line = [&](const std::vector<std::string>& said) {
      std::string command = "*" + std::to_string(said.size()) + "\r\n";
      for (const std::string& word : said) command += "$" + std::to_string(word.size()) + "\r\n" + word + "\r\n";
      asio::write(socket, asio::buffer(command), ec);
      asio::read_until(socket, answer, "\r\n", ec);
      std::istream in(&answer);
      std::string text;
      std::getline(in, text);
      if (!text.empty()) text.pop_back();
      if (!text.starts_with('$')) return text;
      const std::size_t size = std::stoul(text.substr(1));
      if (answer.size() < size + 2) asio::read(socket, answer, asio::transfer_at_least(size + 2 - answer.size()), ec);
      return std::string(std::istreambuf_iterator<char>(&answer), {});
    };
    if (!auth.empty()) line({"AUTH", auth});
    return line(words);
  }
  std::string host() const { return "127.0.0.1:" + std::to_string(port_); }
  std::uint16_t port() const noexcept { return port_; }
  /// What it saves goes here; it may be removed.
  const std::filesystem::path& folder() const noexcept { return folder_; }

 private:
  static std::uint16_t free_port() {
    asio::io_context loop;
    return asio::ip::tcp::acceptor(loop, {asio::ip::address_v4::loopback(), 0}).local_endpoint().port();
  }
  const std::uint16_t port_;
  std::filesystem::path folder_;
  pid_t child_ = -1;
};

}  // namespace waybill::test
