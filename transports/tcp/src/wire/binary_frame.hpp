// waybill's binary framing, pure: packets of any serializer, told apart from NestJS framing by the first byte.
//
// A client opens with the preface, the listener answers with the same four bytes; then frames go both ways.
//   preface  00 'W' 'B' 01            a NestJS stream cannot begin with 00; 01 is the version
//
// All numbers are little-endian.
//   frame
//     0  u32  length of the rest of the frame, at least 16, at most max_frame
//     4  u8   kind: 0 request, 1 event, 2 value, 3 error, 4 end, 5 no handler; 6 to 8 are signs of life
//     5  u8   flags: 1 last, 2 has payload, 4 has pattern, 8 pattern is JSON, 16 id is JSON
//     6  u16  bytes of pattern, at most 256
//     8  u16  bytes of id, at most 4096
//    10  u8   serializer of payload and metadata: an index of the sender's table (0 to 15), 255 for none
//    11  u8   bytes of the serializer's name: 0 if the index is known; the first use of an index brings the name
//    12  u32  bytes of extra: 0 if there are neither headers nor metadata
//    16  u32  milliseconds that the caller of a request still waits, 0 if it does not say
//    20       name, pattern, id, extra, payload (all that is left)
//   extra
//     0  u16  how many headers, then for each: u16 bytes of name, u32 bytes of value, name, value; 64 KiB in all
//             metadata (all that is left)
//   signs of life are heads with nothing but length and kind: a client asks with 6, the listener answers with 7; one that
//   stops reading, as it has too much in hand, says 8 first, and 7 when it reads on
#pragma once

#include "waybill/slice.hpp"
#include "waybill/transport/packet.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace waybill::tcp {

inline constexpr std::string_view k_preface{"\0WB\1", 4};
inline constexpr std::size_t k_max_pattern = 256;
inline constexpr std::size_t k_max_id = 4096;
inline constexpr std::size_t k_max_headers = 64u << 10;
inline constexpr std::size_t k_serializer_slots = 16;

/// Frames without a packet. The numbers are those of the wire.
enum class Sign : std::uint8_t {
  ask = 6,      ///< Of a client: are you there?
  here = 7,     ///< Of a listener: it reads.
  pausing = 8,  ///< Of a listener: it reads nothing until it says `here`, and answers no question.
};
void append_sign(Buffer& out, Sign sign);

/// Cuts a stream of bytes into packets whose views point into it.
class BinaryFrameReader {
 public:
  enum class Outcome { packet, sign, more, broken };
  /// Finds a serializer by the name that the peer gave; null if there is none.
  using Lookup = std::function<const Serializer*(std::string_view name)>;

  BinaryFrameReader(std::size_t max_frame, Lookup lookup) : max_frame_(max_frame), lookup_(std::move(lookup)) {}

  /// Reads a frame with the parts that most have. False, and nothing is done: next() finds out what is there.
  bool next_usual(const char* data, std::size_t size, std::size_t& at, Packet& packet) const noexcept;
  /// As NestFrameReader::next(). `packet` must be fresh, or plain (Packet::is_plain) and have no route.
  Outcome next(const char* data, std::size_t size, std::size_t& at, Packet& packet);
  Sign sign() const noexcept { return sign_; }  ///< The last one.
  const std::string& problem() const noexcept { return problem_; }

 private:
  Outcome broken(std::string problem) {
    problem_ = std::move(problem);
    return Outcome::broken;
  }
  bool read_serializer(unsigned char index, std::string_view name, Packet& packet);
  bool read_extra(std::string_view extra, Packet& packet);

  std::size_t max_frame_;
  Lookup lookup_;
  std::array<const Serializer*, k_serializer_slots> table_{};  // named by the peer so far
  Sign sign_ = Sign::here;
  std::string problem_;
};

/// Appends packets as frames.
class BinaryFrameWriter {
 public:
  /// Writes a packet without headers, metadata and anything that must be told first. False, and nothing is done: write() does
  /// it.
  bool write_usual(const Packet& packet, std::size_t max_frame, Buffer& out);
  /// Empty on success; else a sentence says what cannot be carried, and `out` is as long as before.
  std::string write(const Packet& packet, std::size_t max_frame, Buffer& out);

 private:
  std::vector<const Serializer*> table_;
};

}  // namespace waybill::tcp
