// Binary framing: every split, every flipped byte, hostile lengths.
#include "support/named_serializer.hpp"
#include "wire/binary_frame.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace waybill::tcp {
namespace {

const test::NamedSerializer k_named("named");  // only its identity counts

BinaryFrameReader binary_reader(std::size_t max_frame = 1 << 20) {
  return BinaryFrameReader(max_frame, [](std::string_view name) { return name == "named" ? &k_named : nullptr; });
}

std::string describe(const Packet& p) {
  std::string text = std::to_string(static_cast<int>(p.kind)) + "|" + std::to_string(p.last) +
                     std::to_string(p.has_payload) + std::to_string(p.has_pattern) + "|" + std::string(p.pattern.text) +
                     std::to_string(p.pattern.is_json) + "|" + std::string(p.id.text) + std::to_string(p.id.is_json) +
                     "|" + std::string(p.payload.view()) + "|" + std::string(p.metadata.view()) + "|" +
                     (p.serializer ? "named" : "none");
  for (const auto& [name, value] : p.headers) text += "|" + name + "=" + value;
  return text;
}

std::vector<Packet> sample_packets() {
  std::vector<Packet> packets(5);
  packets[0].kind = PacketKind::request;
  packets[0].has_pattern = packets[0].has_payload = true;
  packets[0].pattern = {"{\"cmd\":\"x\"}", true};
  packets[0].id = {"abc", false};
  packets[0].serializer = &k_named;
  packets[0].payload = Slice::copy(std::string_view("pay\0load", 8));
  packets[0].headers.set("trace", "1234");
  packets[0].headers.set("empty", "");
  packets[0].metadata = Slice::copy("meta");
  packets[1].kind = PacketKind::event;
  packets[1].has_pattern = packets[1].has_payload = true;
  packets[1].pattern = {"order.created", false};
  packets[1].serializer = &k_named;
  packets[2].kind = PacketKind::value;
  packets[2].last = packets[2].has_payload = true;
  packets[2].id = {"7", true};
  packets[2].serializer = &k_named;
  packets[2].payload = Slice::copy(std::string(5000, 'z'));
  packets[3].kind = PacketKind::end;
  packets[3].last = true;
  packets[3].id = {"", false};
  packets[4].kind = PacketKind::no_handler;
  packets[4].id = {"q", false};
  return packets;
}

struct BinaryRead {
  std::vector<std::string> packets;
  bool is_broken = false;
};

BinaryRead read_binary(const std::vector<std::string>& writes, std::size_t max_frame = 1 << 20) {
  BinaryFrameReader reader = binary_reader(max_frame);
  BinaryRead read;
  Buffer tail;
  for (const std::string& write : writes) {
    tail.append(write);
    std::size_t at = 0;
    for (bool more = false; !more;) {
      Packet packet;
      switch (reader.next(tail.data(), tail.size(), at, packet)) {
        case BinaryFrameReader::Outcome::packet: read.packets.push_back(describe(packet)); break;
        case BinaryFrameReader::Outcome::sign:
          read.packets.push_back("sign " + std::to_string(static_cast<int>(reader.sign())));
          break;
        case BinaryFrameReader::Outcome::more: more = true; break;
        case BinaryFrameReader::Outcome::broken: read.is_broken = true; return read;
      }
    }
    if (at) tail.erase(0, at);
  }
  return read;
}

std::string sample_stream(std::vector<std::string>& expected) {
  Buffer out;
  BinaryFrameWriter writer;
  for (const Packet& packet : sample_packets()) {
    EXPECT_EQ(writer.write(packet, 1 << 20, out), "");
    expected.push_back(describe(packet));
  }
  for (const Sign sign : {Sign::ask, Sign::here, Sign::pausing}) {
    append_sign(out, sign);
    expected.push_back("sign " + std::to_string(static_cast<int>(sign)));
  }
  return std::string(out.view());
}

TEST(TcpBinaryFrame, EverySplitOfAStreamGivesTheSamePackets) {
  std::vector<std::string> expected;
  const std::string stream = sample_stream(expected);
  ASSERT_EQ(read_binary({stream}).packets, expected);
  for (std::size_t i = 0; i <= stream.size(); ++i)
    ASSERT_EQ(read_binary({stream.substr(0, i), stream.substr(i)}).packets, expected) << i;
  std::vector<std::string> bytes;
  for (const char c : stream) bytes.emplace_back(1, c);
  EXPECT_EQ(read_binary(bytes).packets, expected);
}

TEST(TcpBinaryFrame, ASignOfLifeIsAHeadAndNothingElse) {
  Buffer out;
  append_sign(out, Sign::ask);
  const std::string sign(out.view());
  ASSERT_EQ(sign.size(), 20u);
  EXPECT_EQ(read_binary({sign}).packets, (std::vector<std::string>{"sign 6"}));
  for (std::size_t i = 5; i < sign.size(); ++i) {
    std::string changed = sign;
    changed[i] = 1;
    EXPECT_TRUE(read_binary({changed}).is_broken) << i;
  }
  std::string unknown = sign;
  unknown[4] = 9;
  EXPECT_TRUE(read_binary({unknown}).is_broken);
  std::string longer = sign + "x";
  longer[0] = 17;
  EXPECT_TRUE(read_binary({longer}).is_broken);
}

TEST(TcpBinaryFrame, NoChangeOfOneByteReadsBeyondTheFrame) {
  std::vector<std::string> expected;
  const std::string stream = sample_stream(expected);
  for (std::size_t i = 0; i < stream.size() && i < 400; ++i)
    for (const int value : {0x00, 0x01, 0x7f, 0x80, 0xff}) {
      std::string changed = stream;
      changed[i] = static_cast<char>(value);
      read_binary({changed});  // the sanitizers judge
    }
}

/// A frame that follows one that has named the serializer.
std::string usual_frame(Packet packet) {
  Buffer out;
  BinaryFrameWriter writer;
  EXPECT_EQ(writer.write(packet, 1 << 20, out), "");
  const std::size_t first = out.size();
  EXPECT_EQ(writer.write(packet, 1 << 20, out), "");
  return std::string(out.view().substr(first));
}

TEST(TcpBinaryFrame, TheShortWayReadsWhatTheLongWayReads) {
  std::vector<std::string> expected;
  const std::string named = sample_stream(expected);
  Packet packet = sample_packets()[1];
  packet.kind = PacketKind::request;
  packet.id = {"abc", false};
  packet.payload = Slice::copy("pay");
  const std::string frame = usual_frame(packet);
  int usual = 0;
  for (std::size_t i = 0; i < frame.size(); ++i)
    for (int value = 0; value < 256; ++value) {
      BinaryFrameReader reader = binary_reader(200);
      BinaryFrameReader long_way = binary_reader(200);
      for (BinaryFrameReader* each : {&reader, &long_way}) {
        Packet first;
        std::size_t at = 0;
        ASSERT_EQ(each->next(named.data(), named.size(), at, first), BinaryFrameReader::Outcome::packet);
      }
      Buffer changed;
      changed.append(frame);
      changed.append(frame);
      changed.data()[i] = static_cast<char>(value);
      Packet short_packet, packet_too;
      std::size_t at = 0, at_too = 0;
      if (!reader.next_usual(changed.data(), changed.size(), at, short_packet)) continue;
      ++usual;
      ASSERT_EQ(long_way.next(changed.data(), changed.size(), at_too, packet_too), BinaryFrameReader::Outcome::packet);
      EXPECT_EQ(describe(short_packet), describe(packet_too)) << i << " " << value;
      EXPECT_EQ(short_packet.payload.is_unseen(), packet_too.payload.is_unseen()) << i << " " << value;
      EXPECT_EQ(at, at_too) << i << " " << value;
    }
  EXPECT_GT(usual, 1000);
}

TEST(TcpBinaryFrame, TheShortWayWritesWhatTheLongWayWrites) {
  BinaryFrameWriter writer;
  Buffer out;
  for (const Packet& packet : sample_packets()) {
    out.clear();
    EXPECT_FALSE(writer.write_usual(packet, 1 << 20, out)) << "nobody has named the serializer";
  }
  EXPECT_EQ(writer.write(sample_packets()[1], 1 << 20, out), "");
  int usual = 0;
  for (const Packet& packet : sample_packets()) {
    Buffer long_way;
    out.clear();
    EXPECT_EQ(writer.write(packet, 1 << 20, long_way), "");
    if (!writer.write_usual(packet, 1 << 20, out)) continue;
    ++usual;
    EXPECT_EQ(out.view(), long_way.view()) << describe(packet);
    EXPECT_FALSE(writer.write_usual(packet, out.size() - 5, out)) << "larger than max_frame";
  }
  EXPECT_EQ(usual, 2);
}

TEST(TcpBinaryFrame, AnErrorsPayloadIsNoneThatNobodyLooksAt) {
  for (const PacketKind kind : {PacketKind::request, PacketKind::event, PacketKind::value, PacketKind::error}) {
    Packet packet = sample_packets()[2];
    packet.kind = kind;
    Buffer out;
    BinaryFrameWriter writer;
    EXPECT_EQ(writer.write(packet, 1 << 20, out), "");
    BinaryFrameReader reader = binary_reader();
    Packet read;
    std::size_t at = 0;
    ASSERT_EQ(reader.next(out.data(), out.size(), at, read), BinaryFrameReader::Outcome::packet);
    EXPECT_EQ(read.payload.is_unseen(), kind != PacketKind::error);
  }
}

TEST(TcpBinaryFrame, HostileLengthsEndTheStream) {
  std::vector<std::string> expected;
  const std::string stream = sample_stream(expected);
  const auto with = [&](std::size_t at, std::string bytes) {
    std::string changed = stream;
    return read_binary({changed.replace(at, bytes.size(), bytes)});
  };
  EXPECT_TRUE(with(0, std::string("\x0f\0\0\0", 4)).is_broken) << "shorter than its head";
  EXPECT_TRUE(with(0, "\xff\xff\xff\xff").is_broken) << "larger than max_frame";
  EXPECT_TRUE(with(4, "\x06").is_broken) << "unknown kind";
  EXPECT_TRUE(with(5, "\x20").is_broken) << "unknown flag";
  EXPECT_TRUE(with(6, "\x01\x01").is_broken) << "pattern too long";
  EXPECT_TRUE(with(8, "\xff\xff").is_broken) << "id too long";
  EXPECT_TRUE(with(10, "\x10").is_broken) << "no such slot";
  EXPECT_TRUE(with(11, std::string(1, '\0')).is_broken) << "a slot that was never named";
  EXPECT_TRUE(with(12, "\xff\xff\xff\xff").is_broken) << "extra longer than the frame";
  EXPECT_TRUE(with(20, "other").is_broken) << "an unknown serializer";
}

TEST(TcpBinaryFrame, WhatIsTooLargeIsRefusedAndLeavesNothing) {
  BinaryFrameWriter writer;
  Buffer out;
  out.append("kept");
  Packet packet = sample_packets()[2];
  EXPECT_NE(writer.write(packet, 1000, out), "");
  const std::string pattern(257, 'p');
  packet = sample_packets()[1];
  packet.pattern = {pattern, false};
  EXPECT_NE(writer.write(packet, 1 << 20, out), "");
  packet = sample_packets()[0];
  packet.headers.set("big", std::string(70'000, 'h'));
  EXPECT_NE(writer.write(packet, 1 << 20, out), "");
  EXPECT_EQ(out.view(), "kept");
}

}  // namespace
}  // namespace waybill::tcp
