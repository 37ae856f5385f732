// Commands in RESP, written by hand into the output: it costs less than hiredis's formatter, which allocates each.
//
//   *2\r\n$9\r\nSUBSCRIBE\r\n$4\r\nnews\r\n
#pragma once

#include "waybill/slice.hpp"

#include <charconv>
#include <initializer_list>
#include <string>
#include <string_view>

namespace waybill::redis {

/// `$4\r\nnews\r\n`; Out is a Buffer or a std::string.
template <class Out>
void append_bulk(Out& out, std::string_view text) {
  char digits[24] = {'$'};
  char* end = std::to_chars(digits + 1, digits + sizeof digits - 2, text.size()).ptr;
  *end++ = '\r';
  *end++ = '\n';
  out.append(digits, static_cast<std::size_t>(end - digits));
  out.append(text.data(), text.size());
  out.append("\r\n", 2);
}

/// `*3\r\n`, which is followed by so many bulks.
template <class Out>
void append_count(Out& out, std::size_t count) {
  char digits[24] = {'*'};
  char* end = std::to_chars(digits + 1, digits + sizeof digits - 2, count).ptr;
  *end++ = '\r';
  *end++ = '\n';
  out.append(digits, static_cast<std::size_t>(end - digits));
}

template <class Out>
void append_command(Out& out, std::initializer_list<std::string_view> words) {
  append_count(out, words.size());
  for (const std::string_view word : words) append_bulk(out, word);
}

/// PUBLISH to `channel`, all that goes before the body: the same for each message of a channel.
inline std::string publish_head(std::string_view channel) {
  std::string head;
  append_count(head, 3);
  append_bulk(head, "PUBLISH");
  append_bulk(head, channel);
  return head;
}

}  // namespace waybill::redis
