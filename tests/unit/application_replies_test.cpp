// What callers over HTTP get where the service behind a route answers in ways that no service of waybill does.
#include "support/application_rig.hpp"

#include <memory>
#include <string>

namespace waybill::test {
namespace {

/// A service in NestJS's framing, on the one connection that a gateway dials.
class RawService : public std::enable_shared_from_this<RawService> {
 public:
  explicit RawService(asio::io_context& loop)
      : acceptor_(loop, {asio::ip::make_address("127.0.0.1"), 0}), socket_(loop) {}
  void start() {
    acceptor_.async_accept(socket_, [self = shared_from_this()](const asio::error_code& ec) {
      if (!ec) self->read();
    });
  }
  void close() {
    acceptor_.close();
    socket_.close();
  }
  std::string url() const { return "tcp://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()); }
  void send(const std::string& json) { asio::write(socket_, asio::buffer(std::to_string(json.size()) + '#' + json)); }
  /// Of the request for a pattern; empty: it has not come.
  std::string id_of(const std::string& pattern) const {
    const std::size_t at = seen_.find("\"pattern\":\"" + pattern + '"');
    if (at == std::string::npos) return {};
    const std::size_t id = seen_.find("\"id\":\"", at);
    return id == std::string::npos ? "" : seen_.substr(id + 6, 21);
  }
  bool is_lost() const noexcept { return is_lost_; }

 private:
  void read() {
    socket_.async_read_some(asio::buffer(bytes_),
                            [self = shared_from_this()](const asio::error_code& ec, std::size_t size) {
                              self->seen_.append(self->bytes_, size);
                              self->is_lost_ = bool(ec);
                              if (!ec) self->read();
                            });
  }
  asio::ip::tcp::acceptor acceptor_;
  asio::ip::tcp::socket socket_;
  char bytes_[4096];
  std::string seen_;
  bool is_lost_ = false;
};

class RepliesOverHttp : public ApplicationRig, public testing::Test {
 protected:
  RepliesOverHttp() : service_(std::make_shared<RawService>(loop_)) { service_->start(); }
  ~RepliesOverHttp() override { service_->close(); }
  /// `routes`: their lines; the service is the client "shop".
  void start_with(const std::string& routes) {
    make("log: off\nclients: { shop: \"" + service_->url() + "\" }\nhttp:\n  listen: 127.0.0.1:0\n  routes:\n" +
         routes);
    start();
  }
  /// Asks for /WHAT, whose request has come to the service when this returns.
  asio::ip::tcp::socket ask(const std::string& what) {
    auto socket = caller_->connect();
    HttpCaller::send(socket, "GET /" + what + " HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_TRUE(eventually(loop_, [&] { return !service_->id_of(what).empty(); }));
    return socket;
  }
  /// `members`: of the service's reply, beside its id.
  void answer(const std::string& what, const std::string& members) {
    service_->send("{\"id\":\"" + service_->id_of(what) + "\",\"isDisposed\":true," + members + '}');
  }
  std::shared_ptr<RawService> service_;
};

TEST_F(RepliesOverHttp, OneThatIsNestedTooDeepIsA502AndTheOthersGoOn) {
  start_with(R"(    - { get: /wait, request: { client: shop, pattern: wait } }
    - { get: /deep, request: { client: shop, pattern: deep } }
    - { get: /events, stream: { client: shop, pattern: events } }
)");
  auto waiting = ask("wait");
  const std::string deep = std::string(200, '[') + std::string(200, ']');
  for (const std::string what : {"deep", "events"}) {
    auto socket = ask(what);
    answer(what, "\"response\":" + deep);
    const std::string response = caller_->read(socket, HttpCaller::has_body);
    EXPECT_EQ(HttpCaller::status(response), "502 Bad Gateway") << what;
    EXPECT_NE(response.find("\"code\":\"unexpected_answer\""), std::string::npos) << response;
  }
  answer("wait", R"("response":7)");
  EXPECT_EQ(HttpCaller::body(caller_->read(waiting, HttpCaller::has_body)), "7");
  EXPECT_FALSE(service_->is_lost());
}

TEST_F(RepliesOverHttp, AServiceThatWaitedInVainIsA504OneThatStopsA503AndAStatusOfItsOwnStays) {
  start_with(R"(    - { get: /slow, request: { client: shop, pattern: slow } }
    - { get: /own, request: { client: shop, pattern: own } }
    - { get: /other, request: { client: shop, pattern: other } }
    - { get: /shut, request: { client: shop, pattern: shut } }
    - { get: /values, stream: { client: shop, pattern: values } }
)");
  const auto answer_to = [&](const std::string& what, const std::string& error) {
    auto socket = ask(what);
    answer(what, "\"err\":" + error);
    return caller_->read(socket, HttpCaller::has_body);
  };
  const std::string slow = answer_to("slow", R"({"code":"timeout","message":"no answer from 10.0.0.7"})");
  EXPECT_EQ(HttpCaller::status(slow), "504 Gateway Timeout");
  EXPECT_EQ(slow.find("10.0.0.7"), std::string::npos) << slow;
  const std::string stops = answer_to("values", R"({"code":"closed","message":"The service is shutting down"})");
  EXPECT_EQ(HttpCaller::status(stops), "503 Service Unavailable");
  EXPECT_NE(stops.find("\"code\":\"closed\""), std::string::npos) << stops;
  EXPECT_EQ(HttpCaller::status(answer_to("own", R"({"code":"timeout","status":409})")), "409 Conflict");
  const std::string shut = answer_to("shut", R"({"code":"closed","message":"The shop opens at nine"})");
  EXPECT_EQ(HttpCaller::status(shut), "500 Internal Server Error") << "an error of the handler's own";
  EXPECT_EQ(HttpCaller::status(answer_to("other", R"({"code":"E42"})")), "500 Internal Server Error");
}

}  // namespace
}  // namespace waybill::test
