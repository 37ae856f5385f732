// Reading MessagePack where it lies: one value at a time, nothing built up.
//
//   first byte   value                     first byte   value
//   00-7f        0..127                    d9 da db     text with 8, 16, 32 bits of length
//   80-8f        map of 0..15              c4 c5 c6     bytes with 8, 16, 32 bits of length
//   90-9f        list of 0..15             ca cb        float32, float64
//   a0-bf        text of 0..31 bytes       cc..cf       naturals of 8..64 bits
//   c0           null                      d0..d3       integers of 8..64 bits
//   c2 c3        false, true               dc dd de df  lists and maps with 16, 32 bits of count
//   e0-ff        -32..-1                   c7-c9 d4-d8  extensions; c1 is never used
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace waybill::msgpack {

enum class Type : std::uint8_t {
  null,
  boolean,
  integer,
  natural,
  number,
  text,
  bytes,
  list,
  map,
  extension,
  malformed,  ///< Too few bytes, or a byte that means nothing.
};

/// One value without its content, if it is a list or map.
struct Head {
  Type type = Type::malformed;
  bool flag = false;          ///< Of boolean.
  std::int64_t integer = 0;   ///< Of integer, and of natural when it is at most INT64_MAX; of extension: its own type.
  std::uint64_t natural = 0;  ///< Of natural.
  double number = 0;
  std::string_view content;    ///< Of text, bytes and extension.
  std::uint32_t count = 0;     ///< Of list: items; of map: pairs.
  const char* next = nullptr;  ///< Behind the value; of lists and maps at their first item.
};

/// Reads the value at `at`. Never reads at or behind `end`.
Head read_head(const char* at, const char* end) noexcept;

/// The time of an extension of type -1, which JavaScript's encoders make of a Date: milliseconds since 1970, without what
/// it has below. False: it is none.
bool timestamp_of(const Head& head, std::int64_t& milliseconds) noexcept;

enum class Skip { ok, malformed, too_deep };

/// Moves `at` behind the value there, with all that is in it, checked by msgpack-c.
Skip skip_value(const char*& at, const char* end);

/// The same of any depth. False: it is malformed.
bool skip_any_depth(const char*& at, const char* end) noexcept;

}  // namespace waybill::msgpack
