// One call of a client, between the typed templates and the compiled core: sent already, awaited when the caller likes.
#pragma once

#include "waybill/detail/serial_executor.hpp"
#include "waybill/detail/unique_function.hpp"
#include "waybill/format/model.hpp"
#include "waybill/payload.hpp"
#include "waybill/result.hpp"
#include "waybill/transport/packet.hpp"
#include "waybill/transport/transport.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <vector>

namespace waybill {

class Pattern;

/// What a single call may say. Its constructor lets g++ 12 destroy it inside a co_await statement.
struct CallOptions {
  CallOptions() {}                                   // NOLINT: not an aggregate, see above
  std::optional<std::chrono::milliseconds> timeout;  ///< Of a request, from the call to the end of the reply.
  Headers headers;
  Headers properties;  ///< The transport's own settings of one message, by its names (docs/transports).
  Payload metadata;    ///< NestJS's metadata, in the client's format; replaces the headers on carriers that have none.
  bool idempotent =
      false;  ///< Handling it twice does no harm: middleware::retry may send it again if it was perhaps taken.
};

namespace detail {

class ClientCore;

/// What a waiter is told: a reply packet, that the message was accepted, or an error that ends the call.
struct ReplyEvent {
  const Packet* packet = nullptr;      ///< Borrowed for the call.
  const Accepted* accepted = nullptr;  ///< Of an event.
  const Error* error = nullptr;
  bool is_final = true;  ///< Nothing follows.
};
using ReplyHandler = UniqueFunction<void(const ReplyEvent&)>;

/// Keeps what a waiter would be told until it comes. Bounded: a reply that nobody reads ends with errc::overloaded.
class Mailbox {
 public:
  void tell(const ReplyEvent& event);
  /// Tells at once what has come.
  void attach(ReplyHandler handler);
  bool is_ended() const noexcept { return ended_; }

 private:
  static constexpr std::size_t k_most = 1024;
  static constexpr std::size_t k_most_bytes = 64u << 20;
  struct Letter {
    std::optional<Packet> packet;
    std::optional<Accepted> accepted;
    std::optional<Error> error;
    bool is_final;
  };
  std::vector<Letter> letters_;
  ReplyHandler handler_;
  std::size_t bytes_ = 0;
  bool ended_ = false;
};

/// Names an open call of a client; stale keys are recognized.
struct CallKey {
  std::uint32_t slot = UINT32_MAX;
  std::uint32_t generation = 0;
};

/// A call that was sent. Dropped without a waiter, its reply is dropped too. Move-only.
class CallRef {
 public:
  CallRef(std::shared_ptr<ClientCore> core, CallKey key) noexcept;
  CallRef(std::shared_ptr<ClientCore> core, std::shared_ptr<struct RemoteCall> remote) noexcept;
  CallRef(CallRef&&) noexcept = default;
  CallRef& operator=(CallRef&&) = delete;
  ~CallRef();

  const SerialExecutor& executor() const noexcept;
  /// Never calls the handler from within. May be called from any thread, once.
  void on_reply(ReplyHandler handler);
  /// Something that ends the call with errc::cancelled; callable from any thread, as often as one likes.
  UniqueFunction<void()> canceller() const;
  /// For readers of long replies, on the client's executor: true asks it to stop reading for a moment, false to go on.
  UniqueFunction<void(bool)> pauser() const;

 private:
  std::shared_ptr<ClientCore> core_;
  CallKey key_;
  std::shared_ptr<RemoteCall> remote_;  // for calls made off the client's executor, or through middleware
};

/// Sends a request or an event; thread-safe. Errors end the call, they are not thrown.
CallRef send(const std::shared_ptr<ClientCore>& core, PacketKind kind, const Pattern& pattern, ValueRef body,
             const CallOptions& options);
/// Sends an event whose fate nobody asks for: failures are counted and logged once a second.
void send_and_forget(const std::shared_ptr<ClientCore>& core, const Pattern& pattern, ValueRef body,
                     const CallOptions& options);

}  // namespace detail
}  // namespace waybill
