// Payload: encoded bytes as a value, for handlers and clients that pass them on without decoding.
#pragma once

#include "waybill/result.hpp"
#include "waybill/serializer.hpp"
#include "waybill/slice.hpp"

#include <utility>

namespace waybill {

/// The bytes of one value and the serializer that made them. A value type; cheap to copy when owned.
///
/// As an argument, a result or a member it goes through its own serializer undecoded: encoding appends its bytes,
/// decoding keeps them, checked to be one whole value. They are owned, but for the argument of a handler that takes
/// `const Payload&`: that is lent until the handler has finished, and own() keeps it. Another serializer answers
/// payload_mismatch.
/// An empty payload is JavaScript's `undefined`; inside an object it is left out, elsewhere it is encoded as null.
class Payload {
 public:
  Payload() = default;
  /// REQUIRES: `bytes` are one value in the format of `serializer`, which outlives the payload.
  Payload(Slice bytes, const Serializer& serializer) noexcept : bytes_(std::move(bytes)), serializer_(&serializer) {}

  /// Throws Error(payload_mismatch) when the value cannot be encoded.
  template <class T>
  static Payload of(const T& value, const Serializer& serializer) {
    Buffer buffer;
    serializer.encode(ValueRef::of(value), buffer).value();
    return Payload(buffer.take(), serializer);
  }

  const Slice& bytes() const noexcept { return bytes_; }
  const Serializer* serializer() const noexcept { return serializer_; }  ///< Null when empty.
  bool empty() const noexcept { return serializer_ == nullptr; }

  /// The same payload, kept alive by the result.
  Payload own() const {
    Payload owned;
    owned.bytes_ = bytes_.own();
    owned.serializer_ = serializer_;
    return owned;
  }

  /// Throws Error(payload_mismatch, payload_malformed).
  template <class T>
  T decode() const {
    T value{};
    decode_into(ValueOut::of(value)).value();
    return value;
  }
  /// Errors: payload_mismatch (also when empty), payload_malformed.
  Result<void> decode_into(ValueOut out) const {
    if (!serializer_) return Error(errc::payload_mismatch, "there is no payload to decode", End::rejected);
    return serializer_->decode(bytes_, out);
  }

 private:
  Slice bytes_;
  const Serializer* serializer_ = nullptr;
};

}  // namespace waybill
