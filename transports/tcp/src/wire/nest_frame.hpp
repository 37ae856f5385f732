// NestJS framing, pure: frames out of bytes and bytes around packets.
//
//   stream  = *frame                 back to back, both directions
//   frame   = length "#" text        UTF-8
//   length  = 1*DIGIT                UTF-16 units of text, at least 1
//   text    = a JSON value
//
// Written exactly so. Read as NestJS reads it, like JavaScript's parseInt: white space, a sign and zeros may come
// before the digits, and anything up to the "#" behind them. No number, 0 or a negative one is the end of the
// connection.
#pragma once

#include "waybill/slice.hpp"
#include "wire/utf16.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace waybill::tcp {

/// Cuts a stream of bytes into JSON texts. Nothing is counted twice, however the bytes arrive.
class NestFrameReader {
 public:
  enum class Outcome { frame, more, broken };

  /// `max_units`: of all that waits unread, prefix and further frames included. `max_bytes`: of one text.
  NestFrameReader(std::size_t max_units, std::size_t max_bytes) : max_units_(max_units), max_bytes_(max_bytes) {}

  /// True when a frame's length was read and its text was not: even with no byte left over, more must come.
  bool is_inside_frame() const noexcept { return wanted_ != 0; }

  /// Called once for what one read brought, before next(): false if more waits than max_units.
  bool admit(const char* data, std::size_t size) const noexcept;

  /// Looks for a frame from data + at on and moves `at` behind what is done with: the frame, or only its prefix. What
  /// is left must be shown again, with more behind it. On `broken` problem() tells why.
  /// REQUIRES: k_padding readable bytes behind data + size.
  Outcome next(const char* data, std::size_t size, std::size_t& at, Slice& text) noexcept;

  const char* problem() const noexcept { return problem_; }

 private:
  Outcome broken(const char* problem) noexcept {
    problem_ = problem;
    return Outcome::broken;
  }
  Outcome read_length(const char* data, std::size_t size, std::size_t& at) noexcept;

  std::size_t max_units_;
  std::size_t max_bytes_;
  std::size_t wanted_ = 0;  // units of the frame whose prefix was read; 0 between frames
  Utf16Cursor cursor_;      // within its text
  const char* problem_ = "";
};

/// Puts the prefix before a text that is composed in place.
class NestFrameWriter {
 public:
  /// Makes room for the prefix. Returns where the frame begins.
  std::size_t begin(Buffer& out);
  /// Writes the prefix of the text that was appended since begin().
  void end(Buffer& out, std::size_t start);

 private:
  std::size_t digits_ = 3;  // of the last frame; the next one will probably need as many
};

}  // namespace waybill::tcp
