// What can go wrong, as values: errc (what), End (was the message taken?), Error (both, with the story and the details).
#pragma once

#include "waybill/format/model.hpp"
#include "waybill/slice.hpp"

#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>

namespace waybill {

class Serializer;

/// Failures of waybill itself. Each transport keeps its native codes and maps them to these conditions, so
/// `error.code() == errc::timeout` holds on any carrier while `error.what()` tells the carrier's own story.
enum class errc {
  timeout = 1,        ///< The deadline passed before the call ended.
  connection_lost,    ///< The link broke while the call was in flight.
  refused,            ///< The other side cannot be reached, or turned the link down.
  unauthorized,       ///< The broker refused the credentials; never tried again.
  no_handler,         ///< The service has no handler for the pattern.
  no_receiver,        ///< Nobody is subscribed, so nobody took the message.
  remote,             ///< The handler on the other side answered with an error; see Error::body().
  payload_mismatch,   ///< The payload is well formed but is not what the type expects; the message has the path.
  payload_malformed,  ///< The bytes are not valid in their format.
  too_large,          ///< A size, depth or count of what is sent is above its cap.
  overloaded,         ///< A bounded queue is full.
  cancelled,          ///< The caller cancelled the operation.
  closed,             ///< The client or the service was closed.
  unsupported,        ///< The transport cannot do what was asked for.
  invalid_config,     ///< A URL, option or file is wrong; the message lists every mistake.
  internal,           ///< A handler failed with something that is not an Error; its text stays in the log.
};

const std::error_category& waybill_category() noexcept;
std::error_code make_error_code(errc code) noexcept;
std::error_condition make_error_condition(errc code) noexcept;
/// True for waybill's own code and for any native code that its category maps to the condition.
inline bool operator==(const std::error_code& code, errc condition) noexcept {
  return code == make_error_condition(condition);
}

/// Whether a failed message may have been taken by the other side. Retry looks at this, never at texts.
enum class End {
  rejected,  ///< Surely not taken.
  unknown,   ///< Perhaps taken.
};

/// An error as a value and as an exception. Cheap to copy: what it tells is shared.
///
/// In a handler, throw one to answer with it:
///   throw Error{"boom"};                          // {"status":"error","message":"boom"}
///   throw Error{"E42", "sold out", details};      // {"code":"E42","message":"sold out","details":...}
///   throw Error::with_body(value);                // the value itself, as NestJS's RpcException(object) does
/// A client gets the same error back: code() == errc::remote, and name(), message(), details<T>(), body().
class Error : public std::exception {
 public:
  explicit Error(std::string message);
  Error(std::string name, std::string message);
  template <class T>
  Error(std::string name, std::string message, T details);
  /// What is thrown to a caller has no End of its own: give details, or a code instead of the name.
  Error(std::string name, std::string message, End end) = delete;

  /// A failure of waybill or of a transport; not meant for handlers.
  Error(std::error_code code, std::string message, End end = End::unknown);
  Error(errc code, std::string message, End end = End::unknown);

  template <class T>
  static Error with_body(T body);

  /// What a service answers to a request that came too late to be taken. Its caller gets errc::refused, End::rejected:
  /// it may ask another one.
  static Error shutting_down();

  /// The error that a peer answered: `body` is its `err`, encoded by `serializer`. Owns what it needs.
  static Error from_peer(const Slice& body, const Serializer& serializer);

  const std::error_code& code() const noexcept;
  std::string_view name() const noexcept;     ///< The application's own code ("E42"); empty if it has none.
  std::string_view message() const noexcept;  ///< For people, without the code.
  const char* what() const noexcept override;
  End end() const noexcept;

  /// True when sending again can help and cannot do anything twice: the failure is a passing one, and the message was
  /// surely not taken (end()), or the error says that this does no harm (repeatable()).
  bool is_retryable() const noexcept;
  /// True when the same may go well another time, whatever became of the message: a timeout, a lost connection, a handler
  /// that failed without an answer of its own.
  bool is_passing() const noexcept;
  /// The same error, of a message that may be handled twice (CallOptions::idempotent).
  Error repeatable() const;
  /// True when the same message will fail again: it does not decode, or the handler said so.
  bool is_permanent() const noexcept;
  /// The same error, marked as permanent: a delivery that fails with it is parked at once.
  Error permanent() const;

  /// What a peer answered, as it came (JSON text with the json serializer); empty for local failures.
  const Slice& body() const noexcept;
  const Serializer* serializer() const noexcept;  ///< Of body(); null without one.

  /// The `details` of a peer's error, decoded.
  /// Throws Error(payload_mismatch) when they are not a T.
  template <class T>
  T details() const;
  /// The whole of what a peer answered, decoded: `{code, message, left}` as a struct of these.
  /// Throws Error(payload_mismatch) when it is not a T.
  template <class T>
  T body_as() const;

  /// Appends the error as a NestJS `err` value in the format of `serializer`.
  void encode(const Serializer& serializer, Buffer& out) const;

 private:
  struct State;
  explicit Error(std::shared_ptr<const State> state) : state_(std::move(state)) {}
  static Error with_value(std::string name, std::string message, AnyValue value, bool whole_body);
  void decode_details(ValueOut out) const;
  void decode_body(ValueOut out) const;
  std::shared_ptr<const State> state_;
};

/// The text that NestJS answers a request with that has no handler.
inline constexpr std::string_view k_no_handler_text =
    "There is no matching message handler defined in the remote service.";

template <class T>
Error::Error(std::string name, std::string message, T details)
    : Error(with_value(std::move(name), std::move(message), AnyValue::make(std::move(details)), false)) {}

template <class T>
Error Error::with_body(T body) {
  return with_value({}, {}, AnyValue::make(std::move(body)), true);
}

template <class T>
T Error::details() const {
  T value{};
  decode_details(ValueOut::of(value));
  return value;
}

template <class T>
T Error::body_as() const {
  T value{};
  decode_body(ValueOut::of(value));
  return value;
}

}  // namespace waybill

template <>
struct std::is_error_code_enum<waybill::errc> : std::true_type {};
