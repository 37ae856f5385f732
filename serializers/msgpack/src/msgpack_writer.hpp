// The Writer of MessagePack (waybill/format/encoder.hpp), over msgpack-c's packer.
#pragma once

#include <cstdint>
#include <string_view>

#ifndef MSGPACK_NO_BOOST
#define MSGPACK_NO_BOOST
#endif
#include "waybill/format/coding.hpp"
#include "waybill/format/utf8.hpp"
#include "waybill/payload.hpp"

#include <msgpack.hpp>

namespace waybill::msgpack {

/// Where the packer writes to.
class BufferStream {
 public:
  explicit BufferStream(Buffer& out) : out_(out) {}
  void write(const char* bytes, std::size_t size) { out_.append(bytes, size); }

 private:
  Buffer& out_;
};
using Packer = ::msgpack::packer<BufferStream>;

inline void pack_text(Packer& packer, std::string_view text) {
  packer.pack_str(static_cast<std::uint32_t>(text.size()));
  packer.pack_str_body(text.data(), static_cast<std::uint32_t>(text.size()));
}

class Writer {
 public:
  static constexpr bool k_needs_size = true;

  Writer(Buffer& out, const Serializer& serializer)
      : out_(out), stream_(out), packer_(stream_), serializer_(serializer) {}

  void null() { packer_.pack_nil(); }
  void boolean(bool value) { value ? packer_.pack_true() : packer_.pack_false(); }
  void integer(std::int64_t value) { packer_.pack_int64(value); }
  void natural(std::uint64_t value) { packer_.pack_uint64(value); }
  void number(double value) { packer_.pack_double(value); }
  void number(float value) { packer_.pack_float(value); }
  bool text(std::string_view value) {
    if (!fits(value.size())) return false;
    if (!format::is_utf8(value)) {
      return failure_.set(errc::payload_mismatch, "the text is not valid UTF-8: send bytes as std::vector<std::byte>");
    }
    pack_text(packer_, value);
    return true;
  }
  bool bytes(std::string_view value) {
    if (!fits(value.size())) return false;
    packer_.pack_bin(static_cast<std::uint32_t>(value.size()));
    packer_.pack_bin_body(value.data(), static_cast<std::uint32_t>(value.size()));
    return true;
  }

  void begin_list(std::size_t size) { packer_.pack_array(static_cast<std::uint32_t>(size)); }
  void item(bool) {}
  void end_list() {}
  void begin_object(std::size_t size) { packer_.pack_map(static_cast<std::uint32_t>(size)); }
  void field(const Field& field, bool) { pack_text(packer_, field.name); }
  bool key(std::string_view name, bool) { return text(name); }
  void end_object() {}

  bool raw(const Payload& payload) {
    const Serializer& made_by = *payload.serializer();
    if (&made_by != &serializer_ && made_by.name() != serializer_.name()) {
      return failure_.set(errc::payload_mismatch, "a payload made by the serializer " + std::string(made_by.name()) +
                                                      " cannot be put into one of " + std::string(serializer_.name()));
    }
    if (const Result<void> seen = payload.check(); !seen) {
      return failure_.set(errc::payload_malformed, std::string(seen.error().message()));
    }
    out_.append(payload.bytes_as_they_came().view());
    return true;
  }
  format::Failure& failure() { return failure_; }

 private:
  bool fits(std::size_t size) {
    return size <= UINT32_MAX || failure_.set(errc::too_large, "MessagePack holds at most 4 GiB in one value");
  }

  Buffer& out_;
  BufferStream stream_;
  Packer packer_;
  const Serializer& serializer_;
  format::Failure failure_;
};

}  // namespace waybill::msgpack
