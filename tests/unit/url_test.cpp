// URLs and their options: what is read, every mistake at once, and never a secret shown.
#include "waybill/url.hpp"

#include "config/url_text.hpp"
#include "config/values.hpp"
#include "waybill/detail/nearest.hpp"
#include "waybill/error.hpp"
#include "waybill/transport/tls_url.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <string>
#include <vector>

namespace waybill {
namespace {

using namespace std::chrono_literals;

Url url_of(std::string_view text) { return Url::parse(text).value(); }

std::string mistakes_of(std::string_view text) {
  const auto url = Url::parse(text);
  if (url) return "none";
  EXPECT_EQ(url.error().code(), errc::invalid_config);
  return std::string(url.error().message());
}

bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

TEST(Url, HasAllItsParts) {
  const Url url = url_of("AMQP://us%65r:p%40ss@rabbit:5672/v%2fhost?queue=orders&durable=true&empty=&flag");
  EXPECT_EQ(url.scheme, "amqp");
  EXPECT_EQ(url.user, "user");
  EXPECT_EQ(url.password, "p@ss");
  ASSERT_EQ(url.hosts.size(), 1u);
  EXPECT_EQ(url.hosts[0].name, "rabbit");
  EXPECT_EQ(url.hosts[0].port, 5672);
  EXPECT_EQ(url.path, "v/host");
  ASSERT_EQ(url.options.size(), 4u);
  EXPECT_EQ(*url.option("queue"), "orders");
  EXPECT_EQ(*url.option("flag"), "");
  EXPECT_EQ(url.option("nothing"), nullptr);
}

TEST(Url, HasSeveralHostsAndPorts) {
  const Url url = url_of("kafka://a:9092,b,[::1]:9093,[fe80::1%25eth0]/topic");
  ASSERT_EQ(url.hosts.size(), 4u);
  EXPECT_TRUE(url.hosts[0].has_port);
  EXPECT_FALSE(url.hosts[1].has_port);
  EXPECT_EQ(url.hosts[2].name, "::1");
  EXPECT_EQ(url.hosts[2].port, 9093);
  EXPECT_EQ(url.hosts[3].name, "fe80::1%eth0");
  EXPECT_EQ(url.path, "topic");
}

TEST(Url, TellsPortZeroFromNoPort) {
  EXPECT_TRUE(url_of("tcp://127.0.0.1:0").hosts[0].has_port);
  EXPECT_EQ(url_of("tcp://127.0.0.1:0").redacted(), "tcp://127.0.0.1:0");
  EXPECT_EQ(url_of("tcp://127.0.0.1").redacted(), "tcp://127.0.0.1");
}

TEST(Url, MistakesAreToldAllAtOnce) {
  const std::string text = mistakes_of("tcp://host:99999/p%zz?a=%1&=x");
  EXPECT_TRUE(contains(text, "a port must be")) << text;
  EXPECT_TRUE(contains(text, "the path")) << text;
  EXPECT_TRUE(contains(text, "the value of an option")) << text;
  EXPECT_TRUE(contains(text, "has no name")) << text;
  EXPECT_TRUE(contains(mistakes_of(""), "found nothing"));
  EXPECT_TRUE(contains(mistakes_of("localhost:3000"), "expected scheme://host"));
  EXPECT_TRUE(contains(mistakes_of("://x"), "expected scheme://host"));
  EXPECT_TRUE(contains(mistakes_of("tcp://::1:3000"), "in brackets"));
  EXPECT_TRUE(contains(mistakes_of("tcp://[::1"), "']' is missing"));
  EXPECT_TRUE(contains(mistakes_of("tcp://[::1]3000"), "expected :port"));
  EXPECT_TRUE(contains(mistakes_of("tcp://a,,b"), "between commas"));
  EXPECT_TRUE(contains(mistakes_of("tcp://a b"), "%20"));
  EXPECT_TRUE(contains(mistakes_of("tcp://a#b"), "%23"));
  EXPECT_TRUE(contains(mistakes_of("tcp://a:port"), "a port must be"));
  EXPECT_TRUE(contains(mistakes_of("tcp://a:"), "a port must be"));
}

TEST(Url, SecretsAreNeverShown) {
  EXPECT_EQ(url_of("redis://u:hunter2@h/?a=b&sasl.password=hunter2").redacted(),
            "redis://u:***@h?a=b&sasl.password=***");
  for (const char* text :
       {"amqp://u:hunter2@h:port", "amqp://u:hun/ter2@h", "amqp://u:hun#ter2@h", "amqp://u:hun?ter2@h",
        "amqp://u:hun@ter2@h:x/?y=hunter2@z", "amqp://h:x?token=hunter2", "amqp://:hunter2@h:x",
        "amqp://h:x?t%6fken=hunter2", "amqp://u:hunter2 @h", "amqp://h:x?a=1&api_key=hunter2", "u:hunter2@h"}) {
    const std::string shown = mistakes_of(text);
    EXPECT_FALSE(contains(shown, "ter2")) << shown;
    EXPECT_NE(shown, "none") << text;
  }
  EXPECT_FALSE(detail::is_secret_name("key"));
  EXPECT_FALSE(detail::is_secret_name("ssl.key.location"));
  EXPECT_TRUE(detail::is_secret_name("ssl.key.pem"));
  EXPECT_TRUE(detail::is_secret_name("apiKey"));
}

TEST(Url, AnAtBehindTheAuthorityIsAUserPartThatWasNotEncoded) {
  for (const char* text :
       {"amqp://app:123?S3CRET@host/vh", "redis://:12/S3CRET@host", "kafka://app:7/S3CRET@host",
        "amqp://app:12/S3CRET@host", "amqp://app:1#S3CRET@host", "amqp://S3CRET/x@host", "amqp://app:p@S3CRET/w@host",
        "amqp://h/?password=pa@S3CRET", "amqp:/app:S3CRET@host", "app:S3/CRET@S3CRET/host"}) {
    const std::string shown = mistakes_of(text);
    EXPECT_FALSE(contains(shown, "CRET")) << shown;
    EXPECT_TRUE(contains(shown, "://***: ") || contains(shown, "***: expected scheme")) << shown;
    EXPECT_NE(shown, "none") << text;
  }
  const std::string text = mistakes_of("amqp://app:12/S3CRET@host?prefetch=x");
  EXPECT_TRUE(contains(text, "'/' is %2F, '?' is %3F, '#' is %23, '@' is %40")) << text;
  EXPECT_FALSE(contains(text, "\n")) << text;  // nothing else is said
  EXPECT_EQ(url_of("kafka://h/?native.sasl.username=me%40corp.example").redacted(),
            "kafka://h?native.sasl.username=me%40corp.example");
}

TEST(Url, PartsOfAPasswordThatWasCutOffAreNotShown) {
  // What white space or a # leaves of one.
  for (const char* text : {"amqp://app:S3CRET", "amqp://app:123456", "CRET@host", "amqp://h1,app:S3CRET/?a=b"}) {
    EXPECT_FALSE(contains(mistakes_of(text), "CRET")) << mistakes_of(text);
    EXPECT_FALSE(contains(mistakes_of(text), "1234")) << mistakes_of(text);
  }
  EXPECT_TRUE(contains(mistakes_of("tcp://[::1]:3000,b:x"), "tcp://[::1]:3000,b:***"))
      << mistakes_of("tcp://[::1]:3000,b:x");
}

TEST(Url, ZeroBytesAreRefusedEverywhere) {
  for (const char* text : {"amqp://us%00er@h", "amqp://u:pass%00@h", "amqp://h%00/", "amqp://h/vh%00",
                           "amqp://h?a%00=1", "amqp://h?a=%00"}) {
    EXPECT_TRUE(contains(mistakes_of(text), "%00")) << text;
  }
}

TEST(Url, ReadsBackWhatItShows) {
  const auto any_text = rc::gen::container<std::string>(rc::gen::distinctFrom('\0'));
  EXPECT_TRUE(rc::check("redacted() of a URL without secrets is the URL", [&any_text] {
    Url url;
    url.scheme = "tcp";
    url.user = *any_text;
    const auto count = *rc::gen::inRange(1, 4);
    for (int i = 0; i < count; ++i) {
      Url::Host host{'h' + *any_text, *rc::gen::arbitrary<std::uint16_t>(), true};
      if (host.port == 0) host.has_port = *rc::gen::arbitrary<bool>();
      url.hosts.push_back(host);
    }
    url.path = *any_text;
    for (const auto& [name, value] :
         *rc::gen::container<std::vector<std::pair<std::string, std::string>>>(rc::gen::pair(any_text, any_text))) {
      if (!name.empty() && !detail::is_secret_name(name)) url.options.emplace_back(name, value);
    }
    const Url read = url_of(url.redacted());
    RC_ASSERT(read.user == url.user);
    RC_ASSERT(read.path == url.path);
    RC_ASSERT(read.options == url.options);
    RC_ASSERT(read.hosts.size() == url.hosts.size());
    for (std::size_t i = 0; i < url.hosts.size(); ++i) {
      RC_ASSERT(read.hosts[i].name == url.hosts[i].name);
      RC_ASSERT(read.hosts[i].port == url.hosts[i].port);
      RC_ASSERT(read.hosts[i].has_port == url.hosts[i].has_port);
    }
  }));
}

TEST(Url, NeverShowsAPasswordWhateverItIs) {
  EXPECT_TRUE(rc::check("neither an error nor redacted() has the password", [](const std::string& noise) {
    const std::string text = "amqp://u:Zq7" + noise + "Zq8@h/?x=" + noise;
    const auto url = Url::parse(text);
    const std::string shown = url ? url->redacted() : std::string(url.error().message());
    RC_ASSERT(!contains(shown, "Zq7"));
  }));
}

TEST(OptionReader, ReadsEveryKindByAnyOfItsNames) {
  const Url url =
      url_of("x://h?prefetchCount=7&durable=false&wildcards&wait=2m&max=64KiB&mode=fast&name=n&lib.a=1&lib.b=2");
  OptionReader reader(url);
  EXPECT_EQ(reader.number("prefetch|prefetchCount", 64), 7u);
  EXPECT_FALSE(reader.flag("durable", true));
  EXPECT_TRUE(reader.flag("wildcards", false));
  EXPECT_EQ(reader.duration("wait", 1s), 2min);
  EXPECT_EQ(reader.size("max", 1), 64u << 10);
  EXPECT_EQ(reader.choice("mode", "safe|fast", 0), 1u);
  EXPECT_EQ(reader.text("name"), "n");
  EXPECT_EQ(reader.optional_text("other"), std::nullopt);
  EXPECT_EQ(reader.passthrough("lib.").size(), 2u);
  EXPECT_TRUE(reader.finish());
}

TEST(OptionReader, FallsBackToDefaults) {
  const Url url = url_of("x://h");
  OptionReader reader(url);
  EXPECT_EQ(reader.number("a", 5), 5u);
  EXPECT_TRUE(reader.flag("b", true));
  EXPECT_EQ(reader.duration("c", 3s), 3s);
  EXPECT_EQ(reader.size("d", 9), 9u);
  EXPECT_EQ(reader.choice("e", "x|y", 1), 1u);
  EXPECT_EQ(reader.text("f", "z"), "z");
  EXPECT_TRUE(reader.finish());
}

TEST(OptionReader, TellsEveryMistakeAtOnce) {
  const Url url =
      url_of("x://h?prefetch=many&prefetch=1&prefetchCount=2&durable=maybe&wait=5x&max=1TiB&mode=fats&quue=a");
  OptionReader reader(url);
  reader.number("prefetch|prefetchCount", 64, 1, 1000);
  reader.flag("durable", true);
  reader.duration("wait", 1s);
  reader.size("max", 1);
  reader.choice("mode", "safe|fast", 0);
  reader.text("queue");
  const auto outcome = reader.finish();
  ASSERT_FALSE(outcome);
  const std::string_view text = outcome.error().message();
  EXPECT_TRUE(contains(text, "\"prefetch\" is there twice")) << text;
  EXPECT_TRUE(contains(text, "\"prefetchCount\" is another name of \"prefetch\"")) << text;
  EXPECT_TRUE(contains(text, "\"durable\": expected true or false, found \"maybe\"")) << text;
  EXPECT_TRUE(contains(text, "\"wait\": expected a duration")) << text;
  EXPECT_TRUE(contains(text, "\"max\": expected a size")) << text;
  EXPECT_TRUE(contains(text, "expected safe or fast, found \"fats\"; did you mean \"fast\"?")) << text;
  EXPECT_TRUE(contains(text, "unknown option \"quue\"; did you mean \"queue\"?")) << text;
}

TEST(OptionReader, HidesTheValuesOfSecrets) {
  const Url url = url_of("x://h?token=hunter2");
  OptionReader reader(url);
  reader.number("token", 0);
  const auto outcome = reader.finish();
  ASSERT_FALSE(outcome);
  EXPECT_FALSE(contains(outcome.error().message(), "hunter2"));
}

TEST(OptionReader, NumbersHaveTheirLimits) {
  const Url url = url_of("x://h?a=0&b=-1&c=18446744073709551616&d=1.5&e=&f=11");
  OptionReader reader(url);
  EXPECT_EQ(reader.number("a", 5, 1), 5u);
  for (const char* name : {"b", "c", "d", "e"}) EXPECT_EQ(reader.number(name, 5), 5u) << name;
  EXPECT_EQ(reader.number("f", 5, 1, 10), 5u);
  const auto outcome = reader.finish();
  ASSERT_FALSE(outcome);
  EXPECT_TRUE(contains(outcome.error().message(), "from 1 to 10, found \"11\""));
}

TEST(Duration, HasUnits) {
  EXPECT_EQ(parse_duration("5s").value(), 5s);
  EXPECT_EQ(parse_duration("250ms").value(), 250ms);
  EXPECT_EQ(parse_duration("2m").value(), 2min);
  EXPECT_EQ(parse_duration("1h").value(), 1h);
  EXPECT_EQ(parse_duration("5000").value(), 5s);
  for (const char* text : {"", "s", "-1s", "5 s", "1.5s", "5y", "99999999999999999999", "9999999999d"}) {
    EXPECT_FALSE(parse_duration(text)) << text;
  }
}

TEST(Size, HasUnits) {
  EXPECT_EQ(detail::parse_size("16MiB"), 16u << 20);
  EXPECT_EQ(detail::parse_size("10MB"), 10'000'000u);
  EXPECT_EQ(detail::parse_size("7"), 7u);
  EXPECT_EQ(detail::parse_size("99999999999GiB"), std::nullopt);
  EXPECT_EQ(detail::parse_size("1 MiB"), std::nullopt);
}

TEST(Nearest, FindsWhatWasMeant) {
  const std::vector<std::string> known{"queue", "durable", "prefetch", "max_in_flight"};
  EXPECT_EQ(detail::nearest("quueue", known), "queue");
  EXPECT_EQ(detail::nearest("Durabel", known), "durable");
  EXPECT_EQ(detail::nearest("prefetchCount", known), "");
  EXPECT_EQ(detail::nearest("flight", known), "max_in_flight");
  EXPECT_EQ(detail::nearest("colour", known), "");
  EXPECT_EQ(detail::edit_distance("ab", "ba"), 1u);
  EXPECT_EQ(detail::edit_distance("", "abc"), 3u);
  EXPECT_EQ(detail::nearest(std::string(100'000, 'a'), known), "");
}

struct TlsMembers {
  bool tls = false, verify = true;
  std::string ca, cert, key, key_password, client_ca;
};

std::string tls_mistakes_of(std::string_view text) {
  const Url url = url_of(text);
  OptionReader reader(url);
  TlsMembers members;
  transport::read_tls(reader, url, "tcps", members);
  const auto finished = reader.finish();
  return finished ? "none" : std::string(finished.error().message());
}

TEST(TlsOptions, MustNotContradictTheScheme) {
  const std::string verify = tls_mistakes_of("tcp://h/?verify=true");
  EXPECT_NE(verify.find("verify: needs TLS"), std::string::npos);
  EXPECT_EQ(verify.find("verify: needs TLS"), verify.rfind("verify: needs TLS")) << "said once: " << verify;
  EXPECT_EQ(tls_mistakes_of("tcps://h/?ca=a&cert=b&key=c&key_password=d&client_ca=e&verify=false"), "none");
  EXPECT_EQ(tls_mistakes_of("tcp://h/?tls=true&ca=a"), "none");
  EXPECT_TRUE(contains(tls_mistakes_of("tcps://h/?tls=false"), "tls: cannot be false in a tcps:// URL"));
  const std::string mistakes = tls_mistakes_of("tcp://h/?ca=a&client_ca=e");
  EXPECT_TRUE(contains(mistakes, "\n")) << "one line each: " << mistakes;
  for (const char* part : {"ca: needs TLS, write tcps:// or tls=true", "client_ca: needs TLS"}) {
    EXPECT_TRUE(contains(mistakes, part)) << mistakes;
  }
}

}  // namespace
}  // namespace waybill
