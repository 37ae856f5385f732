// Both framings of tcp without a socket: every split of the bytes, NestJS's own vectors, hostile lengths.
#include "vectors.hpp"
#include "wire/nest_frame.hpp"
#include "wire/utf16.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <random>
#include <stdexcept>
#include <string>
#include <vector>

namespace waybill::tcp {
namespace {

using nlohmann::json;
using test::from_base64;
using test::vectors;

constexpr std::size_t k_no_limit = std::size_t{1} << 40;

const json& vector_named(const std::string& name) {
  static const auto lines = vectors("tcp.jsonl");
  for (const json& line : lines)
    if (line.at("name") == name) return line;
  throw std::runtime_error("no vector " + name);
}

std::vector<std::string> writes_of(const json& line) {
  std::vector<std::string> writes;
  for (const json& write : line.at("writes")) writes.push_back(from_base64(write.at("bytes_base64")));
  return writes;
}

struct Read {
  std::vector<std::string> texts;
  bool is_broken = false;
};

/// Plays the stream: keeps what the reader does not take and shows it again, as the socket stream does.
Read read_nest(const std::vector<std::string>& writes, std::size_t max_units = k_no_limit,
               std::size_t max_bytes = k_no_limit) {
  NestFrameReader reader(max_units, max_bytes);
  Read read;
  Buffer tail;
  for (const std::string& write : writes) {
    tail.append(write);
    if (!reader.admit(tail.data(), tail.size())) {
      read.is_broken = true;
      return read;
    }
    std::size_t at = 0;
    for (bool more = false; !more;) {
      Slice text;
      switch (reader.next(tail.data(), tail.size(), at, text)) {
        case NestFrameReader::Outcome::frame: read.texts.emplace_back(text.view()); break;
        case NestFrameReader::Outcome::more: more = true; break;
        case NestFrameReader::Outcome::broken: read.is_broken = true; return read;
      }
    }
    if (at) tail.erase(0, at);
  }
  return read;
}

/// The slow truth: one character after the other, the longest beginning of an invalid one as one.
Utf16Cursor count_plainly(const std::string& text) {
  Utf16Cursor cursor{text.size(), 0, true};
  for (std::size_t i = 0; i < text.size();) {
    const auto byte = [&](std::size_t k) { return k < text.size() ? static_cast<unsigned char>(text[k]) : 0; };
    const int lead = byte(i);
    std::size_t length = lead < 0x80 ? 1 : lead < 0xC2 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 1;
    std::size_t good = 1;
    while (good < length) {
      const int next = byte(i + good);
      int least = 0x80, most = 0xBF;
      if (good == 1 && lead == 0xE0) least = 0xA0;
      if (good == 1 && lead == 0xED) most = 0x9F;
      if (good == 1 && lead == 0xF0) least = 0x90;
      if (good == 1 && lead == 0xF4) most = 0x8F;
      if (next < least || next > most) break;
      ++good;
    }
    cursor.units += good == 4 ? 2 : 1;
    cursor.is_utf8 &= good == length && (length > 1 || lead < 0x80);
    i += good;
  }
  return cursor;
}

std::string random_text(std::mt19937& random, std::size_t pieces, bool valid) {
  static const std::vector<std::string> k_good = {"a", "{\"x\":1}", "é", "한글", "😀", "plain ascii for a while ",
                                                  "€", "\x7f"};
  static const std::vector<std::string> k_bad = {"\xff",         "\x80",        "\xc3",         "\xe2\x82",
                                                 "\xf0\x9f\x98", "\xc0\xaf",    "\xed\xa0\x80", "\xf4\x90\x80\x80",
                                                 "\xf8\x88",     "\xe0\x80\x9f"};
  std::string text;
  for (std::size_t i = 0; i < pieces; ++i) {
    if (!valid && random() % 7 == 0) {
      text += k_bad[random() % k_bad.size()];
    } else {
      text += k_good[random() % k_good.size()];
    }
  }
  return text;
}

TEST(TcpUtf16, CountsAsTheSlowTruthDoes) {
  std::mt19937 random(1);
  for (int round = 0; round < 3000; ++round) {
    const std::string text = random_text(random, random() % 400, round % 2 == 0);
    const Slice slice = Slice::copy(text);
    const Utf16Cursor truth = count_plainly(text);
    ASSERT_EQ(utf16_length(slice.data(), slice.size()), truth.units) << "round " << round;
    ASSERT_EQ(utf16_length_of_own(slice.data(), slice.size()), truth.units) << "round " << round;
    Utf16Cursor cursor;
    count_utf16(slice.data(), slice.size(), truth.units, cursor);
    if (cursor.bytes == text.size()) {
      ASSERT_EQ(cursor.is_utf8, truth.is_utf8) << "round " << round;
    }
  }
}

TEST(TcpUtf16, CountsWhatNodeCounts) {
  // Measured with Node's string_decoder.
  const std::vector<std::pair<std::string, std::size_t>> k_cases = {{"\xe2\x82", 1},
                                                                    {"\xe2\x82"
                                                                     "a",
                                                                     2},
                                                                    {"\xf0\x9f\x98", 1},
                                                                    {"\xc0\xaf", 2},
                                                                    {"\xed\xa0\x80", 3},
                                                                    {"\xf8\x88\x80\x80", 4},
                                                                    {"\xff", 1},
                                                                    {"\xf0\x80\x80\x80", 4},
                                                                    {"\xe0\x80\x9f"
                                                                     "a",
                                                                     4},
                                                                    {"\xf4\x90\x80\x80", 4}};
  for (const auto& [text, units] : k_cases) {
    const Slice slice = Slice::copy(text);
    EXPECT_EQ(utf16_length(slice.data(), slice.size()), units);
    EXPECT_EQ(utf16_length_of_own(slice.data(), slice.size()), units) << "also where leads and tails are as many";
  }
}

TEST(TcpUtf16, ResumesAnywhere) {
  std::mt19937 random(2);
  for (int round = 0; round < 200; ++round) {
    const std::string text = random_text(random, 60, true);
    const std::size_t units = count_plainly(text).units;
    Utf16Cursor cursor;
    for (std::size_t shown = 1; shown <= text.size(); shown += 1 + random() % 20) {
      const Slice slice = Slice::copy(text.substr(0, shown));
      count_utf16(slice.data(), slice.size(), units, cursor);
      ASSERT_LE(shown - cursor.bytes, 3u) << "nothing whole is left uncounted";
    }
    const Slice whole = Slice::copy(text);
    count_utf16(whole.data(), whole.size(), units, cursor);
    ASSERT_EQ(cursor.bytes, text.size());
    ASSERT_EQ(cursor.units, units);
  }
}

TEST(TcpNestFrame, ReadsEveryFrameThatNestJsWrites) {
  int frames = 0;
  for (const json& line : vectors("tcp.jsonl")) {
    if (!line.contains("bytes_base64") || !line.contains("declared_length")) continue;
    const std::string frame = from_base64(line.at("bytes_base64"));
    const std::string body = frame.substr(frame.find('#') + 1);
    const Read read = read_nest({frame + frame});
    ASSERT_EQ(read.texts, (std::vector<std::string>{body, body})) << line.at("name");
    Buffer out;
    NestFrameWriter writer;
    const std::size_t start = writer.begin(out);
    out.append(body);
    writer.end(out, start);
    ASSERT_EQ(out.view(), frame) << line.at("name");
    ++frames;
  }
  EXPECT_GT(frames, 100);
}

TEST(TcpNestFrame, EverySplitOfAStreamGivesTheSameFrames) {
  const std::string stream = "7#{\"a\":1} 0002#{}9#{\"b\":\"한\"}10#{\"c\":\"😀\"}10abc#{\"d\":\"\xff-\"}1#0";
  const Read whole = read_nest({stream});
  ASSERT_EQ(whole.texts.size(), 6u);
  ASSERT_FALSE(whole.is_broken);
  for (std::size_t i = 0; i <= stream.size(); ++i)
    for (std::size_t k = i; k <= stream.size(); ++k)
      ASSERT_EQ(read_nest({stream.substr(0, i), stream.substr(i, k - i), stream.substr(k)}).texts, whole.texts)
          << i << "," << k;
  std::vector<std::string> bytes;
  for (const char c : stream) bytes.emplace_back(1, c);
  EXPECT_EQ(read_nest(bytes).texts, whole.texts);
}

TEST(TcpNestFrame, RawServerVectorsAreFramedAsNestJsDoes) {
  for (const json& line : vectors("tcp.jsonl")) {
    const std::string name = line.at("name");
    if (!name.starts_with("tcp/raw-server/") && !name.starts_with("tcp/raw-client/")) continue;
    const Read read = read_nest(writes_of(line));
    const bool bad_length = name.find("/length-hex") != std::string::npos || name.ends_with("/length-not-a-number") ||
                            name.ends_with("/length-empty") || name.ends_with("/length-negative") ||
                            name.ends_with("/zero-length") || name.ends_with("/corrupt-length");
    EXPECT_EQ(read.is_broken, bad_length) << name;
  }
}

TEST(TcpNestFrame, OtherProtocolsAreNotWaitedFor) {
  for (const char* begin :
       {"GET / HTTP/1.1\r\n", "POST /orders HTTP/1.1\r\nHost: a\r\n\r\n{}", "HTTP/1.1 400 Bad Request\r\n"})
    EXPECT_TRUE(read_nest({begin}).is_broken) << begin;
  EXPECT_TRUE(read_nest({std::string("\x16\x03\x01\x02\x00\x01", 6)}).is_broken) << "TLS";
  EXPECT_FALSE(read_nest({"GET"}).is_broken) << "NestJS waits";
  EXPECT_FALSE(read_nest({"GETTING"}).is_broken);
}

TEST(TcpNestFrame, LimitsCountCharactersAsNestJsDoes) {
  const auto play = [](const std::string& name) { return read_nest(writes_of(vector_named(name)), 100); };
  EXPECT_EQ(play("tcp/limit/whole-frame-at-limit").texts.size(), 1u);
  EXPECT_TRUE(play("tcp/limit/whole-frame-over-limit").is_broken);
  EXPECT_EQ(play("tcp/limit/frame-over-limit-in-pieces").texts.size(), 1u);
  EXPECT_FALSE(play("tcp/limit/declared-over-limit").is_broken);
}

TEST(TcpNestFrame, HostileLengthsEndTheStream) {
  for (const char* prefix : {"#", "0#", "-1#", "abc#", "0x10#", " #", "+#", "--5#",
                             "\xef\xbb\xbf"
                             "2#",
                             "00#", "-0#"})
    EXPECT_TRUE(read_nest({std::string(prefix) + "{}"}).is_broken) << prefix;
  EXPECT_TRUE(read_nest({"1#😀"}).is_broken) << "the length would split a surrogate pair";
  EXPECT_TRUE(read_nest({std::string(2000, '1')}).is_broken) << "a prefix without end";
  EXPECT_FALSE(read_nest({std::string(65, '1')}).is_broken) << "NestJS waits";
  const Read huge = read_nest({"99999999999999999999999999999#" + std::string(500, 'x')}, k_no_limit, 1000);
  EXPECT_TRUE(huge.is_broken) << "a unit has a byte at least: it would be too large, and need not be gathered first";
  EXPECT_TRUE(read_nest({"9999#" + std::string(1001, 'x')}, k_no_limit, 1000).is_broken);
  EXPECT_TRUE(read_nest({"1001#" + std::string(1001, 'x')}, k_no_limit, 1000).is_broken);
  EXPECT_EQ(read_nest({"1000#" + std::string(1000, 'x')}, k_no_limit, 1000).texts.size(), 1u);
}

TEST(TcpNestFrame, AFrameOfWhichOnlyTheLengthCameIsUnfinished) {
  NestFrameReader reader(1u << 20, 1u << 20);
  const Slice bytes = Slice::copy("12#");
  std::size_t at = 0;
  Slice text;
  EXPECT_FALSE(reader.is_inside_frame());
  EXPECT_EQ(reader.next(bytes.data(), bytes.size(), at, text), NestFrameReader::Outcome::more);
  EXPECT_EQ(at, bytes.size()) << "nothing is left over";
  EXPECT_TRUE(reader.is_inside_frame()) << "and yet more must come";
}

TEST(TcpNestFrame, TellsWhetherItsTextIsUtf8) {
  const std::string bad = "\"\xed\xa0\x80\"";
  const Slice bytes = Slice::copy("9#\"plain 1\"4#\"한글\"5#" + bad + "3#\"a\"");
  NestFrameReader reader(1u << 20, 1u << 20);
  std::size_t at = 0;
  for (const bool is_utf8 : {true, true, false, true}) {
    Slice text;
    ASSERT_EQ(reader.next(bytes.data(), bytes.size(), at, text), NestFrameReader::Outcome::frame);
    EXPECT_EQ(text.is_known_utf8(), is_utf8) << text.view();
  }
}

TEST(TcpNestFrame, PrefixesOfAllLengthsAreWritten) {
  Buffer out;
  NestFrameWriter writer;
  std::string expected;
  for (const std::size_t size : {1u, 9u, 10u, 99u, 100u, 999u, 1000u, 9u, 100'000u, 3u, 12u}) {
    const std::size_t start = writer.begin(out);
    out.append(std::string(size, 'y'));
    writer.end(out, start);
    expected += std::to_string(size) + "#" + std::string(size, 'y');
  }
  EXPECT_EQ(out.view(), expected);
}

}  // namespace
}  // namespace waybill::tcp
