#include "wire/typed_headers.hpp"

#include "protocol/frame.hpp"
#include "waybill/error.hpp"
#include "waybill/fields.hpp"
#include "waybill/payload.hpp"
#include "wire/table.hpp"

#include <bit>
#include <cmath>
#include <limits>
#include <map>
#include <vector>

namespace waybill::amqp {
namespace {

constexpr double k_two_to_63 = 9223372036854775808.0;

/// Writes a value as the value of a table's entry: its kind, then itself. Kinds are those of amqplib.
class FieldWriter final : public ValueSink {
 public:
  explicit FieldWriter(Buffer& out) : out_(out) {}

  bool null() override { return kind('V'); }
  bool boolean(bool value) override { return field<std::uint8_t>('t', value ? 1 : 0); }
  bool integer(std::int64_t value) override {
    if (fits<std::int8_t>(value)) return field('b', static_cast<std::uint8_t>(value));
    if (fits<std::int16_t>(value)) return field('s', static_cast<std::uint16_t>(value));
    if (fits<std::int32_t>(value)) return field('I', static_cast<std::uint32_t>(value));
    return field('l', static_cast<std::uint64_t>(value));
  }
  bool natural(std::uint64_t value) override { return number(static_cast<double>(value)); }
  bool number(double value) override {
    // JavaScript has one kind of number: 1.0 is an integer.
    const bool is_integer = std::floor(value) == value && value >= -k_two_to_63 && value < k_two_to_63;
    return is_integer ? integer(static_cast<std::int64_t>(value)) : field('d', std::bit_cast<std::uint64_t>(value));
  }
  bool text(std::string_view value) override { return long_text('S', value); }
  bool bytes(std::string_view value) override { return long_text('x', value); }
  bool begin_list(std::size_t) override { return begin('A'); }
  bool end_list() override { return end(); }
  bool begin_map(std::size_t) override { return begin('F'); }
  bool key(std::string_view name) override {
    if (name.size() > 255) return false;
    store_short_text(out_.prepare(1 + name.size()), name);
    out_.commit(1 + name.size());
    return true;
  }
  bool end_map() override { return end(); }

 private:
  template <class T>
  static bool fits(std::int64_t value) noexcept {
    return value >= std::numeric_limits<T>::min() && value <= std::numeric_limits<T>::max();
  }
  bool kind(char name) {
    out_.push_back(name);
    return true;
  }
  template <class T>
  bool field(char name, T value) {
    kind(name);
    store<T>(out_.prepare(sizeof(T)), value);
    out_.commit(sizeof(T));
    return true;
  }
  bool long_text(char name, std::string_view value) {
    field(name, static_cast<std::uint32_t>(value.size()));
    out_.append(value);
    return true;
  }
  bool begin(char name) {
    field<std::uint32_t>(name, 0);
    open_.push_back(out_.size());
    return true;
  }
  bool end() {
    const std::size_t first = open_.back();
    open_.pop_back();
    store<std::uint32_t>(out_.data() + first - 4, static_cast<std::uint32_t>(out_.size() - first));
    return true;
  }

  Buffer& out_;
  std::vector<std::size_t> open_;  // where the first byte of each open table or array is
};

bool never_written(const void*, ValueSink&, std::string&) { return false; }
bool read_field(void* writer, ValueSource& source, std::string&) {
  return source.play(*static_cast<FieldWriter*>(writer));
}

/// An entry with the type of its JSON. False: it cannot be one; then nothing is written.
bool append_typed(Buffer& out, std::string_view name, const Payload& value) {
  static constexpr DynamicType type{{Kind::dynamic, "value"}, &never_written, &read_field};
  const std::size_t start = out.size();
  FieldWriter writer(out);
  if (writer.key(name) && value.decode_into(ValueOut{&writer, &type})) return true;
  out.truncate(start);
  return false;
}

using Members = std::map<std::string, Payload, std::less<>>;

Result<Members> members_of(const std::string& json, const Packet& packet, const Serializer& own) {
  const Serializer* const format = packet.serializer && packet.serializer->is_json() ? packet.serializer : &own;
  Members members;
  if (!format->is_json()) return members;
  if (format->decode(Slice::copy(json), ValueOut::of(members))) return members;
  return Error(errc::invalid_config, "the message property headers must be a JSON object", End::rejected);
}

bool is_own_mark(std::string_view name) noexcept {
  return name == header::k_attempt || name == header::k_resent || name == header::k_error || name == header::k_origin;
}

}  // namespace

Result<void> append_headers(Buffer& out, const Packet& packet, const Serializer& own) {
  const std::string* const types = packet.properties.find("headers");
  if (!types) {
    append_table(out, packet.headers);
    return {};
  }
  auto members = members_of(*types, packet, own);
  if (!members) return members.error();
  const std::size_t start = out.size();
  append_table(out, Headers());
  for (const auto& [name, value] : packet.headers) {
    const auto typed = members->find(name);
    const bool is_same = typed != members->end() && typed->second.bytes().view() == value;
    if (!is_same || !append_typed(out, name, typed->second)) append_entry(out, name, value);
    if (typed != members->end()) members->erase(typed);
  }
  // What handlers forward has the marks of the message that came: they are not those of this one.
  for (const auto& [name, value] : *members) {
    if (!is_own_mark(name)) append_typed(out, name, value);
  }
  store<std::uint32_t>(out.data() + start, static_cast<std::uint32_t>(out.size() - start - 4));
  return {};
}

}  // namespace waybill::amqp
