// The command line where no broker is needed.
#include "cli_process.hpp"
#include "support/held_port.hpp"
#include "waybill/waybill.hpp"

#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/post.hpp>
#include <asio/read.hpp>
#include <asio/read_until.hpp>
#include <asio/use_future.hpp>
#include <asio/write.hpp>
#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace waybill {
namespace {

using asio::ip::tcp;
using test::Cli;

std::uint16_t port_in(const std::string& line) {
  return static_cast<std::uint16_t>(std::stoi(line.substr(line.rfind(':') + 1)));
}

TEST(Cli, ListenWithACountShowsAndAnswersThatManyOfABurst) {
  Cli listen({"listen", "tcp://127.0.0.1:0", "p", "--count", "2"});
  const std::string line = listen.error_line("listening on");
  ASSERT_FALSE(line.empty());
  asio::io_context loop;
  tcp::socket socket(loop);
  socket.connect({asio::ip::make_address("127.0.0.1"), port_in(line)});
  std::string burst;
  for (int i = 0; i < 50; ++i) {
    const std::string packet =
        R"({"pattern":"p","data":)" + std::to_string(i) + R"(,"id":"id-)" + std::to_string(i) + "\"}";
    burst += std::to_string(packet.size()) + '#' + packet;
  }
  asio::write(socket, asio::buffer(burst));
  const auto lines = listen.rest();
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[1], R"({"kind":"request","pattern":"p","data":1,"headers":{}})");
  EXPECT_EQ(listen.exit_code(), 0);
  std::string answers;
  std::error_code end;
  asio::read(socket, asio::dynamic_buffer(answers), end);
  EXPECT_NE(answers.find("id-1\""), std::string::npos) << answers;
  EXPECT_EQ(answers.find("id-2\""), std::string::npos) << answers;
}

TEST(Cli, CheckPrintsALineForEachMistakeInTheOrderOfTheFile) {
  const std::string file = testing::TempDir() + "waybill-cli-check.yaml";
  std::ofstream(file)
      << "clients:\n  a: memory://a?wyre=true\n  b: { url: \"memory://b:x\", timeout: soon }\nlog: loud\n";
  Cli check({"check", file});
  std::vector<std::string> lines;
  for (std::string line; !(line = check.error_line("")).empty();) lines.push_back(line);
  ASSERT_EQ(lines.size(), 5u);
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_TRUE(lines[i].starts_with(file + ':' + std::to_string(i < 2 ? i + 2 : i + 1) + ": ")) << lines[i];
  }
  EXPECT_EQ(lines[4], "4 mistakes");
  EXPECT_EQ(check.exit_code(), 2);
  EXPECT_TRUE(check.rest().empty());
  Cli json({"check", "--json", file});
  EXPECT_TRUE(json.error_line("").starts_with(R"({"error":"usage","message":")"));
  EXPECT_EQ(json.exit_code(), 2);
  std::ofstream(file) << "clients: { a: memory://a }\n";
  Cli good({"check", file});
  EXPECT_EQ(good.rest().at(0), file + ": good: 0 listeners, 1 client, 0 routes");
  std::remove(file.c_str());
}

TEST(Cli, CheckAndGatewayTellOfFilesThatCannotBeReadAndEndAlike) {
  const std::string file = testing::TempDir() + "waybill-cli-files.yaml";
  std::ofstream(file) << "clients: { c: { url: \"tcps://127.0.0.1:1\", ca: /nowhere/ca.pem } }\n"
                      << "http: { listen: \"https://127.0.0.1:0\", cert: /tmp, key: /nowhere/a.key }\n";
  for (const char* command : {"check", "gateway"}) {
    Cli cli({command, file});
    std::string told;
    for (std::string line; !(line = cli.error_line("")).empty();) told += line + '\n';
    for (const char* part :
         {":1: ca: \"/nowhere/ca.pem\" cannot be read: No such file", ":2: cert: \"/tmp\" cannot be read",
          ":2: key: \"/nowhere/a.key\" cannot be read", "3 mistakes"}) {
      EXPECT_NE(told.find(part), std::string::npos) << part << '\n' << told;
    }
    EXPECT_EQ(cli.exit_code(), 2) << command;
  }
  std::ofstream(file) << "clients: { a: memory://a }\n";
  Cli nothing({"gateway", file});
  EXPECT_NE(nothing.error_line("nothing to serve"), "");
  EXPECT_EQ(nothing.exit_code(), 2);
  Cli json({"check", "--json", file});
  EXPECT_EQ(json.rest().at(0), R"({"file":")" + file + R"(","listeners":0,"clients":1,"routes":0})");
  std::ofstream(file) << "";
  Cli empty({"check", file});
  EXPECT_NE(empty.rest().at(0).find("empty: it configures nothing"), std::string::npos);
  EXPECT_EQ(empty.exit_code(), 0);
  std::remove(file.c_str());
}

TEST(Cli, SaysWhatIsMeantWhereAFirstUserGoesWrong) {
  const auto told = [](const std::vector<std::string>& arguments) {
    Cli cli(arguments);
    return cli.error_line("{\"error\"");
  };
  const auto has = [](const std::string& line, const char* part) {
    EXPECT_NE(line.find(part), std::string::npos) << part << "\nis missing in\n" << line;
  };
  has(told({"health", "localhost:8101"}), "expected http://HOST:PORT");
  const test::HeldPort nobody;
  has(told({"health", "http://" + nobody.address()}),
      ("cannot ask " + nobody.address() + ": Connection refused").c_str());
  has(told({"describe", "localhost:3000"}), "is neither a file nor a URL such as tcp://");
  has(told({"request", "tcp://h", "p", "{a:1}"}), "keys and texts need quotes");
  has(told({"request", "tcp://h", "{cmd:sum}", "1"}), "keys and texts need quotes");
  const std::string extra = told({"check", "a.yaml", "b.yaml"});
  has(extra, "one argument too many");
  EXPECT_EQ(extra.find("JSON with spaces"), std::string::npos) << extra;
  Cli listen({"listen", "tcp://127.0.0.1:0", "p"});
  const std::string at = std::to_string(port_in(listen.error_line("listening on")));
  has(told({"ps", "tcp://127.0.0.1:" + at}),
      "a service is there, and tells nothing of itself: set `introspection: true`");
}

TEST(Cli, TakesWhatComesUntilTheOtherSideHasEndedToo) {
  asio::io_context loop;
  tcp::acceptor acceptor(loop, {asio::ip::address_v4::loopback(), 0});
  Cli emit({"emit", "tcp://127.0.0.1:" + std::to_string(acceptor.local_endpoint().port()), "p", "1"});
  tcp::socket socket = acceptor.accept();
  std::string event;
  std::error_code end;
  asio::read(socket, asio::dynamic_buffer(event), end);
  EXPECT_EQ(end, asio::error::eof);
  EXPECT_EQ(event, R"(24#{"pattern":"p","data":1})");
  // A closed socket would answer the first of these with a reset, which takes back what was not read yet.
  const std::string late = R"(11#{"id":"late"})";
  asio::write(socket, asio::buffer(late), end);
  EXPECT_FALSE(end) << end.message();
  asio::write(socket, asio::buffer(late), end);
  EXPECT_FALSE(end) << end.message();
  socket.close();
  EXPECT_EQ(emit.exit_code(), 0);
}

TEST(Cli, TheTimeoutOfAnUrlIsThatOfItsCallUnlessAnotherIsTyped) {
  asio::io_context loop;
  tcp::acceptor acceptor(loop, {asio::ip::address_v4::loopback(), 0});  // takes calls and never answers
  const std::string url = "tcp://127.0.0.1:" + std::to_string(acceptor.local_endpoint().port()) + "?timeout=300ms";
  Cli by_url({"request", url, "p", "1"});
  EXPECT_NE(by_url.error_line("no answer to").find("within 300 ms"), std::string::npos);
  Cli by_flag({"request", url, "p", "1", "--timeout", "200ms"});
  EXPECT_NE(by_flag.error_line("no answer to").find("within 200 ms"), std::string::npos);
}

TEST(Cli, WritesToNothingElseWhereItsOutputIsClosed) {
  asio::io_context loop;
  tcp::acceptor acceptor(loop, {asio::ip::address_v4::loopback(), 0});
  Cli request({"request", "tcp://127.0.0.1:" + std::to_string(acceptor.local_endpoint().port()), "p", "1"},
              Cli::Output::closed);
  tcp::socket socket = acceptor.accept();
  std::string packet;
  asio::read_until(socket, asio::dynamic_buffer(packet), "}");
  const std::size_t id = packet.find("\"id\":\"") + 6;
  const std::string reply = R"({"response":42,"isDisposed":true,"id":")" + packet.substr(id, 21) + "\"}";
  asio::write(socket, asio::buffer(std::to_string(reply.size()) + '#' + reply));
  EXPECT_NE(request.error_line("standard output cannot be written: Bad file descriptor"), "");
  EXPECT_EQ(request.exit_code(), 5);
}

TEST(Cli, HelpThatNobodyCanReadIsNoSuccess) {
  for (const std::vector<std::string>& arguments : {std::vector<std::string>{"--help"},
                                                    {"listen", "--help"},
                                                    {"dlq", "ls", "--help"},
                                                    {"--version"},
                                                    {"transports"}}) {
    Cli full(arguments, Cli::Output::full);
    EXPECT_NE(full.error_line("standard output cannot be written: No space left on device"), "") << arguments.back();
    EXPECT_EQ(full.exit_code(), 5);
  }
  Cli help({"--help"});
  EXPECT_GT(help.rest().size(), 10u);
  EXPECT_EQ(help.exit_code(), 0);
}

TEST(Cli, DataThatCannotBeReadIsCalledSo) {
  Cli directory({"emit", "tcp://127.0.0.1:1", "p", "-"}, Cli::Output::taken, "/");
  EXPECT_NE(directory.error_line("standard input cannot be read: Is a directory"), "");
  EXPECT_EQ(directory.exit_code(), 2);
}

TEST(Cli, ListenAnswersCallersInTheirOwnFormat) {
  const std::string reply = R"({"n":12345678901234567890,"list":[1,-2.5,null,true,"가"]})";
  Cli listen({"listen", "tcp://127.0.0.1:0", "p", "--count", "4", "--reply", reply});
  const std::string line = listen.error_line("listening on");
  ASSERT_FALSE(line.empty());
  const std::string url = "tcp://127.0.0.1:" + std::to_string(port_in(line));
  for (const std::string format : {"json", "msgpack"}) {
    for (const std::string data : {"null", R"({"a":1})"}) {
      Cli request({"request", url + "?serializer=" + format, "p", data});
      EXPECT_EQ(request.rest(), std::vector<std::string>{reply}) << format;
      EXPECT_EQ(request.exit_code(), 0) << format;
    }
  }
  EXPECT_EQ(listen.exit_code(), 0);
}

TEST(Cli, WhatTcpDoesNotHaveIsSaidFirst) {
  Cli ls({"dlq", "ls", "tcp://127.0.0.1:1"});
  EXPECT_NE(ls.error_line("has no dead letters"), "");
  EXPECT_EQ(ls.exit_code(), 2);
}

/// A service on a loop of its own thread.
class AskedService {
 public:
  explicit AskedService(bool introspection) {
    Config config = Config::listen({"tcp://127.0.0.1:0"});
    config.name = "orders\x1b[31m";
    config.version = "1.4.0";
    config.introspection = introspection;
    service_.emplace(loop_.get_executor(), config);
    service_->on_request({{"cmd", "sum"}}, [](int number) { return number; });
    auto started = service_->start(asio::use_future);
    thread_ = std::thread([this] { loop_.run(); });
    started.get();
  }
  ~AskedService() {
    asio::post(loop_, [this] { service_->close(); });
    thread_.join();
  }
  AskedService(const AskedService&) = delete;
  AskedService& operator=(const AskedService&) = delete;
  std::string url() const { return service_->addresses().front(); }

 private:
  asio::io_context loop_;
  std::optional<Service> service_;
  std::thread thread_;
};

TEST(Cli, PsListsServicesAndShowsNothingThatATerminalWouldObey) {
  AskedService service(true);
  Cli ps({"ps", service.url()});
  const auto lines = ps.rest();
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0].find("NAME"), 0u) << lines[0];
  EXPECT_EQ(lines[1].find("orders?[31m  1.4.0 "), 0u) << lines[1];
  EXPECT_NE(lines[1].find(service.url()), std::string::npos) << lines[1];
  EXPECT_EQ(ps.exit_code(), 0);
  Cli json({"ps", service.url(), "--json"});
  const auto objects = json.rest();
  ASSERT_EQ(objects.size(), 1u);
  EXPECT_NE(objects[0].find(R"("version":"1.4.0","instance":")"), std::string::npos) << objects[0];
  EXPECT_NE(objects[0].find(R"("handlers":[{"pattern":"{\"cmd\":\"sum\"}","kind":"request"}])"), std::string::npos)
      << objects[0];
}

TEST(Cli, TopShowsHandlersAsOftenAsItIsTold) {
  AskedService service(true);
  Cli request({"request", service.url(), R"({"cmd":"sum"})", "1"});
  EXPECT_EQ(request.exit_code(), 0);
  Cli top({"top", service.url(), "--count", "2", "--interval", "50ms"});
  const auto lines = top.rest();
  ASSERT_EQ(lines.size(), 6u);
  EXPECT_EQ(lines[0].find("1 instance, 0 in flight"), 0u) << lines[0];
  EXPECT_NE(lines[2].find(R"(request  {"cmd":"sum"}        1           -       0)"), std::string::npos) << lines[2];
  EXPECT_NE(lines[5].find(R"(request  {"cmd":"sum"}        1         0.0       0)"), std::string::npos) << lines[5];
  EXPECT_EQ(top.exit_code(), 0);
}

TEST(Cli, PsSaysWhatIsMissingWhereNobodyAnswers) {
  AskedService service(false);
  Cli ps({"ps", service.url()});
  EXPECT_NE(ps.error_line("introspection: true"), "");
  EXPECT_EQ(ps.exit_code(), 4);
}

}  // namespace
}  // namespace waybill
