// Header tables of AMQP <-> waybill::Headers. Pure. Input is untrusted: nesting is capped, lengths are checked.
//
//   table   size:4  (name: short string, kind:1, value)*
//   kinds   S text  x bytes  t boolean  b B s u I i l L integers  f d fractions  D decimal  T time  V null
//           F table  A array
#pragma once

#include "waybill/slice.hpp"
#include "waybill/transport/packet.hpp"

#include <span>
#include <string>
#include <string_view>

namespace waybill::amqp {

/// Appends the entries of a table, given without its size. Texts stay texts; numbers, booleans, null, tables and arrays
/// become their JSON text. `typed` is set to the whole table as JSON when one of its values is no text; else left alone.
/// False when the bytes are no table; `headers` is then as it was.
bool read_table(std::string_view table, Headers& headers, std::string& typed);

/// Appends the entries of a table as they are, but for those named in `without`. `value` is set to the text of the entry
/// named `wanted`, if there is one. False when the bytes are no table; then some may have been appended.
bool copy_entries(Buffer& out, std::string_view table, std::span<const std::string_view> without,
                  std::string_view wanted, std::string_view& value);

/// Appends a table with its size: texts as S, what is not UTF-8 as x. Names beyond 255 bytes are left out.
/// `extra`: entries already encoded, which come first.
void append_table(Buffer& out, const Headers& headers, std::string_view extra = {});

/// One entry of a table: a text as S, what is not UTF-8 as x. With a name beyond 255 bytes: nothing.
void append_entry(Buffer& out, std::string_view name, std::string_view value);

/// One entry whose value is a text.
void append_text_entry(std::string& out, std::string_view name, std::string_view value);

}  // namespace waybill::amqp
