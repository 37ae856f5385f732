#include "msgpack_cursor.hpp"

#ifndef MSGPACK_NO_BOOST
#define MSGPACK_NO_BOOST
#endif
#include "waybill/format/coding.hpp"

#include <msgpack.hpp>

#include <bit>

namespace waybill::msgpack {
namespace {

/// Reads big-endian numbers; after one that is not all there, everything is zero and failed() holds.
class Input {
 public:
  Input(const char* at, const char* end) : at_(at), end_(end) {}

  template <class Unsigned>
  Unsigned take() noexcept {
    if (static_cast<std::size_t>(end_ - at_) < sizeof(Unsigned)) {
      failed_ = true;
      return 0;
    }
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < sizeof(Unsigned); ++i) value = value << 8 | static_cast<unsigned char>(at_[i]);
    at_ += sizeof(Unsigned);
    return static_cast<Unsigned>(value);
  }
  std::string_view bytes(std::size_t size) noexcept {
    if (static_cast<std::size_t>(end_ - at_) < size) {
      failed_ = true;
      return {};
    }
    const std::string_view taken(at_, size);
    at_ += size;
    return taken;
  }
  bool failed() const noexcept { return failed_; }
  const char* at() const noexcept { return at_; }

 private:
  const char* at_;
  const char* end_;
  bool failed_ = false;
};

void set_integer(Head& head, std::int64_t value) noexcept {
  head.type = Type::integer;
  head.integer = value;
}
void set_natural(Head& head, std::uint64_t value) noexcept {
  head.type = Type::natural;
  head.natural = value;
  head.integer = value <= INT64_MAX ? static_cast<std::int64_t>(value) : 0;
}
void set_number(Head& head, double value) noexcept {
  head.type = Type::number;
  head.number = value;
}
void set_content(Head& head, Type type, std::string_view content) noexcept {
  head.type = type;
  head.content = content;
}
void set_count(Head& head, Type type, std::uint32_t count) noexcept {
  head.type = type;
  head.count = count;
}

void read_extension(Head& head, Input& in, std::size_t size) noexcept {
  head.integer = static_cast<std::int8_t>(in.take<std::uint8_t>());
  set_content(head, Type::extension, in.bytes(size));
}

void read_marked(Head& head, Input& in, std::uint8_t mark) noexcept {
  switch (mark) {
    case 0xc0: head.type = Type::null; return;
    case 0xc2:
    case 0xc3:
      head.type = Type::boolean;
      head.flag = mark == 0xc3;
      return;
    case 0xc4: return set_content(head, Type::bytes, in.bytes(in.take<std::uint8_t>()));
    case 0xc5: return set_content(head, Type::bytes, in.bytes(in.take<std::uint16_t>()));
    case 0xc6: return set_content(head, Type::bytes, in.bytes(in.take<std::uint32_t>()));
    case 0xc7: return read_extension(head, in, in.take<std::uint8_t>());
    case 0xc8: return read_extension(head, in, in.take<std::uint16_t>());
    case 0xc9: return read_extension(head, in, in.take<std::uint32_t>());
    case 0xca: return set_number(head, static_cast<double>(std::bit_cast<float>(in.take<std::uint32_t>())));
    case 0xcb: return set_number(head, std::bit_cast<double>(in.take<std::uint64_t>()));
    case 0xcc: return set_natural(head, in.take<std::uint8_t>());
    case 0xcd: return set_natural(head, in.take<std::uint16_t>());
    case 0xce: return set_natural(head, in.take<std::uint32_t>());
    case 0xcf: return set_natural(head, in.take<std::uint64_t>());
    case 0xd0: return set_integer(head, static_cast<std::int8_t>(in.take<std::uint8_t>()));
    case 0xd1: return set_integer(head, static_cast<std::int16_t>(in.take<std::uint16_t>()));
    case 0xd2: return set_integer(head, static_cast<std::int32_t>(in.take<std::uint32_t>()));
    case 0xd3: return set_integer(head, static_cast<std::int64_t>(in.take<std::uint64_t>()));
    case 0xd4:
    case 0xd5:
    case 0xd6:
    case 0xd7:
    case 0xd8: return read_extension(head, in, std::size_t{1} << (mark - 0xd4));
    case 0xd9: return set_content(head, Type::text, in.bytes(in.take<std::uint8_t>()));
    case 0xda: return set_content(head, Type::text, in.bytes(in.take<std::uint16_t>()));
    case 0xdb: return set_content(head, Type::text, in.bytes(in.take<std::uint32_t>()));
    case 0xdc: return set_count(head, Type::list, in.take<std::uint16_t>());
    case 0xdd: return set_count(head, Type::list, in.take<std::uint32_t>());
    case 0xde: return set_count(head, Type::map, in.take<std::uint16_t>());
    case 0xdf: return set_count(head, Type::map, in.take<std::uint32_t>());
    default: return;  // 0xc1
  }
}

/// Lets msgpack-c walk over a value and stops it where that is too deep.
class DepthVisitor : public ::msgpack::null_visitor {
 public:
  bool start_array(std::uint32_t) { return enter(); }
  bool end_array() { return leave(); }
  bool start_map(std::uint32_t) { return enter(); }
  bool end_map() { return leave(); }
  bool is_too_deep() const noexcept { return is_too_deep_; }

 private:
  bool enter() {
    is_too_deep_ = ++depth_ > format::k_max_depth;
    return !is_too_deep_;
  }
  bool leave() {
    --depth_;
    return true;
  }
  int depth_ = 0;
  bool is_too_deep_ = false;
};

}  // namespace

Head read_head(const char* at, const char* end) noexcept {
  Head head;
  Input in(at, end);
  const auto mark = in.take<std::uint8_t>();
  if (in.failed()) return head;
  if (mark < 0x80) {
    set_natural(head, mark);
  } else if (mark < 0x90) {
    set_count(head, Type::map, mark & 0x0Fu);
  } else if (mark < 0xa0) {
    set_count(head, Type::list, mark & 0x0Fu);
  } else if (mark < 0xc0) {
    set_content(head, Type::text, in.bytes(mark & 0x1Fu));
  } else if (mark >= 0xe0) {
    set_integer(head, static_cast<std::int8_t>(mark));
  } else {
    read_marked(head, in, mark);
  }
  if (in.failed()) head.type = Type::malformed;
  head.next = in.at();
  return head;
}

bool timestamp_of(const Head& head, std::int64_t& milliseconds) noexcept {
  if (head.type != Type::extension || head.integer != -1) return false;
  Input in(head.content.data(), head.content.data() + head.content.size());
  std::int64_t seconds = 0;
  std::uint32_t nanoseconds = 0;
  switch (head.content.size()) {
    case 4: seconds = in.take<std::uint32_t>(); break;
    case 8: {
      const auto both = in.take<std::uint64_t>();
      nanoseconds = static_cast<std::uint32_t>(both >> 34);
      seconds = static_cast<std::int64_t>(both & 0x3'FFFF'FFFF);
      break;
    }
    case 12:
      nanoseconds = in.take<std::uint32_t>();
      seconds = static_cast<std::int64_t>(in.take<std::uint64_t>());
      break;
    default: return false;
  }
  constexpr std::int64_t k_most = 10'000'000'000'000;  // seconds; more than any calendar here has
  if (nanoseconds > 999'999'999 || seconds > k_most || seconds < -k_most) return false;
  milliseconds = seconds * 1000 + nanoseconds / 1'000'000;
  return true;
}

Skip skip_value(const char*& at, const char* end) {
  const Head head = read_head(at, end);
  if (head.type == Type::malformed) return Skip::malformed;
  if (head.type != Type::list && head.type != Type::map) {
    at = head.next;
    return Skip::ok;
  }
  DepthVisitor visitor;
  std::size_t offset = 0;
  if (!::msgpack::parse(at, static_cast<std::size_t>(end - at), offset, visitor)) {
    return visitor.is_too_deep() ? Skip::too_deep : Skip::malformed;
  }
  at += offset;
  return Skip::ok;
}

bool skip_any_depth(const char*& at, const char* end) noexcept {
  for (std::uint64_t left = 1; left > 0; --left) {
    const Head head = read_head(at, end);
    if (head.type == Type::malformed) return false;
    at = head.next;
    if (head.type == Type::list) left += head.count;
    if (head.type == Type::map) left += 2 * std::uint64_t{head.count};
  }
  return true;
}

}  // namespace waybill::msgpack
