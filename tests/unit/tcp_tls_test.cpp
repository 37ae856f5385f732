// TLS on tcp: chain and name are verified, both ways if asked for. Certificates are made by the openssl command line.
#include "tcp_rig.hpp"
#include "waybill/transport/held_bytes.hpp"
#include "waybill/transports/socket/fresh_tls.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

namespace waybill::test {
namespace {

/// Two authorities, a server's certificate for 127.0.0.1 and "here.test", one for another name, and a client's.
class Certificates {
 public:
  Certificates() {
    folder_ = std::filesystem::temp_directory_path() / ("waybill-tls-" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder_);
    authority("ca");
    authority("stranger");
    signed_by("ca", "server", "subjectAltName=IP:127.0.0.1,DNS:here.test");
    signed_by("ca", "elsewhere", "subjectAltName=DNS:elsewhere.test");
    signed_by("ca", "client", "subjectAltName=DNS:client.test,URI:spiffe://test/client,DNS:a b");
    signed_by("stranger", "foreigner", "subjectAltName=DNS:client.test");
  }
  ~Certificates() { std::filesystem::remove_all(folder_); }
  std::string file(const std::string& name) const { return (folder_ / name).string(); }
  /// "cert=...&key=..."
  std::string pair(const std::string& name) const {
    return "cert=" + file(name + ".pem") + "&key=" + file(name + ".key");
  }
  /// The key of `name` behind a password, as FILE.
  void encrypt_key(const std::string& name, const std::string& file_name, const std::string& password) {
    run("openssl ec -in " + file(name + ".key") + " -aes256 -passout pass:" + password + " -out " + file(file_name));
  }
  bool are_made() const { return made_; }

 private:
  void run(const std::string& command) { made_ = std::system((command + " 2>/dev/null").c_str()) == 0 && made_; }
  void key(const std::string& name) {
    run("openssl ecparam -name prime256v1 -genkey -noout -out " + file(name + ".key"));
  }
  void authority(const std::string& name) {
    key(name);
    run("openssl req -x509 -new -key " + file(name + ".key") + " -days 2 -subj /CN=" + name + " -out " +
        file(name + ".pem"));
  }
  void signed_by(const std::string& authority, const std::string& name, const std::string& extension) {
    key(name);
    run("openssl req -new -key " + file(name + ".key") + " -subj /CN=" + name + " -out " + file(name + ".csr"));
    run("echo '" + extension + "' > " + file(name + ".ext"));
    run("openssl x509 -req -in " + file(name + ".csr") + " -CA " + file(authority + ".pem") + " -CAkey " +
        file(authority + ".key") + " -CAcreateserial -days 2 -extfile " + file(name + ".ext") + " -out " +
        file(name + ".pem"));
  }
  std::filesystem::path folder_;
  bool made_ = true;
};

class TcpTls : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { certificates_ = std::make_unique<Certificates>(); }
  static void TearDownTestSuite() { certificates_.reset(); }
  void SetUp() override {
    const auto tried = rig.registry_transport(Url::parse("tcps://localhost?" + certificates().pair("server")).value());
    ASSERT_TRUE(tried) << tried.error().what();
    ASSERT_TRUE(certificates().are_made()) << "the openssl command line could not make certificates";
  }
  Certificates& certificates() { return *certificates_; }
  std::string ca(const std::string& name = "ca") { return "ca=" + certificates().file(name + ".pem"); }
  /// The error of a listener with these options; fails if it opens.
  std::string refusal_of_listener(const std::string& options) {
    auto transport = rig.transport("tcps://127.0.0.1:0?" + options);
    auto listener = transport->make_listener(rig.environment());
    const Result<void> opened = run_until(rig.loop, listener->open({}, rig.sink));
    listener->close();
    EXPECT_FALSE(opened) << options;
    if (opened) return {};
    EXPECT_TRUE(opened.error().code() == errc::invalid_config) << opened.error().what();
    return opened.error().what();
  }
  void call() {
    rig.connection->send(rig.request("1", "\"secret\""), 0);
    ASSERT_TRUE(eventually(rig.loop, [&] { return !rig.replies.replies.empty(); }));
    EXPECT_EQ(rig.replies.replies[0].payload.view(), "\"secret\"");
  }
  TcpRig rig;

 private:
  static inline std::unique_ptr<Certificates> certificates_;
};

TEST_F(TcpTls, CallsAServerWhoseCertificateIsGood) {
  rig.listen(certificates().pair("server"), "tcps");
  for (const char* framing : {"&framing=nest", "&framing=binary"}) {
    const Result<void> opened = rig.connect(ca() + framing, "tcps");
    ASSERT_TRUE(opened) << opened.error().what();
    rig.replies.replies.clear();
    call();
    rig.connection->close();
  }
}

TEST_F(TcpTls, WhatTlsHasToWriteIsInTheAccountOfTheProcess) {
  const std::size_t before = waybill::transport::held_bytes();
  rig.listen(certificates().pair("server"), "tcps");
  ASSERT_TRUE(rig.connect(ca(), "tcps"));
  call();
  EXPECT_GT(waybill::transport::held_bytes(), before + (64u << 10)) << "what TLS itself needs, twice";
  rig.connection->pause();
  // Replies that nobody reads: more than the buffers of two systems take.
  const std::string text = '"' + std::string(12u << 20, 'x') + '"';
  rig.keep = true;
  rig.connection->send(rig.request("2", "1"), 0);
  ASSERT_TRUE(eventually(rig.loop, [&] { return rig.sink.deliveries.size() == 1; }));
  rig.sink.deliveries.front().packet.payload = Slice::copy(text);
  TcpRig::echo(rig.sink.deliveries.front());
  TcpRig::echo(rig.sink.deliveries.front());
  rig.sink.deliveries.clear();
  EXPECT_TRUE(eventually(rig.loop, [&] { return waybill::transport::held_bytes() > before + (20u << 20); }));
  rig.connection->close();
  rig.listener->close();
  EXPECT_TRUE(eventually(rig.loop, [&] { return waybill::transport::held_bytes() <= before; }));
}

TEST_F(TcpTls, CarriesLargePayloads) {
  rig.listen(certificates().pair("server"), "tcps");
  ASSERT_TRUE(rig.connect(ca(), "tcps"));
  const std::string text = "\"" + std::string(3u << 20, 'x') + "\"";
  for (int i = 0; i < 3; ++i) rig.connection->send(rig.request(std::to_string(i), text), 0);
  ASSERT_TRUE(eventually(rig.loop, [&] { return rig.replies.replies.size() == 3; }));
  for (const Packet& reply : rig.replies.replies) EXPECT_EQ(reply.payload.view(), text);
}

TEST_F(TcpTls, RefusesACertificateForAnotherName) {
  rig.listen(certificates().pair("elsewhere"), "tcps");
  const Result<void> opened = rig.connect(ca(), "tcps");
  ASSERT_FALSE(opened);
  EXPECT_TRUE(opened.error().code() == errc::unauthorized) << opened.error().what();
  EXPECT_TRUE(rig.connect(ca() + "&server_name=elsewhere.test", "tcps")) << "the name it is expected to have";
  EXPECT_FALSE(rig.logs.contains("verify=false"));
  EXPECT_TRUE(rig.connect("verify=false", "tcps")) << "asked not to look";
  EXPECT_EQ(rig.logs.count("verify=false"), 1u);
}

TEST_F(TcpTls, RefusesACertificateOfAnUnknownAuthority) {
  rig.listen(certificates().pair("server"), "tcps");
  const Result<void> opened = rig.connect(ca("stranger"), "tcps");
  ASSERT_FALSE(opened);
  EXPECT_TRUE(opened.error().code() == errc::unauthorized) << opened.error().what();
  EXPECT_FALSE(rig.connect("", "tcps")) << "the system does not know it either";
}

TEST_F(TcpTls, DemandsClientCertificatesWhenToldTo) {
  rig.listen(certificates().pair("server") + "&client_ca=" + certificates().file("ca.pem"), "tcps");
  ASSERT_TRUE(rig.connect(ca() + "&" + certificates().pair("client"), "tcps"));
  call();
  rig.connection->close();
  for (const std::string& credentials : {std::string(), "&" + certificates().pair("foreigner")}) {
    rig.replies.lost.clear();
    // With TLS 1.3 the client learns of it only when it first reads.
    const Result<void> opened = rig.connect(ca() + credentials, "tcps");
    if (opened) {
      ASSERT_TRUE(eventually(rig.loop, [&] { return !rig.replies.lost.empty(); })) << credentials;
    }
    rig.connection->close();
  }
  EXPECT_EQ(rig.sink.delivered, 1u);
}

TEST_F(TcpTls, HandlersSeeWhoseCertificateTheCallerHasShown) {
  rig.listen(certificates().pair("server") + "&client_ca=" + certificates().file("ca.pem"), "tcps");
  for (const char* framing : {"&framing=nest", "&framing=binary"}) {
    ASSERT_TRUE(rig.connect(ca() + "&" + certificates().pair("client") + framing, "tcps"));
    rig.keep = true;
    for (const char* id : {"1", "2"}) rig.connection->send(rig.request(id, "1"), 0);
    ASSERT_TRUE(eventually(rig.loop, [&] { return rig.sink.deliveries.size() == 2; }));
    for (const Delivery& delivery : rig.sink.deliveries) {
      const Headers& properties = delivery.packet.properties;
      ASSERT_TRUE(properties.find("certificate_subject")) << framing;
      EXPECT_EQ(*properties.find("certificate_subject"), "CN=client");
      ASSERT_TRUE(properties.find("certificate_names"));
      EXPECT_EQ(*properties.find("certificate_names"), "DNS:client.test,URI:spiffe://test/client");
    }
    rig.sink.deliveries.clear();
    rig.connection->close();
  }
}

TEST_F(TcpTls, WhereNoCertificateIsAskedForNobodyIsSeen) {
  rig.listen(certificates().pair("server"), "tcps");
  ASSERT_TRUE(rig.connect(ca() + "&" + certificates().pair("client"), "tcps"));
  rig.keep = true;
  rig.connection->send(rig.request("1", "1"), 0);
  ASSERT_TRUE(eventually(rig.loop, [&] { return rig.sink.deliveries.size() == 1; }));
  EXPECT_TRUE(rig.sink.deliveries.front().packet.properties.empty());
}

TEST_F(TcpTls, ARefusedClientCertificateIsUnauthorizedAndNotTriedForEver) {
  rig.listen(certificates().pair("server") + "&client_ca=" + certificates().file("ca.pem"), "tcps");
  for (const std::string& credentials : {std::string(), "&" + certificates().pair("foreigner")}) {
    rig.replies.lost.clear();
    Result<void> opened = rig.connect(ca() + credentials + "&framing=nest", "tcps");
    if (opened) {  // TLS 1.3
      ASSERT_TRUE(eventually(rig.loop, [&] { return !rig.replies.lost.empty(); })) << credentials;
      opened = run_until(rig.loop, rig.connection->open(rig.replies));
    }
    ASSERT_FALSE(opened);
    EXPECT_TRUE(opened.error().code() == errc::unauthorized) << opened.error().what();
    rig.connection->close();
    opened = rig.connect(ca() + credentials + "&framing=binary", "tcps");
    ASSERT_FALSE(opened);
    EXPECT_TRUE(opened.error().code() == errc::unauthorized) << opened.error().what();
    rig.connection->close();
  }
}

TEST_F(TcpTls, AScopedAddressIsVerifiedToo) {
  rig.listen(certificates().pair("server"), "tcps");
  for (const char* name : {"fe80::1%25lo", "2001:db8::1"}) {
    const Result<void> opened = rig.connect(ca() + "&server_name=" + name, "tcps");
    ASSERT_FALSE(opened) << name << ": any certificate of the authority would do";
    EXPECT_TRUE(opened.error().code() == errc::unauthorized) << opened.error().what();
    rig.connection->close();
  }
  EXPECT_TRUE(rig.connect(ca() + "&server_name=here.test.", "tcps")) << "a name may end with a dot";
}

TEST_F(TcpTls, OptionsOfTheOtherRoleAreRefused) {
  EXPECT_NE(refusal_of_listener(certificates().pair("server") + "&" + ca()).find("client_ca"), std::string::npos);
  refusal_of_listener(certificates().pair("server") + "&server_name=here.test");
  refusal_of_listener(certificates().pair("server") + "&verify=false");
  rig.port = 1;
  const Result<void> opened = rig.connect("client_ca=" + certificates().file("ca.pem"), "tcps");
  ASSERT_FALSE(opened);
  EXPECT_TRUE(opened.error().code() == errc::invalid_config) << opened.error().what();
}

TEST_F(TcpTls, AnEncryptedKeyNeedsItsPasswordAndNobodyIsAskedForIt) {
  certificates().encrypt_key("server", "locked.key", "open");
  ASSERT_TRUE(certificates().are_made());
  const std::string files = "cert=" + certificates().file("server.pem") + "&key=" + certificates().file("locked.key");
  EXPECT_NE(refusal_of_listener(files).find("key_password"), std::string::npos);
  EXPECT_NE(refusal_of_listener(files + "&key_password=wrong").find("locked.key"), std::string::npos);
  rig.listen(files + "&key_password=open", "tcps");
  ASSERT_TRUE(rig.connect(ca(), "tcps"));
  call();
}

TEST_F(TcpTls, ARenewedCertificateIsUsedWithoutARestart) {
  socket::FreshTls fresh(std::chrono::milliseconds(0));
  socket::TlsOptions options;
  options.cert = certificates().file("renewed.pem");
  options.key = certificates().file("renewed.key");
  const auto put = [&](const std::string& name, const char* ending) {
    std::filesystem::copy_file(certificates().file(name + ending), certificates().file(std::string("renewed") + ending),
                               std::filesystem::copy_options::overwrite_existing);
  };
  put("server", ".pem");
  put("server", ".key");
  ASSERT_TRUE(fresh.open(options, socket::TlsRole::server, {}));
  const auto now = [] { return std::chrono::steady_clock::now(); };
  const auto first = fresh.context(now());
  EXPECT_EQ(fresh.context(now()), first) << "nothing has changed";
  put("elsewhere", ".pem");
  EXPECT_EQ(fresh.context(now()), first) << "the key does not fit yet";
  put("elsewhere", ".key");
  EXPECT_NE(fresh.context(now()), first);
}

TEST_F(TcpTls, RepliesToAClientThatSendsOnSurviveTheDrain) {
  rig.listen(certificates().pair("server"), "tcps");
  ASSERT_TRUE(rig.connect(ca(), "tcps"));
  rig.keep = true;
  const std::string large = "\"" + std::string(300'000, 'x') + "\"";
  rig.connection->send(rig.request("1", large), 0);
  ASSERT_TRUE(eventually(rig.loop, [&] { return rig.sink.deliveries.size() == 1; }));
  rig.listener->stop_intake();
  TcpRig::echo(rig.sink.deliveries.front());
  rig.sink.deliveries.clear();
  bool is_flushed = false;
  asio::co_spawn(rig.loop, rig.listener->flush(), [&](std::exception_ptr) { is_flushed = true; });
  ASSERT_TRUE(eventually(rig.loop, [&] {
    if (rig.replies.lost.empty()) rig.connection->send(rig.request("late", "1"), 0);
    return is_flushed;
  }));
  rig.listener->close();
  ASSERT_TRUE(eventually(rig.loop, [&] { return !rig.replies.lost.empty(); }));
  ASSERT_FALSE(rig.replies.replies.empty());
  EXPECT_EQ(rig.replies.replies[0].payload.view(), large);
}

TEST_F(TcpTls, WhatAClientFlushedIsHandledAfterItsClose) {
  rig.listen(certificates().pair("server"), "tcps");
  ASSERT_TRUE(rig.connect(ca(), "tcps"));
  for (int i = 0; i < 50; ++i)
    rig.connection->send(rig.request(std::to_string(i), "\"" + std::string(20'000, 'x') + "\""), 0);
  run_until(rig.loop, rig.connection->flush());
  rig.connection->close();
  rig.connection.reset();
  EXPECT_TRUE(eventually(rig.loop, [&] { return rig.sink.delivered == 50; })) << rig.sink.delivered;
}

TEST_F(TcpTls, APeerThatDoesNotSpeakTlsIsEnded) {
  rig.listen(certificates().pair("server") + "&handshake_timeout=100ms", "tcps");
  auto talking = rig.raw();
  bool ended = false;
  rig.talk(
      talking, framed("{\"pattern\":\"echo\",\"data\":1,\"id\":1}"), [](auto&) { return false; }, &ended);
  EXPECT_TRUE(ended);
  auto silent = rig.raw();
  rig.talk(
      silent, "", [](auto&) { return false; }, &ended);
  EXPECT_TRUE(ended);
  EXPECT_EQ(rig.sink.delivered, 0u);
}

TEST_F(TcpTls, TlsOnOneSideOnlyIsSaid) {
  rig.listen(certificates().pair("server"), "tcps");
  ASSERT_TRUE(rig.connect("", "tcp")) << "it notices only when it has sent something";
  rig.connection->send(rig.request("1", "1"), 0);
  ASSERT_TRUE(eventually(rig.loop, [&] { return !rig.replies.lost.empty(); }));
  EXPECT_NE(std::string(rig.replies.lost[0].what()).find("write tcps://"), std::string::npos);
  rig.connection->close();
  TcpRig plain;
  plain.listen();
  const Result<void> opened = plain.connect(ca(), "tcps");
  ASSERT_FALSE(opened);
  EXPECT_NE(std::string(opened.error().what()).find("write tcp://"), std::string::npos) << opened.error().what();
}

TEST_F(TcpTls, SaysWhichFileIsWrong) {
  auto transport = rig.transport("tcps://127.0.0.1:0?cert=" + certificates().file("none.pem") +
                                 "&key=" + certificates().file("server.key"));
  auto listener = transport->make_listener(rig.environment());
  const Result<void> opened = run_until(rig.loop, listener->open({}, rig.sink));
  ASSERT_FALSE(opened);
  EXPECT_TRUE(opened.error().code() == errc::invalid_config);
  EXPECT_NE(std::string(opened.error().what()).find("none.pem"), std::string::npos);
  listener->close();
}

}  // namespace
}  // namespace waybill::test
