#include "http/chunk_reader.hpp"

#include "http/targets.hpp"

#include <algorithm>
#include <string_view>

namespace waybill::http {

namespace {

constexpr int k_most_digits = 16;

bool is_text(char c) noexcept { return c == '\t' || (static_cast<unsigned char>(c) >= ' ' && c != '\x7f'); }

void skip_blanks(std::string_view& text) noexcept {
  text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
}

bool take_token(std::string_view& text) noexcept {
  std::size_t size = 0;
  while (size < text.size() && is_token_character(text[size])) ++size;
  text.remove_prefix(size);
  return size > 0;
}

bool take_quoted(std::string_view& text) noexcept {
  if (!text.starts_with('"')) return false;
  std::size_t end = 1;
  while (end < text.size() && text[end] != '"') end += text[end] == '\\' ? 2 : 1;
  const bool is_whole = end < text.size();
  text.remove_prefix(std::min(end + 1, text.size()));
  return is_whole;
}

/// `;name`, `;name=token`, `;name="text"`, with blanks around the marks but not at the end; or nothing.
bool are_extensions(std::string_view text) noexcept {
  while (!text.empty()) {
    skip_blanks(text);
    if (!text.starts_with(';')) return false;
    text.remove_prefix(1);
    skip_blanks(text);
    if (!take_token(text)) return false;
    std::string_view value = text;
    skip_blanks(value);
    if (!value.starts_with('=')) continue;
    text = value.substr(1);
    skip_blanks(text);
    if (!take_token(text) && !take_quoted(text)) return false;
  }
  return true;
}

}  // namespace

ChunkReader::Outcome ChunkReader::take_digit(char c, std::size_t length) {
  left_ = left_ * 16 + static_cast<std::size_t>(hex_digit_of(c));
  if (++digits_ > k_most_digits) return Outcome::bad;
  return left_ > max_data_ - length ? Outcome::too_long : Outcome::more;
}

/// What stands behind the digits.
bool ChunkReader::end_size(char c) {
  if (digits_ == 0 || (c != '\r' && c != ';' && c != ' ' && c != '\t')) return false;
  extensions_.clear();
  state_ = State::extension;
  return take_extension(c);
}

bool ChunkReader::take_extension(char c) {
  if (c == '\r') {
    state_ = State::size_end;
    return are_extensions(extensions_);
  }
  extensions_.push_back(c);
  return is_text(c);
}

bool ChunkReader::begin_field(char c) {
  is_in_name_ = true;
  state_ = c == '\r' ? State::last : State::field;
  return c == '\r' || is_token_character(c);
}

bool ChunkReader::take_field(char c) {
  if (is_in_name_) {
    is_in_name_ = c != ':';
    return !is_in_name_ || is_token_character(c);
  }
  if (c == '\r') state_ = State::field_end;
  return c == '\r' || is_text(c);
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
        if (!take_extension(c)) return Outcome::bad;
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
        if (!begin_field(c)) return Outcome::bad;
        break;
      case State::field:
        if (!take_field(c)) return Outcome::bad;
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
