// The registry: names meet implementations, and an unknown name says which ones there are.
#include "waybill/registry.hpp"

#include "support/named_serializer.hpp"
#include "waybill/error.hpp"

#include <gtest/gtest.h>

namespace waybill {
namespace {

using test::NamedSerializer;

TEST(Registry, HandsTheUrlToTheFactoryOfItsScheme) {
  Registry registry;
  std::string seen;
  registry.add_transport("pigeon", [&seen](const Url& url, const Registry&) -> Result<std::unique_ptr<Transport>> {
    seen = url.hosts.at(0).name;
    return Error(errc::unsupported, "too slow");
  });
  const auto transport = registry.make_transport(Url::parse("pigeon://loft").value());
  EXPECT_EQ(seen, "loft");
  ASSERT_FALSE(transport);
  EXPECT_EQ(transport.error().code(), errc::unsupported);
}

TEST(Registry, AnUnknownSchemeNamesTheNearestAndAll) {
  Registry registry;
  const auto none = [](const Url&, const Registry&) -> Result<std::unique_ptr<Transport>> {
    return Error(errc::internal, "not called");
  };
  registry.add_transport("amqp", none);
  registry.add_transport("tcp", none);
  const auto transport = registry.make_transport(Url::parse("ampq://h").value());
  ASSERT_FALSE(transport);
  EXPECT_EQ(transport.error().code(), errc::invalid_config);
  EXPECT_EQ(transport.error().message(), "unknown URL scheme \"ampq\"; did you mean \"amqp\"? Built in: amqp, tcp");
  EXPECT_EQ(registry.schemes(), (std::vector<std::string>{"amqp", "tcp"}));
}

TEST(Registry, TheFirstSerializerIsTheDefault) {
  Registry registry;
  EXPECT_THROW(registry.default_serializer(), Error);
  registry.add_serializer(std::make_unique<NamedSerializer>("json"));
  registry.add_serializer(std::make_unique<NamedSerializer>("msgpack"));
  EXPECT_EQ(registry.default_serializer().name(), "json");
  EXPECT_EQ(registry.serializer("msgpack").value()->name(), "msgpack");
  EXPECT_EQ(registry.find_serializer("cbor"), nullptr);
  const auto unknown = registry.serializer("msgpak");
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().message(),
            "unknown serializer \"msgpak\"; did you mean \"msgpack\"? Built in: json, msgpack");
}

TEST(Registry, ANameIsTakenOnce) {
  Registry registry;
  registry.add_serializer(std::make_unique<NamedSerializer>("json"));
  EXPECT_THROW(registry.add_serializer(std::make_unique<NamedSerializer>("json")), Error);
  const auto factory = [](const Url&, const Registry&) -> Result<std::unique_ptr<Transport>> {
    return Error(errc::internal, "not called");
  };
  registry.add_transport("tcp", factory);
  EXPECT_THROW(registry.add_transport("tcp", factory), Error);
}

}  // namespace
}  // namespace waybill
