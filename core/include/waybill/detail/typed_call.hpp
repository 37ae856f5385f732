// The typed half of a client's call: decodes what comes back, and brings it to who waits.
#pragma once

#include "waybill/detail/call.hpp"
#include "waybill/detail/completion.hpp"
#include "waybill/fields.hpp"
#include "waybill/format/serializer.hpp"
#include "waybill/pattern.hpp"

#include <asio/associated_cancellation_slot.hpp>
#include <asio/associated_executor.hpp>

#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

namespace waybill::detail {

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

/// Of an event that was sent.
template <>
inline Result<Accepted> outcome_of<Accepted>(const ReplyEvent& event) {
  if (event.error) return *event.error;
  return event.accepted ? *event.accepted : Accepted{};
}

/// Initiates the wait for a call: `handler` gets its Result<R>, once, on the executor that it asks for. Where a stream
/// answers, its first value is the outcome, and the call is given up.
template <class R>
struct AwaitCall {
  template <class Handler>
  void operator()(Handler handler, Call call) const {
    auto slot = asio::get_associated_cancellation_slot(handler);
    if (slot.is_connected()) {
      slot.assign([cancel = call.canceller()](asio::cancellation_type) mutable { cancel(); });
    }
    const asio::any_io_executor& home = call.executor().get();
    if (is_at_home(handler, home)) {  // the usual case, and the quick one
      call.on_reply([handler = std::move(handler), is_told = false](const ReplyEvent& event) mutable {
        if (std::exchange(is_told, true)) return;
        event.is_enough = true;
        auto own_slot = asio::get_associated_cancellation_slot(handler);
        if (own_slot.is_connected()) own_slot.clear();
        std::move(handler)(outcome_of<R>(event));  // decoded where the handler has it
      });
      return;
    }
    auto completion = make_completion<R>(SlotClearing<Handler>{{std::move(handler)}}, home);
    call.on_reply([completion = std::move(completion), is_told = false](const ReplyEvent& event) mutable {
      if (std::exchange(is_told, true)) return;
      event.is_enough = true;
      completion(outcome_of<R>(event));
    });
  }
};

}  // namespace waybill::detail
