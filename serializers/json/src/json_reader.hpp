// The Reader of JSON (waybill/format/decoder.hpp): a cursor over the text itself. Each byte is looked at once, where
// it is decoded, and everything is checked on the way: what is not JSON is refused in members that nobody wants, too.
// What is not UTF-8 is read as NestJS reads it, with U+FFFD in its place.
#pragma once

#include "json_find.hpp"
#include "json_number.hpp"
#include "json_text.hpp"
#include "waybill/format/decoder.hpp"

#include <string>
#include <string_view>

namespace waybill::json {

using format::Found;
using format::Read;

/// Stands before a value. Reading it moves the cursor behind it; a read that fails leaves it where it was.
struct Cursor {
  const char* at;
};

class Reader {
 public:
  Reader(const Slice& payload, const Serializer& serializer)
      : payload_(payload), end_(payload.data() + payload.size()), serializer_(serializer) {}

  Cursor start() const noexcept { return {skip_space(payload_.data(), end_)}; }
  bool is_at_end(const Cursor& cursor) const noexcept { return skip_space(cursor.at, end_) == end_; }

  /// The name of a member. Its value's cursor stands before the name until the key was asked one of its questions and
  /// answered is() with yes, or any of the others: then it has moved on to the value.
  class Key {
   public:
    Key(Reader& reader, Cursor& cursor) : reader_(reader), cursor_(cursor) {}

    /// Senders mostly write no space before the colon, and then `"name":` is compared as a whole.
    bool is(const Field& field) noexcept {
      const std::size_t size = field.json_key.size() - 1;  // without its comma
      const char* const at = cursor_.at;
      if (is_found_ || static_cast<std::size_t>(reader_.end_ - at) < size) return false;
      if (!format::equal_short(at, field.json_key.data() + 1, size)) return false;
      cursor_.at = skip_space(at + size, reader_.end_);
      return true;
    }
    /// Whether the name has no escapes. With spaces before the colon is() knows nothing either.
    bool is_exact() {
      find();
      return is_exact_;
    }
    std::string_view text() {
      find();
      return content_.find('\\') == std::string_view::npos ? reader_.checked(content_, reader_.key_)
                                                           : reader_.unescaped(content_, reader_.key_);
    }
    bool is_broken() const noexcept { return is_broken_; }

   private:
    void find();

    Reader& reader_;
    Cursor& cursor_;
    std::string_view content_;
    bool is_found_ = false;
    bool is_exact_ = false;
    bool is_broken_ = false;
  };

  /// What is there, without consuming it.
  Found found(const Cursor& from) const noexcept;

  Read boolean(Cursor& from, bool& to);
  Read integer(Cursor& from, std::int64_t& to) {
    bool negative = false;
    std::uint64_t magnitude = 0;
    const char* const stop = short_integer(from.at, negative, magnitude);
    if (!stop) [[unlikely]]
      return any_integer(from, to);
    to = negative ? -static_cast<std::int64_t>(magnitude) : static_cast<std::int64_t>(magnitude);
    from.at = stop;
    return Read::ok;
  }
  Read natural(Cursor& from, std::uint64_t& to) {
    bool negative = false;
    const char* const stop = short_integer(from.at, negative, to);
    if (!stop || negative) [[unlikely]]
      return any_natural(from, to);
    from.at = stop;
    return Read::ok;
  }
  Read number(Cursor& from, double& to);
  int any_number(Cursor& from, std::int64_t& integer, std::uint64_t& natural, double& number);

  Read text(Cursor& from, std::string_view& to) {
    const char* const start = from.at + 1;
    if (from.at >= end_ || *from.at != '"') return wrong(from);
    const char* const stop = find_special(start, end_);
    if (stop >= end_ || *stop != '"') [[unlikely]]
      return text_with_escapes(from, to);
    to = checked({start, static_cast<std::size_t>(stop - start)}, text_);
    from.at = stop + 1;
    return Read::ok;
  }
  /// A Buffer's {"type":"Buffer","data":[...]}, or a list of integers from 0 to 255.
  Read bytes(Cursor& from, std::string_view& to);
  Read raw(Cursor& from, Payload& to);
  Read lend(Cursor& from, Payload& to);  ///< As raw(), but the bytes stay where they are.
  bool skip(Cursor& from);

  template <class Visit>
  Read list(Cursor& from, Visit visit) {
    const char* at = from.at;
    if (at >= end_ || *at != '[') return wrong(from);
    at = skip_space(at + 1, end_);
    if (at < end_ && *at == ']') {
      from.at = at + 1;
      return Read::ok;
    }
    for (;;) {
      Cursor item{at};
      if (!visit(item)) return Read::stopped;
      at = skip_space(item.at, end_);
      if (at < end_ && *at == ',') {
        at = skip_space(at + 1, end_);
      } else if (at < end_ && *at == ']') {
        from.at = at + 1;
        return Read::ok;
      } else {
        return malformed(at);
      }
    }
  }

  template <class Visit>
  Read map(Cursor& from, Visit visit) {
    const char* at = from.at;
    if (at >= end_ || *at != '{') return wrong(from);
    at = skip_space(at + 1, end_);
    if (at < end_ && *at == '}') {
      from.at = at + 1;
      return Read::ok;
    }
    for (;;) {
      Cursor member{at};
      Key key(*this, member);
      const bool goes_on = visit(key, member);
      if (key.is_broken()) [[unlikely]]
        return malformed(at);
      if (!goes_on) return Read::stopped;
      at = skip_space(member.at, end_);
      if (at < end_ && *at == ',') {
        at = skip_space(at + 1, end_);
      } else if (at < end_ && *at == '}') {
        from.at = at + 1;
        return Read::ok;
      } else {
        return malformed(at);
      }
    }
  }

  template <class Use>
  Read replay(Cursor& from, Use use) {
    const char* stop = nullptr;
    if (const Read read = scan(from, stop); read != Read::ok) return read;
    use(
        [&](auto read) {
          Cursor again = from;
          return static_cast<bool>(read(again));
        },
        static_cast<std::size_t>(stop - from.at));
    from.at = stop;
    return Read::ok;
  }

  std::string describe(const Cursor& from);
  format::Failure& failure() { return failure_; }

 private:
  /// Reads an integer of up to 18 digits that has neither fraction nor exponent; returns its end, or null.
  const char* short_integer(const char* at, bool& negative, std::uint64_t& magnitude) const noexcept {
    negative = at < end_ && *at == '-';
    at += negative;
    const char* const first = at;
    std::uint64_t value = 0;
    for (; at < end_ && is_digit(*at); ++at) value = value * 10 + static_cast<unsigned char>(*at - '0');
    const auto count = at - first;
    if (count == 0 || count > 18 || (*first == '0' && count > 1)) return nullptr;
    if (at < end_ && (*at == '.' || (*at | 0x20) == 'e')) return nullptr;
    magnitude = value;
    return at;
  }
  Read any_integer(Cursor& from, std::int64_t& to);
  Read any_natural(Cursor& from, std::uint64_t& to);
  /// The integer of any number text that stands for one ("1e3"), and its end.
  Read integer_of(const Cursor& from, bool& negative, std::uint64_t& magnitude, const char*& stop);
  Read text_with_escapes(Cursor& from, std::string_view& to);
  /// The content of a text without escapes: itself, or what stands for it in `storage`.
  std::string_view checked(std::string_view content, std::string& storage) const {
    if (payload_.is_known_utf8() || is_short_ascii(content) || is_utf8(content)) [[likely]]
      return content;
    return storage = replace_invalid_utf8(content);
  }
  std::string_view unescaped(std::string_view content, std::string& storage) const;
  /// Checks the value as a whole and finds its end.
  Read scan(const Cursor& from, const char*& stop);
  /// Why a value cannot be read as what was wanted: it is something else, or nothing.
  Read wrong(const Cursor& from);
  Read malformed(const char* at);

  const Slice& payload_;
  const char* const end_;
  const Serializer& serializer_;
  format::Failure failure_;
  std::string text_;  // what text() unescaped last
  std::string key_;   // what Key::text() unescaped last
};

}  // namespace waybill::json
