// How a caller's cancellation reaches an operation that runs on another executor.
#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/associated_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/dispatch.hpp>

#include <memory>

namespace waybill::detail {

/// The signal that `handler`'s cancellation gives on `home`; null if it cannot be cancelled. The operation keeps it.
template <class Handler>
std::shared_ptr<asio::cancellation_signal> cancellation_of(const Handler& handler, const asio::any_io_executor& home) {
  auto slot = asio::get_associated_cancellation_slot(handler);
  if (!slot.is_connected()) return nullptr;
  auto signal = std::make_shared<asio::cancellation_signal>();
  slot.assign([weak = std::weak_ptr(signal), home](asio::cancellation_type) {
    asio::dispatch(home, [weak] {
      if (const auto given = weak.lock()) given->emit(asio::cancellation_type::terminal);  // coroutines hear no other
    });
  });
  return signal;
}

}  // namespace waybill::detail
