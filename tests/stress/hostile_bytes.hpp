// What hostile peers send: broken, absurd and malicious streams of both framings, made from one seeded random source.
// Frames are built here byte by byte, not by waybill's own writers, which refuse to write most of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace waybill::test {

/// How a stream leaves and how it ends.
enum class Pace { whole, split, drip };
enum class Ending {
  fin,    ///< Half close, then read until the service ends.
  reset,  ///< RST right behind the last byte.
  wait,   ///< Nothing: the service must end the connection by itself.
};

struct Attack {
  std::string kind;  ///< For people.
  std::string bytes;
  Pace pace = Pace::whole;
  Ending ending = Ending::fin;
  std::uint64_t seed = 0;  ///< Of its cuts: what a storm sends depends on its own seed only, not on who writes when.
};

/// Fields of one binary frame; the lengths are those of the parts unless `edit` changes the head afterwards.
struct BinaryParts {
  unsigned char kind = 0;
  unsigned char flags = 2 | 4;
  std::string pattern = "echo";
  std::string id = "1";
  unsigned char index = 0;
  std::string name = "json";
  std::string extra;
  std::string payload = "\"x\"";
};

inline constexpr std::string_view k_binary_preface{"\0WB\1", 4};

inline void put_number(std::string& to, std::uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) to.push_back(static_cast<char>((value >> (8 * i)) & 255));
}

inline std::string binary_frame(const BinaryParts& parts) {
  const std::string rest = parts.name + parts.pattern + parts.id + parts.extra + parts.payload;
  std::string frame;
  put_number(frame, 16 + rest.size(), 4);
  frame.push_back(static_cast<char>(parts.kind));
  frame.push_back(static_cast<char>(parts.flags));
  put_number(frame, parts.pattern.size(), 2);
  put_number(frame, parts.id.size(), 2);
  frame.push_back(static_cast<char>(parts.index));
  frame.push_back(static_cast<char>(parts.name.size()));
  put_number(frame, parts.extra.size(), 4);
  put_number(frame, 1000, 4);
  return frame + rest;
}

/// UTF-16 units of a valid UTF-8 text.
inline std::size_t units_of(std::string_view text) {
  std::size_t units = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0xF0)
      units += 2;
    else if (byte < 0x80 || byte >= 0xC0)
      ++units;
  }
  return units;
}
inline std::string nest_frame(std::string_view json) {
  return std::to_string(units_of(json)) + "#" + std::string(json);
}

/// `count` copies of a text.
inline std::string repeat(std::string_view text, std::size_t count) {
  std::string all;
  all.reserve(text.size() * count);
  while (count-- > 0) all.append(text);
  return all;
}

/// Makes attacks. Not thread-safe.
class HostileBytes {
 public:
  explicit HostileBytes(std::uint64_t seed) : random_(seed) {}

  /// The kinds take turns, so that every run has all of them. Streams to a client lack what only a service answers.
  Attack next();
  static std::size_t kinds();

  std::size_t below(std::size_t limit) { return limit ? static_cast<std::size_t>(random_() % limit) : 0; }
  std::string bytes(std::size_t count);

 private:
  using Maker = std::string (HostileBytes::*)();
  struct Kind {
    const char* name;
    Maker make;
  };
  static const std::vector<Kind>& all_kinds();

  template <class T>
  const T& any(const std::vector<T>& choices) {
    return choices[below(choices.size())];
  }
  std::string of(std::string_view alphabet, std::size_t count);
  std::string good_nest();
  std::string good_binary();
  std::string good_either();
  std::string any_pattern();

  // Each makes one stream.
  std::string random_bytes();
  std::string soup();
  std::string absurd_length();
  std::string wrong_length();
  std::string deep_json();
  std::string tiny_frames();
  std::string half_frame();
  std::string mutated_head();
  std::string flipped_bit();
  std::string giants();
  std::string replies();
  std::string bad_text();
  std::string no_serializer();
  std::string serializer_tables();
  std::string wrong_types();
  std::string many_keys();
  std::string bad_msgpack();
  std::string bad_headers();
  std::string flood();
  std::string streams();
  std::string prefaces();
  std::string other_protocols();

  std::mt19937_64 random_;
  std::size_t turn_ = 0;
};

}  // namespace waybill::test
