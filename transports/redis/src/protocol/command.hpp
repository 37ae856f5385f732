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

/// `*3\r\n` or `$4\r\n`; Out is a Buffer or a std::string.
template <class Out>
void append_count(Out& out, char kind, std::size_t count) {
  char line[40] = {kind};
  char* end = std::to_chars(line + 1, line + sizeof line - 2, count).ptr;
  *end++ = '\r';
  *end++ = '\n';
  out.append(line, static_cast<std::size_t>(end - line));
}

/// `$4\r\nnews\r\n`
template <class Out>
void append_bulk(Out& out, std::string_view text) {
  append_count(out, '$', text.size());
  out.append(text.data(), text.size());
  out.append("\r\n", 2);
}

/// `*2\r\n` and so many bulks.
template <class Out>
void append_command(Out& out, std::initializer_list<std::string_view> words) {
  append_count(out, '*', words.size());
  for (const std::string_view word : words) append_bulk(out, word);
}

/// PUBLISH to `channel`, all that goes before the body: the same for each message of a channel.
inline std::string publish_head(std::string_view channel) {
  std::string head;
  append_count(head, '*', 3);
  append_bulk(head, "PUBLISH");
  append_bulk(head, channel);
  return head;
}

}  // namespace waybill::redis
