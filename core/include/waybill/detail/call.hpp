// One call of a client, between the typed templates and the compiled core: sent already, awaited when the caller likes.
#pragma once

#include "waybill/call_options.hpp"
#include "waybill/detail/serial_executor.hpp"
#include "waybill/detail/unique_function.hpp"
#include "waybill/format/model.hpp"
#include "waybill/result.hpp"
#include "waybill/transport/transport.hpp"

#include <cstdint>
#include <memory>

namespace waybill {

class Pattern;

namespace detail {

class ClientCore;

/// What a waiter is told: a reply packet, that the message was accepted, or an error that ends the call.
struct ReplyEvent {
  const Packet* packet = nullptr;      ///< Borrowed for the call.
  const Accepted* accepted = nullptr;  ///< Of an event.
  const Error* error = nullptr;
  bool is_final = true;  ///< Nothing follows.
  /// Set by a waiter that wants nothing of what follows: its call is given up.
  mutable bool is_enough = false;
};
using ReplyHandler = UniqueFunction<void(const ReplyEvent&)>;

/// Names an open call of a client; stale keys are recognized.
struct CallKey {
  std::uint32_t slot = UINT32_MAX;
  std::uint32_t generation = 0;
};

/// A call that was sent. Dropped without a waiter, its reply is dropped too. Move-only.
class Call {
 public:
  /// Encodes and sends a request or an event. Thread-safe. What goes wrong ends the call: nothing is thrown.
  static Call send(const std::shared_ptr<ClientCore>& core, PacketKind kind, const Pattern& pattern, ValueRef body,
                   const CallOptions& options);
  /// Sends an event whose fate nobody asks for: failures are counted and logged once a second.
  static void send_and_forget(const std::shared_ptr<ClientCore>& core, const Pattern& pattern, ValueRef body,
                              const CallOptions& options);
  Call(Call&&) noexcept = default;
  Call& operator=(Call&&) = delete;
  ~Call() {
    if (core_) abandon();  // else its handler has it
  }

  const SerialExecutor& executor() const noexcept;
  /// Never calls the handler from within. May be called from any thread, once.
  void on_reply(ReplyHandler&& handler);
  /// Something that ends the call with errc::cancelled; callable from any thread, as often as one likes.
  UniqueFunction<void()> canceller() const;
  /// For readers of long replies, on the client's executor: true asks it to stop reading for a moment, false to go on.
  UniqueFunction<void(bool)> pauser() const;

 private:
  Call(std::shared_ptr<ClientCore> core, CallKey key, std::shared_ptr<CallKey> far_key = nullptr) noexcept;
  void abandon();

  std::shared_ptr<ClientCore> core_;
  CallKey key_;
  /// Of a call that was made off the client's executor: written when it has come there, and read there alone.
  std::shared_ptr<CallKey> far_key_;
};

}  // namespace detail
}  // namespace waybill
