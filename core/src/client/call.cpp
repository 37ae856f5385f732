// A call of a client, however it is made: encoded where it is made, sent on the client's executor.
#include "waybill/detail/call.hpp"

#include "client/client_core.hpp"
#include "format/finished.hpp"

#include <asio/post.hpp>

#include <algorithm>
#include <utility>

namespace waybill::detail {

namespace {

/// A packet that borrows all that it sees.
Packet make_packet(const ClientCore& core, PacketKind kind, const Pattern& pattern, const CallOptions& options) {
  Packet packet;
  packet.kind = kind;
  packet.has_pattern = packet.has_payload = true;
  packet.pattern = pattern.term();
  packet.route = pattern.route();
  packet.serializer = &core.serializer();
  if (!options.headers.empty()) packet.headers = options.headers;
  if (!options.properties.empty()) packet.properties = options.properties;
  return packet;
}

/// REQUIRES: !metadata.empty().
Result<void> add_metadata(const ClientCore& core, const Payload& metadata, Packet& packet) {
  if (metadata.serializer() != &core.serializer()) {
    return Error(errc::payload_mismatch,
                 "the metadata of the call is " + std::string(metadata.serializer()->name()) +
                     ", and the client sends " + std::string(core.serializer().name()) +
                     ": make it with the client's serializer",
                 End::rejected);
  }
  if (Result<void> checked = metadata.check(); !checked) return checked;
  packet.metadata = metadata.bytes_as_they_came();
  return {};
}

/// Adds the metadata, and the body, which is encoded into `storage` where it is not encoded already: the packet is valid as
/// long as they are.
Result<void> encode(const ClientCore& core, ValueRef body, const CallOptions& options, Buffer& storage,
                    Packet& packet) {
  if (!options.metadata.empty()) {
    if (Result<void> added = add_metadata(core, options.metadata, packet); !added) return added;
  }
  if (const Payload* done = finished(body, core.serializer())) {
    packet.payload = Slice::borrow(done->bytes_as_they_came().view());
    return {};
  }
  storage.clear();
  if (Result<void> encoded = core.serializer().encode(body, storage); !encoded) return encoded;
  packet.payload = storage.borrow();
  return {};
}

/// On the client's executor, behind what began the call.
CallKey chosen(CallKey key, const std::shared_ptr<CallKey>& far_key) noexcept { return far_key ? *far_key : key; }

std::chrono::milliseconds limit_of(const ClientCore& core, const CallOptions& options) {
  const std::chrono::milliseconds own = options.timeout.value_or(core.default_timeout());
  return options.time_left ? std::min(own, *options.time_left) : own;
}

}  // namespace

Call::Call(std::shared_ptr<ClientCore> core, CallKey key, std::shared_ptr<CallKey> far_key) noexcept
    : core_(std::move(core)), key_(key), far_key_(std::move(far_key)) {}

Call Call::send(const std::shared_ptr<ClientCore>& core, PacketKind kind, const Pattern& pattern, ValueRef body,
                const CallOptions& options) {
  Packet packet = make_packet(*core, kind, pattern, options);
  const CallLimits limits{limit_of(*core, options), options.idempotent};
  if (core->executor().runs_here()) {
    const Result<void> encoded = encode(*core, body, options, core->scratch(), packet);
    return Call(core, encoded ? core->start(packet, limits) : core->refuse(packet, encoded.error()));
  }
  core->used_elsewhere = true;
  Buffer storage;
  Result<void> encoded = encode(*core, body, options, storage, packet);
  auto far_key = std::make_shared<CallKey>();
  asio::post(core->executor().get(),
             [core, far_key, limits, owned = packet.own(), encoded = std::move(encoded)]() mutable {
               *far_key = encoded ? core->start(owned, limits) : core->refuse(owned, encoded.error());
             });
  return Call(core, {}, std::move(far_key));
}

void Call::send_and_forget(const std::shared_ptr<ClientCore>& core, const Pattern& pattern, ValueRef body,
                           const CallOptions& options) {
  Packet packet = make_packet(*core, PacketKind::event, pattern, options);
  const CallLimits limits{limit_of(*core, options), options.idempotent};
  if (core->executor().runs_here()) {
    const Result<void> encoded = encode(*core, body, options, core->scratch(), packet);
    return encoded ? core->start_and_forget(packet, limits) : core->note_forgotten_failure(encoded.error());
  }
  core->used_elsewhere = true;
  Buffer storage;
  Result<void> encoded = encode(*core, body, options, storage, packet);
  asio::post(core->executor().get(), [core, limits, owned = packet.own(), encoded = std::move(encoded)]() mutable {
    if (!encoded) return core->note_forgotten_failure(encoded.error());
    core->start_and_forget(owned, limits);
  });
}

void Call::abandon() {
  if (!far_key_ && core_->executor().runs_here()) {
    core_->abandon(key_);
  } else {
    asio::post(core_->executor().get(),
               [core = core_, key = key_, far_key = far_key_] { core->abandon(chosen(key, far_key)); });
  }
}

const SerialExecutor& Call::executor() const noexcept { return core_->executor(); }

void Call::on_reply(ReplyHandler&& handler) {
  const std::shared_ptr<ClientCore> core = std::move(core_);
  if (!far_key_ && core->executor().runs_here() && core->calls().attach_quietly(key_, handler)) return;
  asio::post(core->executor().get(), [core, key = key_, far_key = far_key_, handler = std::move(handler)]() mutable {
    core->calls().attach(chosen(key, far_key), std::move(handler));
  });
}

UniqueFunction<void()> Call::canceller() const {
  // Weak: a stream is kept by its call, and keeps this. Whoever is to end the call keeps it as long as it is open.
  return [weak = std::weak_ptr<ClientCore>(core_), key = key_, far_key = far_key_] {
    const std::shared_ptr<ClientCore> core = weak.lock();
    if (!core) return;
    asio::post(core->executor().get(), [core, key, far_key] { core->cancel(chosen(key, far_key)); });
  };
}

UniqueFunction<void(bool)> Call::pauser() const {
  return [weak = std::weak_ptr<ClientCore>(core_)](bool pause) {
    const std::shared_ptr<ClientCore> core = weak.lock();
    if (!core) return;
    if (pause) {
      core->pause_replies();
    } else {
      core->resume_replies();
    }
  };
}

}  // namespace waybill::detail
