#include "http/chunk_reader.hpp"

#include "http/targets.hpp"

#include <algorithm>

namespace waybill::http {

namespace {

constexpr int k_most_digits = 16;

bool is_text(char c) noexcept { return c == '\t' || (static_cast<unsigned char>(c) >= ' ' && c != '\x7f'); }

}  // namespace

ChunkReader::Outcome ChunkReader::take_digit(char c, std::size_t length) {
  left_ = left_ * 16 + static_cast<std::size_t>(hex_digit_of(c));
  if (++digits_ > k_most_digits) return Outcome::bad;
  return left_ > max_data_ - length ? Outcome::too_long : Outcome::more;
}

/// What stands behind the digits.
bool ChunkReader::end_size(char c) {
  if (digits_ == 0 || (c != '\r' && c != ';' && c != ' ' && c != '\t')) return false;
  state_ = c == '\r' ? State::size_end : State::extension;
  return true;
}

ChunkReader::Outcome ChunkReader::read(const char* bytes, std::size_t size, std::size_t& at, std::string& body) {
  while (at < size) {
    if (state_ == State::data) {
      const std::size_t count = std::min(left_, size - at);
      body.append(bytes + at, count);
      at += count;
      left_ -= count;
      if (left_ == 0) state_ = State::data_cr;
      continue;
    }
    const char c = bytes[at++];
    const bool is_else = state_ == State::extension || state_ == State::field || state_ == State::line;
    if (is_else && ++else_ > max_else_) return Outcome::too_much;
    switch (state_) {
      case State::size:
        if (hex_digit_of(c) < 0) {
          if (!end_size(c)) return Outcome::bad;
        } else if (const Outcome outcome = take_digit(c, body.size()); outcome != Outcome::more) {
          return outcome;
        }
        break;
      case State::extension:
        if (c != '\r' && !is_text(c)) return Outcome::bad;
        if (c == '\r') state_ = State::size_end;
        break;
      case State::size_end:
        if (c != '\n') return Outcome::bad;
        state_ = left_ ? State::data : State::line;
        digits_ = 0;
        break;
      case State::data_cr:
        if (c != '\r') return Outcome::bad;
        state_ = State::data_lf;
        break;
      case State::data_lf:
        if (c != '\n') return Outcome::bad;
        state_ = State::size;
        break;
      case State::line:
        if (c == ' ' || c == '\t' || (c != '\r' && !is_text(c))) return Outcome::bad;
        state_ = c == '\r' ? State::last : State::field;
        break;
      case State::field:
        if (c != '\r' && !is_text(c)) return Outcome::bad;
        if (c == '\r') state_ = State::field_end;
        break;
      case State::field_end:
        if (c != '\n') return Outcome::bad;
        state_ = State::line;
        break;
      case State::last: return c == '\n' ? Outcome::complete : Outcome::bad;
      case State::data: break;
    }
  }
  return Outcome::more;
}

}  // namespace waybill::http
