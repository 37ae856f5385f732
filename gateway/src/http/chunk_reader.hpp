// ChunkReader: the chunked transfer coding (RFC 9112, 7.1), to the letter: what two readers could take for two things is
// refused.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace waybill::http {

class ChunkReader {
 public:
  enum class Outcome {
    more,
    complete,
    bad,       ///< It is no chunked body.
    too_long,  ///< Its data would be longer than `max_data`.
    too_much,  ///< Of extensions and trailer fields, more than `max_else`.
  };

  ChunkReader(std::size_t max_data, std::size_t max_else) : max_data_(max_data), max_else_(max_else) {}

  /// Appends data to `body`. Reads from `at` on, and moves it behind what was taken. Extensions and the trailer are
  /// passed over.
  Outcome read(const char* bytes, std::size_t size, std::size_t& at, std::string& body);

 private:
  enum class State : std::uint8_t { size, extension, size_end, data, data_cr, data_lf, line, field, field_end, last };
  Outcome take_digit(char c, std::size_t length);
  bool end_size(char c);
  bool take_extension(char c);
  bool begin_field(char c);
  bool take_field(char c);

  const std::size_t max_data_;
  const std::size_t max_else_;
  std::size_t left_ = 0;  // of the chunk
  std::size_t else_ = 0;  // bytes of extensions and of the trailer
  int digits_ = 0;
  State state_ = State::size;
  std::string extensions_;   // of the size that comes in
  bool is_in_name_ = false;  // of a trailer's field
};

}  // namespace waybill::http
