// The Reader of MessagePack (waybill/format/decoder.hpp).
#pragma once

#include "msgpack_cursor.hpp"
#include "waybill/format/decoder.hpp"
#include "waybill/format/utf8.hpp"

#include <charconv>
#include <cmath>
#include <cstring>
#include <string>
#include <string_view>

namespace waybill::msgpack {

using format::Found;
using format::Read;

class Reader {
 public:
  /// A place in the payload; moved on by whoever reads the value there.
  struct Value {
    const char* at;
  };

  Reader(const Slice& payload, const Serializer& serializer)
      : payload_(payload), end_(payload.data() + payload.size()), serializer_(serializer) {}

  class Key {
   public:
    explicit Key(std::string_view text) : text_(text) {}
    bool is(const Field& field) const noexcept { return field.name == text_; }
    bool is_exact() const noexcept { return true; }
    std::string_view text() const noexcept { return text_; }

   private:
    std::string_view text_;
  };

  Found found(Value& from) {
    const Head head = read_head(from.at, end_);
    switch (head.type) {
      case Type::null: return Found::null;
      case Type::boolean: return Found::boolean;
      case Type::integer:
      case Type::natural:
      case Type::number: return Found::number;
      case Type::text: return Found::text;
      case Type::bytes: return Found::bytes;
      case Type::list: return Found::list;
      case Type::map: return Found::map;
      case Type::extension: return is_time(head) ? Found::text : Found::unknown;
      case Type::malformed: break;
    }
    return Found::unknown;
  }

  Read boolean(Value& from, bool& to) {
    const Head head = read_head(from.at, end_);
    if (head.type != Type::boolean) return unfit(head);
    to = head.flag;
    return done(from, head);
  }

  /// JavaScript's encoders write large integers as floats: these count as integers when they are.
  Read integer(Value& from, std::int64_t& to) {
    const Head head = read_head(from.at, end_);
    if (head.type == Type::number) {
      if (std::trunc(head.number) != head.number) return Read::mismatch;
      if (!(head.number >= -0x1p63 && head.number < 0x1p63)) return Read::range;
      to = static_cast<std::int64_t>(head.number);
      return done(from, head);
    }
    if (head.type == Type::natural && head.natural > INT64_MAX) return Read::range;
    if (head.type != Type::integer && head.type != Type::natural) return unfit(head);
    to = head.integer;
    return done(from, head);
  }

  Read natural(Value& from, std::uint64_t& to) {
    const Head head = read_head(from.at, end_);
    if (head.type == Type::number) {
      if (std::trunc(head.number) != head.number) return Read::mismatch;
      if (!(head.number >= 0 && head.number < 0x1p64)) return Read::range;
      to = static_cast<std::uint64_t>(head.number);
      return done(from, head);
    }
    if (head.type == Type::integer && head.integer < 0) return Read::range;
    if (head.type != Type::integer && head.type != Type::natural) return unfit(head);
    to = head.type == Type::natural ? head.natural : static_cast<std::uint64_t>(head.integer);
    return done(from, head);
  }

  Read number(Value& from, double& to) {
    const Head head = read_head(from.at, end_);
    if (head.type == Type::number) {
      to = head.number;
    } else if (head.type == Type::natural) {
      to = static_cast<double>(head.natural);
    } else if (head.type == Type::integer) {
      to = static_cast<double>(head.integer);
    } else {
      return unfit(head);
    }
    return done(from, head);
  }

  int any_number(Value& from, std::int64_t& integer, std::uint64_t& natural, double& number) {
    const Head head = read_head(from.at, end_);
    from.at = head.next;
    integer = head.integer;
    natural = head.natural;
    number = head.number;
    if (head.type == Type::number) return 2;
    return head.type == Type::natural && natural > INT64_MAX ? 1 : 0;
  }

  /// A timestamp reads as the text that JSON has for a Date.
  Read text(Value& from, std::string_view& to) {
    const Head head = read_head(from.at, end_);
    if (head.type != Type::text) [[unlikely]]
      return time_text(from, head, to);
    if (!format::is_utf8(head.content)) {
      failure_.set(errc::payload_malformed, "a text is not valid UTF-8");
      return Read::malformed;
    }
    to = head.content;
    return done(from, head);
  }

  Read bytes(Value& from, std::string_view& to) {
    const Head head = read_head(from.at, end_);
    if (head.type != Type::bytes) return unfit(head);
    to = head.content;
    return done(from, head);
  }

  Read raw(Value& from, Payload& to) {
    const char* const start = from.at;
    if (!skip(from)) return Read::stopped;
    const std::string_view bytes(start, static_cast<std::size_t>(from.at - start));
    to = Payload(payload_.part(bytes).own(), serializer_);
    return Read::ok;
  }

  bool skip(Value& from) {
    switch (skip_value(from.at, end_)) {
      case Skip::ok: return true;
      case Skip::too_deep:
        return failure_.set(errc::too_large, "nested deeper than " + std::to_string(format::k_max_depth));
      case Skip::malformed: break;
    }
    return failure_.set(errc::payload_malformed, "not valid MessagePack");
  }

  template <class Visit>
  Read list(Value& from, Visit visit) {
    const Head head = read_head(from.at, end_);
    if (head.type != Type::list) return unfit(head);
    from.at = head.next;
    for (std::uint32_t i = 0; i < head.count; ++i) {
      if (!visit(from)) return Read::stopped;
    }
    return Read::ok;
  }

  template <class Visit>
  Read map(Value& from, Visit visit) {
    const Head head = read_head(from.at, end_);
    if (head.type != Type::map) return unfit(head);
    from.at = head.next;
    for (std::uint32_t i = 0; i < head.count; ++i) {
      char digits[24];
      const Head name = read_head(from.at, end_);
      std::string_view text = name.content;
      if (name.type == Type::integer || name.type == Type::natural) {
        text = write_integer(name, digits);
      } else if (name.type != Type::text) {
        failure_.set(errc::payload_malformed,
                     name.type == Type::malformed ? "not valid MessagePack" : "the key of a map is no text");
        return Read::malformed;
      } else if (!format::is_utf8(text)) {
        failure_.set(errc::payload_malformed, "the key of a map is not valid UTF-8");
        return Read::malformed;
      }
      from.at = name.next;
      Key key(text);
      if (!visit(key, from)) return Read::stopped;
    }
    return Read::ok;
  }

  template <class Use>
  Read replay(Value& from, Use use) {
    const char* const start = from.at;
    if (!skip(from)) return Read::stopped;
    use(
        [start](auto read) {
          Value copy{start};
          return static_cast<bool>(read(copy));
        },
        static_cast<std::size_t>(from.at - start));
    return Read::ok;
  }

  std::string describe(Value& from) {
    const Head head = read_head(from.at, end_);
    switch (head.type) {
      case Type::null: return "null";
      case Type::boolean: return head.flag ? "true" : "false";
      case Type::integer:
      case Type::natural: {
        char digits[24];
        return std::string(write_integer(head, digits));
      }
      case Type::number: return std::to_string(head.number);
      case Type::text: return format::quote_for_error(head.content);
      case Type::bytes: return "bytes";
      case Type::list: return "a list";
      case Type::map: return "an object";
      case Type::extension: return "a MessagePack extension";
      case Type::malformed: break;
    }
    return "broken bytes";
  }

  format::Failure& failure() { return failure_; }

  static std::string_view write_integer(const Head& head, char (&digits)[24]) {
    char* const end = head.type == Type::natural ? std::to_chars(digits, digits + 24, head.natural).ptr
                                                 : std::to_chars(digits, digits + 24, head.integer).ptr;
    return {digits, static_cast<std::size_t>(end - digits)};
  }

 private:
  static Read done(Value& from, const Head& head) {
    from.at = head.next;
    return Read::ok;
  }
  [[gnu::noinline]] static bool is_time(const Head& head) noexcept {
    std::int64_t milliseconds = 0;
    return timestamp_of(head, milliseconds);
  }
  [[gnu::noinline]] Read time_text(Value& from, const Head& head, std::string_view& to) {
    std::int64_t milliseconds = 0;
    if (!timestamp_of(head, milliseconds)) return unfit(head);
    const std::size_t size = format::format_iso_time(milliseconds, time_);
    if (!size) return Read::range;
    to = {time_, size};
    return done(from, head);
  }
  Read unfit(const Head& head) {
    if (head.type != Type::malformed) return Read::mismatch;
    failure_.set(errc::payload_malformed, "not valid MessagePack: it ends too early, or holds a byte without meaning");
    return Read::malformed;
  }

  const Slice& payload_;
  const char* end_;
  const Serializer& serializer_;
  format::Failure failure_;
  char time_[32];  // what text() made of a timestamp last
};

}  // namespace waybill::msgpack
