// The typed half of a client's call: encodes what goes out, decodes what comes back, refuses what g++ 12 miscompiles.
#pragma once

#include "waybill/detail/call.hpp"
#include "waybill/detail/completion.hpp"
#include "waybill/fields.hpp"
#include "waybill/format/serializer.hpp"
#include "waybill/pattern.hpp"

#include <asio/associated_cancellation_slot.hpp>
#include <asio/associated_executor.hpp>
#include <asio/use_awaitable.hpp>

#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

namespace waybill::detail {

template <class Token>
inline constexpr bool is_awaitable_token = false;
template <class Executor>
inline constexpr bool is_awaitable_token<asio::use_awaitable_t<Executor>> = true;

/// g++ up to 12 destroys a temporary aggregate that owns something twice when it stands in a co_await statement.
template <class Body, class Token>
constexpr void refuse_miscompiled() {
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ <= 12
  using T = std::remove_cvref_t<Body>;
  static_assert(std::is_lvalue_reference_v<Body> || !std::is_aggregate_v<T> || std::is_array_v<T> ||
                    std::is_trivially_destructible_v<T> || !is_awaitable_token<std::remove_cvref_t<Token>>,
                "waybill: name this payload first (`Order order{...}; co_await client.request<R>(pattern, order);`): "
                "g++ 12 destroys a temporary like Order{...} in a co_await statement twice");
#endif
}

/// The same happens to a Pattern out of `flag ? Pattern("a") : Pattern("b")`, which cannot be told from others.
template <class Token>
constexpr void refuse_pattern_temporary() {
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ <= 12
  static_assert(!is_awaitable_token<std::remove_cvref_t<Token>>,
                "waybill: name this pattern first (`const Pattern pattern = ...; co_await client.request<R>(pattern, "
                "body);`): g++ 12 destroys a conditional temporary in a co_await statement twice");
#endif
}

/// A Pattern that has no name; texts, numbers and brace lists that become one are none of these.
template <class P>
concept PatternTemporary = std::is_same_v<P, Pattern>;

template <class Body>
ValueRef body_ref(const Body& body) {
  return ValueRef::of(body);
}

template <class R>
inline constexpr bool may_be_absent = std::is_void_v<R> || std::is_same_v<R, std::monostate>;
template <class T>
inline constexpr bool may_be_absent<std::optional<T>> = true;
template <>
inline constexpr bool may_be_absent<Payload> = true;

Error absent_value();

/// The payload of a reply as an R.
template <class R>
Result<R> decode_reply(const Packet& packet) {
  if constexpr (std::is_void_v<R>) {
    return Result<void>{};
  } else {
    if (!packet.has_payload) {
      if constexpr (may_be_absent<R>)
        return R{};
      else
        return absent_value();
    } else {
      Result<R> value(std::in_place);  // decoded where it will be returned
      Result<void> decoded = packet.serializer->decode(packet.payload, ValueOut::of(*value));
      if (!decoded) value = decoded.error();
      return value;
    }
  }
}

/// The outcome of a call that wants one value. Further values of the reply are not looked at.
template <class R>
Result<R> outcome_of(const ReplyEvent& event) {
  if (event.error) return *event.error;
  const Packet& packet = *event.packet;
  switch (packet.kind) {
    case PacketKind::error:
    case PacketKind::no_handler: return Error::from_peer(packet.payload, *packet.serializer);
    default: return decode_reply<R>(packet);
  }
}

/// A handler that has said nothing of executors: a lambda, mostly.
template <class Handler>
concept HasNoExecutor = requires {
  typename asio::associated_executor<Handler, asio::any_io_executor>::asio_associated_executor_is_unspecialised;
};

/// Whether the handler wants to be called on `home`. Copies and compares executors only if it must.
template <class Handler>
bool is_at_home(const Handler& handler, const asio::any_io_executor& home) {
  if constexpr (HasNoExecutor<Handler>) {
    return true;
  } else if constexpr (std::is_same_v<asio::associated_executor_t<Handler, asio::any_io_executor>,
                                      asio::any_io_executor>) {
    return asio::get_associated_executor(handler, home) == home;
  } else {
    return false;
  }
}

/// Calls `handler` with the call's Result<R>, once, on the executor that the handler asks for. What follows, where a stream
/// answers, is not looked at.
template <class R, class Handler, class Outcome>
void await_call(CallRef&& call, Handler handler, Outcome outcome) {
  auto slot = asio::get_associated_cancellation_slot(handler);
  if (slot.is_connected()) {
    slot.assign([cancel = call.canceller()](asio::cancellation_type) mutable { cancel(); });
  }
  const asio::any_io_executor& home = call.executor().get();
  if (is_at_home(handler, home)) {  // the usual case, and the quick one
    call.on_reply([handler = std::move(handler), outcome, is_told = false](const ReplyEvent& event) mutable {
      if (std::exchange(is_told, true)) return;
      Result<R> result = outcome(event);
      auto own_slot = asio::get_associated_cancellation_slot(handler);
      if (own_slot.is_connected()) own_slot.clear();
      std::move(handler)(std::move(result));
    });
    return;
  }
  auto completion = make_completion<R>(SlotClearing<Handler>{{std::move(handler)}}, home);
  call.on_reply([completion = std::move(completion), outcome, is_told = false](const ReplyEvent& event) mutable {
    if (!std::exchange(is_told, true)) completion(outcome(event));
  });
}

template <class R>
struct AwaitReply {
  template <class Handler>
  void operator()(Handler handler, CallRef call) const {
    await_call<R>(std::move(call), std::move(handler), [](const ReplyEvent& event) { return outcome_of<R>(event); });
  }
};

struct AwaitAccepted {
  template <class Handler>
  void operator()(Handler handler, CallRef call) const {
    await_call<Accepted>(std::move(call), std::move(handler), [](const ReplyEvent& event) -> Result<Accepted> {
      if (event.error) return *event.error;
      return event.accepted ? *event.accepted : Accepted{};
    });
  }
};

/// The rest of the compiled core that Client's templates need.
const asio::any_io_executor& executor_of(const ClientCore& core) noexcept;

/// Names one wait for a link or for a flush, so that it can be cancelled from any thread.
using WaitId = std::uint64_t;
WaitId new_wait(ClientCore& core) noexcept;
void cancel_wait(const std::weak_ptr<ClientCore>& core, WaitId id);
using StartWait = void(const std::shared_ptr<ClientCore>& core, WaitId id, UniqueFunction<void(Result<void>)> done);
StartWait connect_then;
StartWait flush_then;

/// Begins a wait that the handler's cancellation slot ends.
template <class Handler>
void wait_for(const std::shared_ptr<ClientCore>& core, StartWait* start, Handler handler) {
  const WaitId id = new_wait(*core);
  auto slot = asio::get_associated_cancellation_slot(handler);
  if (slot.is_connected()) {
    slot.assign([weak = std::weak_ptr<ClientCore>(core), id](asio::cancellation_type) { cancel_wait(weak, id); });
  }
  start(core, id, make_completion<void>(SlotClearing<Handler>{{std::move(handler)}}, executor_of(*core)));
}

}  // namespace waybill::detail
