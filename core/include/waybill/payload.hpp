// Payload: encoded bytes as a value, for handlers and clients that pass them on without decoding.
#pragma once

#include "waybill/format/serializer.hpp"
#include "waybill/result.hpp"
#include "waybill/slice.hpp"

#include <utility>

namespace waybill {

/// The bytes of one value and the serializer that made them. A value type: a copy owns its bytes, and is cheap where what
/// it copies does.
///
/// As an argument, a result or a member it goes through its own serializer undecoded: encoding appends its bytes,
/// decoding keeps them, checked to be one whole value. They are owned, but for the argument of a handler that takes
/// `const Payload&`: that is lent until the handler has finished; its copies are not. Another serializer answers
/// payload_mismatch.
/// Where a payload came with its length beside it (TCP's binary framing), it is checked when somebody looks at its bytes,
/// decodes it or puts it into another value: handlers that send it back as it came need not have it read. A handler of
/// payloads may there be reached by bytes that are no value: looking at them throws.
/// An empty payload is JavaScript's `undefined`; inside an object it is left out, elsewhere it is encoded as null.
class Payload {
 public:
  Payload() = default;
  /// REQUIRES: `bytes` are one value in the format of `serializer`, which outlives the payload.
  Payload(Slice bytes, const Serializer& serializer) noexcept : bytes_(std::move(bytes)), serializer_(&serializer) {}
  Payload(const Payload& other) : bytes_(other.bytes_.own()), serializer_(other.serializer_) {}
  /// `other` is empty afterwards.
  Payload(Payload&& other) noexcept
      : bytes_(std::move(other.bytes_)), serializer_(std::exchange(other.serializer_, nullptr)) {
    other.bytes_ = Slice();
  }
  Payload& operator=(const Payload& other) {
    bytes_ = other.bytes_.own();
    serializer_ = other.serializer_;
    return *this;
  }
  Payload& operator=(Payload&& other) noexcept {
    if (this == &other) return *this;
    bytes_ = std::move(other.bytes_);
    serializer_ = std::exchange(other.serializer_, nullptr);
    other.bytes_ = Slice();
    return *this;
  }
  ~Payload() = default;

  /// Throws Error(payload_mismatch) when the value cannot be encoded.
  template <class T>
  static Payload of(const T& value, const Serializer& serializer) {
    Buffer buffer;
    serializer.encode(ValueRef::of(value), buffer).value();
    return Payload(buffer.take(), serializer);
  }

  /// Becomes what the constructor makes of the same arguments.
  void assign(Slice&& bytes, const Serializer& serializer) noexcept {
    bytes_ = std::move(bytes);
    serializer_ = &serializer;
  }

  /// Throws Error(payload_malformed) when they have not been checked before and are not one value.
  const Slice& bytes() const {
    if (bytes_.is_unseen()) check().value();
    return bytes_;
  }
  /// The bytes, perhaps not checked: only for who passes them on with their length beside them.
  const Slice& bytes_as_they_came() const noexcept { return bytes_; }
  /// Checks what has not been checked. Errors: payload_malformed, payload_mismatch (depth).
  Result<void> check() const;
  const Serializer* serializer() const noexcept { return serializer_; }  ///< Null when empty.
  bool empty() const noexcept { return serializer_ == nullptr; }

  /// The same payload, kept alive by the result.
  Payload own() const { return *this; }

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
    return bytes_.is_unseen() ? serializer_->decode(bytes_.seen(), out) : serializer_->decode(bytes_, out);
  }

 private:
  Slice bytes_;
  const Serializer* serializer_ = nullptr;
};

}  // namespace waybill
