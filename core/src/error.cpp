#include "waybill/error.hpp"

#include "error_text.hpp"
#include "waybill/fields.hpp"
#include "waybill/format/serializer.hpp"
#include "waybill/transport/refusal_texts.hpp"

namespace waybill {
namespace {

/// The shape of an error that waybill itself writes: NestJS's own, with a code where the caller sent the wrong thing.
struct NestError {
  std::string_view status;
  std::string_view message;
  std::optional<std::string_view> code = std::nullopt;
};

const char* sentence(errc code) noexcept {
  switch (code) {
    case errc::timeout: return "the deadline passed before the call ended";
    case errc::connection_lost: return "the connection was lost while the call was in flight";
    case errc::refused: return "the other side cannot be reached";
    case errc::unauthorized: return "the credentials were refused";
    case errc::no_handler: return "the service has no handler for the pattern";
    case errc::no_receiver: return "nobody is subscribed to the pattern";
    case errc::remote: return "the handler on the other side answered with an error";
    case errc::payload_mismatch: return "the payload does not fit the type";
    case errc::payload_malformed: return "the payload is not valid in its format";
    case errc::too_large: return "a size is above its cap";
    case errc::overloaded: return "a bounded queue is full";
    case errc::cancelled: return "the operation was cancelled";
    case errc::closed: return "the client or service was closed";
    case errc::unsupported: return "the transport cannot do this";
    case errc::invalid_config: return "the configuration is wrong";
    case errc::internal: return "Internal server error";
  }
  return "unknown error";
}

class Category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "waybill"; }
  std::string message(int code) const override { return sentence(static_cast<errc>(code)); }
};

}  // namespace

const std::error_category& waybill_category() noexcept {
  static const Category category;
  return category;
}
std::error_code make_error_code(errc code) noexcept { return {static_cast<int>(code), waybill_category()}; }
std::error_condition make_error_condition(errc code) noexcept { return {static_cast<int>(code), waybill_category()}; }

struct Error::State {
  std::error_code code;
  std::string name;
  std::string message;
  std::string what;
  End end = End::unknown;
  bool permanent = false;
  bool repeatable = false;
  bool value_is_body = false;
  AnyValue value;                          // details, or the whole body: of errors made here
  Slice body;                              // of errors that came from a peer
  const Serializer* serializer = nullptr;  // of body
  Slice details;                           // part of body
};

Error::Error(std::string message) : Error(std::string(), std::move(message)) {}

Error::Error(std::string name, std::string message)
    : Error(with_value(std::move(name), std::move(message), {}, false)) {}

Error::Error(std::error_code code, std::string message, End end) {
  State state;
  state.code = code;
  state.what = message.empty() ? code.message() : message;
  state.message = state.what;
  state.end = end;
  state_ = std::make_shared<const State>(std::move(state));
}

Error::Error(errc code, std::string message, End end) : Error(make_error_code(code), std::move(message), end) {}

Error Error::with_value(std::string name, std::string message, AnyValue value, bool whole_body) {
  State state;
  state.code = make_error_code(errc::remote);
  state.what = name.empty() ? message : name + ": " + message;
  state.name = std::move(name);
  state.message = std::move(message);
  state.value = std::move(value);
  state.value_is_body = whole_body;
  return Error(std::make_shared<const State>(std::move(state)));
}

namespace {

/// What clients look at in a peer's error. Every member may be missing or of another type: then it is not looked at.
struct PeerError {
  std::optional<std::string> code;
  std::optional<std::string> message;
};
struct PeerDetails {
  Payload details;
};

}  // namespace

Error Error::from_peer(const Slice& body, const Serializer& serializer) {
  State state;
  state.code = make_error_code(errc::remote);
  const Result<Payload> whole = serializer.lend(body);
  if (!whole) {
    // Not to be passed on: it would be this side's malformed packet.
    state.what = state.message = "the peer's error is malformed";
    return Error(std::make_shared<const State>(std::move(state)));
  }
  state.body = whole->bytes().own();
  state.serializer = &serializer;
  std::string text;
  PeerError peer;
  PeerDetails details;
  if (serializer.decode(state.body, ValueOut::of(text))) {
    state.message = text;
    if (text == k_no_handler_text) {
      state.code = make_error_code(errc::no_handler);
      state.end = End::rejected;
    }
  } else if (serializer.decode(state.body, ValueOut::of(peer))) {
    state.name = peer.code.value_or("");
    state.message = peer.message.value_or("");
    if (serializer.decode(state.body, ValueOut::of(details))) state.details = details.details.bytes();
    const bool is_full = state.name == "overloaded" && state.message.starts_with(transport::k_overloaded_text);
    if (is_full || (state.name == "refused" && state.message == transport::k_leaving_text)) {
      state.code = make_error_code(is_full ? errc::overloaded : errc::refused);
      state.end = End::rejected;
    }
  }
  if (state.message.empty() && serializer.is_json()) state.message = std::string(state.body.view().substr(0, 512));
  state.what = state.name.empty() ? state.message : state.name + ": " + state.message;
  return Error(std::make_shared<const State>(std::move(state)));
}

Error Error::shutting_down() { return Error("refused", std::string(transport::k_leaving_text)); }

const std::error_code& Error::code() const noexcept { return state_->code; }
std::string_view Error::name() const noexcept { return state_->name; }
std::string_view Error::message() const noexcept { return state_->message; }
const char* Error::what() const noexcept { return state_->what.c_str(); }
End Error::end() const noexcept { return state_->end; }
const Slice& Error::body() const noexcept { return state_->body; }
const Serializer* Error::serializer() const noexcept { return state_->serializer; }

bool Error::is_permanent() const noexcept {
  return state_->permanent || code() == errc::payload_mismatch || code() == errc::payload_malformed;
}

bool Error::is_retryable() const noexcept {
  return (state_->end == End::rejected || state_->repeatable) && is_passing();
}

bool Error::is_passing() const noexcept {
  if (is_permanent()) return false;
  const std::error_code& c = code();
  if (c == errc::remote || c == errc::no_handler || c == errc::unauthorized || c == errc::unsupported ||
      c == errc::invalid_config || c == errc::cancelled || c == errc::closed || c == errc::too_large) {
    return false;
  }
  return true;
}

Error Error::permanent() const {
  State state = *state_;
  state.permanent = true;
  return Error(std::make_shared<const State>(std::move(state)));
}

Error Error::repeatable() const {
  State state = *state_;
  state.repeatable = true;
  return Error(std::make_shared<const State>(std::move(state)));
}

void Error::decode_body(ValueOut out) const {
  if (!state_->serializer) throw Error(errc::payload_mismatch, "the error has no body", End::rejected);
  state_->serializer->decode(state_->body, out).value();
}

void Error::decode_details(ValueOut out) const {
  if (state_->details.empty()) throw Error(errc::payload_mismatch, "the error has no details", End::rejected);
  state_->serializer->decode(state_->details, out).value();
}

/// What went wrong inside is not the caller's business, except where it is the caller's own mistake.
bool detail::is_told(const Error& error) noexcept {
  const std::error_code& code = error.code();
  return code == errc::remote || code == errc::payload_mismatch || code == errc::payload_malformed ||
         code == errc::overloaded || code == errc::timeout;
}

void Error::encode(const Serializer& serializer, Buffer& out) const {
  if (state_->value_is_body) return serializer.encode(state_->value.ref(), out).value();
  if (state_->serializer == &serializer) return out.append(state_->body.view());
  if (code() == errc::overloaded && end() == End::rejected) {
    const Error refusal("overloaded", std::string(transport::k_overloaded_text) + ": " + std::string(message()));
    return refusal.encode(serializer, out);
  }
  if (code() != errc::remote) {
    NestError error{"error", detail::is_told(*this) ? message() : "Internal server error"};
    if (code() == errc::payload_mismatch) error.code = "payload_mismatch";
    return serializer.encode(ValueRef::of(error), out).value();
  }
  if (name().empty() && !state_->value) {
    NestError error{"error", message()};
    return serializer.encode(ValueRef::of(error), out).value();
  }
  struct NamedError {
    std::string_view code;
    std::string_view message;
  };
  struct DetailedError {
    std::string_view code;
    std::string_view message;
    Payload details;
  };
  if (!state_->value) {
    NamedError error{name(), message()};
    return serializer.encode(ValueRef::of(error), out).value();
  }
  Buffer details;
  serializer.encode(state_->value.ref(), details).value();
  DetailedError error{name(), message(), Payload(details.take(), serializer)};
  serializer.encode(ValueRef::of(error), out).value();
}

}  // namespace waybill
