// A format added from outside: "lines" writes one `path=value` a line. What docs/adding-a-serializer.md describes,
// in one file, with nothing but public headers and the walkers.
#include "waybill/fields.hpp"
#include "waybill/format/decoder.hpp"
#include "waybill/format/encoder.hpp"
#include "waybill/format/packet_members.hpp"
#include "waybill/registry.hpp"

#include <gtest/gtest.h>

#include <charconv>
#include <vector>

namespace lines {

using waybill::Buffer;
using waybill::Field;
using waybill::Slice;
using waybill::format::Found;
using waybill::format::Read;

// One value is one line: n, b0, b1, i<integer>, d<number>, t<size>:<bytes>, [ items ], { names and values }.
class Writer {
 public:
  static constexpr bool k_needs_size = false;
  explicit Writer(Buffer& out) : out_(out) {}

  void null() { line("n"); }
  void boolean(bool value) { line(value ? "b1" : "b0"); }
  void integer(std::int64_t value) { line("i" + std::to_string(value)); }
  void natural(std::uint64_t value) { line("i" + std::to_string(value)); }
  void number(double value) { line("d" + std::to_string(value)); }
  bool text(std::string_view value) { return line("t" + std::string(value)), true; }
  bool bytes(std::string_view value) { return text(value); }
  void begin_list(std::size_t) { line("["); }
  void item(bool) {}
  void end_list() { line("]"); }
  void begin_object(std::size_t) { line("{"); }
  void field(const Field& field, bool) { text(field.name); }
  bool key(std::string_view name, bool) { return text(name); }
  void end_object() { line("}"); }
  bool raw(const waybill::Payload& payload) { return out_.append(payload.bytes().view()), true; }
  waybill::format::Failure& failure() { return failure_; }

 private:
  void line(std::string_view text) {
    out_.append(text);
    out_.push_back('\n');
  }
  Buffer& out_;
  waybill::format::Failure failure_;
};

class Reader {
 public:
  struct Value {
    std::string_view rest;  // starts with the line of the value
  };
  class Key {
   public:
    explicit Key(std::string_view text) : text_(text) {}
    bool is(const Field& field) const { return field.name == text_; }
    bool is_exact() const { return true; }
    std::string_view text() const { return text_; }

   private:
    std::string_view text_;
  };

  Reader(const Slice& payload, const waybill::Serializer& serializer) : payload_(payload), serializer_(serializer) {}

  Found found(Value& from) {
    switch (from.rest.empty() ? '?' : from.rest.front()) {
      case 'n': return Found::null;
      case 'b': return Found::boolean;
      case 'i':
      case 'd': return Found::number;
      case 't': return Found::text;
      case '[': return Found::list;
      case '{': return Found::map;
      default: return Found::unknown;
    }
  }
  Read boolean(Value& from, bool& to) {
    if (found(from) != Found::boolean) return Read::mismatch;
    to = take(from) == "1";
    return Read::ok;
  }
  Read integer(Value& from, std::int64_t& to) { return parse(from, 'i', to); }
  Read natural(Value& from, std::uint64_t& to) { return parse(from, 'i', to); }
  Read number(Value& from, double& to) {
    if (found(from) != Found::number) return Read::mismatch;
    to = std::stod(std::string(take(from)));
    return Read::ok;
  }
  int any_number(Value& from, std::int64_t& integer, std::uint64_t&, double& number) {
    if (this->integer(from, integer) == Read::ok) return 0;
    return this->number(from, number) == Read::ok ? 2 : -1;
  }
  Read text(Value& from, std::string_view& to) {
    if (found(from) != Found::text) return Read::mismatch;
    to = take(from);
    return Read::ok;
  }
  Read bytes(Value& from, std::string_view& to) { return text(from, to); }
  Read raw(Value& from, waybill::Payload& to) {
    const std::string_view start = from.rest;
    if (!skip(from)) return Read::stopped;
    to = waybill::Payload(payload_.part(start.substr(0, start.size() - from.rest.size())).own(), serializer_);
    return Read::ok;
  }
  bool skip(Value& from) {
    int depth = 0;
    do {
      if (from.rest.empty()) return failure_.set(waybill::errc::payload_malformed, "too few lines");
      const char kind = from.rest.front();
      if (kind == '[' || kind == '{') ++depth;
      if (kind == ']' || kind == '}') --depth;
      take(from);
    } while (depth > 0);
    return true;
  }
  template <class Visit>
  Read list(Value& from, Visit visit) {
    if (found(from) != Found::list) return Read::mismatch;
    take(from);
    while (!from.rest.empty() && from.rest.front() != ']') {
      if (!visit(from)) return Read::stopped;
    }
    return close(from);
  }
  template <class Visit>
  Read map(Value& from, Visit visit) {
    if (found(from) != Found::map) return Read::mismatch;
    take(from);
    while (!from.rest.empty() && from.rest.front() == 't') {
      Key key(take(from));
      if (!visit(key, from)) return Read::stopped;
    }
    return close(from);
  }
  template <class Use>
  Read replay(Value& from, Use use) {
    const Value start = from;
    if (!skip(from)) return Read::stopped;
    use(
        [&](auto read) {
          Value copy = start;
          return static_cast<bool>(read(copy));
        },
        start.rest.size() - from.rest.size());
    return Read::ok;
  }
  std::string describe(Value& from) { return "'" + std::string(from.rest.substr(0, from.rest.find('\n'))) + "'"; }
  waybill::format::Failure& failure() { return failure_; }

 private:
  static std::string_view take(Value& from) {
    const std::size_t end = std::min(from.rest.find('\n'), from.rest.size() - 1);
    const std::string_view line = from.rest.substr(1, end - 1);
    from.rest.remove_prefix(end + 1);
    return line;
  }
  template <class Number>
  Read parse(Value& from, char kind, Number& to) {
    if (from.rest.empty() || from.rest.front() != kind) return Read::mismatch;
    Value ahead = from;
    const std::string_view text = take(ahead);
    if (std::from_chars(text.data(), text.data() + text.size(), to).ec != std::errc()) return Read::range;
    from = ahead;
    return Read::ok;
  }
  Read close(Value& from) {
    if (from.rest.empty()) return Read::malformed;
    take(from);
    return Read::ok;
  }
  const Slice& payload_;
  const waybill::Serializer& serializer_;
  waybill::format::Failure failure_;
};

std::string_view line_of(std::string_view value) { return value.substr(1, value.find('\n') - 1); }
waybill::Term term(std::string_view value, std::string& storage) {
  storage = line_of(value);
  return {storage, value.front() != 't'};
}
bool is_truthy(std::string_view value) {
  return value != "n\n" && value != "b0\n" && value != "i0\n" && value != "t\n";
}

class Serializer final : public waybill::Serializer {
 public:
  std::string_view name() const noexcept override { return "lines"; }
  std::string_view content_type() const noexcept override { return "text/x-lines"; }

  waybill::Result<void> encode(waybill::ValueRef value, Buffer& out) const override {
    const std::size_t start = out.size();
    Writer writer(out);
    if (waybill::format::Encoder<Writer>(writer).value(value.address, *value.type)) return {};
    out.truncate(start);
    return writer.failure().error(*value.type);
  }
  waybill::Result<void> decode(const Slice& payload, waybill::ValueOut out) const override {
    Reader reader(payload, *this);
    Reader::Value start{payload.view()};
    const bool fits =
        payload.empty() ? waybill::format::decode_nothing(out, reader.failure())
                        : waybill::format::Decoder<Reader>(reader, payload.size()).value(start, out.address, *out.type);
    if (!fits) return reader.failure().reading_error(*out.type);
    return {};
  }
  void compose(const waybill::Packet& packet, Buffer& out) const override {
    Writer writer(out);
    const auto member = [&](std::string_view name) { writer.text(name); };
    writer.begin_object(0);
    if (packet.has_pattern) member("pattern"), writer.text(packet.pattern.text);
    if (packet.has_payload) {
      member(packet.kind == waybill::PacketKind::value ? "response" : "data");
      out.append(packet.payload.view());
    }
    if (packet.last) member("isDisposed"), writer.boolean(true);
    if (packet.kind != waybill::PacketKind::event) member("id"), writer.text(packet.id.text);
    writer.end_object();
  }
  waybill::Result<void> parse(const Slice& bytes, waybill::Direction direction,
                              waybill::Packet& packet) const override {
    packet = {};
    packet.serializer = this;
    waybill::format::PacketMembers members;
    Reader reader(bytes, *this);
    Reader::Value start{bytes.view()};
    const Read read = reader.map(start, [&](Reader::Key& key, Reader::Value& value) {
      const std::string_view rest = value.rest;
      if (!reader.skip(value)) return false;
      members.set(key.text(), rest.substr(0, rest.size() - value.rest.size()));
      return true;
    });
    if (read != Read::ok) return waybill::Error(waybill::errc::payload_malformed, "no packet", waybill::End::rejected);
    constexpr waybill::format::PacketFormat format{&term, &is_truthy};
    waybill::format::classify_packet(bytes, bytes.view(), &members, direction, format, packet);
    return {};
  }
};

}  // namespace lines

namespace {

struct Item {
  std::string sku;
  int quantity = 1;
};
struct Order {
  std::string id;
  std::vector<Item> items;
  std::optional<std::string> note;
  std::variant<int, std::string> either;
};

TEST(SerializerAddon, TypesGoThroughIt) {
  const lines::Serializer serializer;
  const Order order{"a-1", {{"x", 2}}, "note", std::string("second")};
  const auto payload = waybill::Payload::of(order, serializer);
  EXPECT_EQ(payload.bytes().view(),
            "{\ntid\nta-1\ntitems\n[\n{\ntsku\ntx\ntquantity\ni2\n}\n]\ntnote\ntnote\nteither\ntsecond\n}\n");
  const auto back = payload.decode<Order>();
  EXPECT_EQ(back.items.at(0).quantity, 2);
  EXPECT_EQ(back.note, "note");
  EXPECT_EQ(std::get<std::string>(back.either), "second");
}

TEST(SerializerAddon, MistakesHaveAPath) {
  const lines::Serializer serializer;
  Order order;
  const auto bytes = waybill::Slice::copy("{\ntid\nta\ntitems\n[\n{\ntsku\ntx\ntquantity\nttwo\n}\n]\n}\n");
  const auto result = serializer.decode(bytes, waybill::ValueOut::of(order));
  ASSERT_FALSE(result);
  EXPECT_STREQ(result.error().what(), "order.items[0].quantity: expected an integer, found 'ttwo'");
}

TEST(SerializerAddon, PacketsAreClassifiedForIt) {
  const lines::Serializer serializer;
  waybill::Packet request;
  request.kind = waybill::PacketKind::request;
  request.has_pattern = true;
  request.pattern = {"sum", false};
  request.id = {"7", false};
  request.has_payload = true;
  request.payload = waybill::Slice::copy("i5\n");
  waybill::Buffer out;
  serializer.compose(request, out);
  waybill::Packet back;
  const auto bytes = out.borrow();
  ASSERT_TRUE(serializer.parse(bytes, waybill::Direction::to_service, back));
  EXPECT_EQ(back.kind, waybill::PacketKind::request);
  EXPECT_EQ(back.pattern.text, "sum");
  EXPECT_EQ(back.payload.view(), "i5\n");
}

TEST(SerializerAddon, RegistersUnderItsName) {
  waybill::Registry registry;
  registry.add_serializer(std::make_unique<lines::Serializer>());
  ASSERT_TRUE(registry.serializer("lines"));
  EXPECT_EQ(registry.find_serializer("lines")->content_type(), "text/x-lines");
}

}  // namespace
