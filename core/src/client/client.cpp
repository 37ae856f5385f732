#include "waybill/client.hpp"

#include "client/client_core.hpp"
#include "client/outgoing_call.hpp"
#include "format/finished.hpp"
#include "middleware/configured.hpp"
#include "service/service_loops.hpp"

#include <asio/post.hpp>

namespace waybill {
namespace detail {

Error absent_value() {
  return Error(errc::payload_mismatch, "the reply has no value; ask for void, std::optional or Payload to accept that",
               End::unknown);
}

const asio::any_io_executor& executor_of(const ClientCore& core) noexcept { return core.executor().get(); }

CallRef::CallRef(std::shared_ptr<ClientCore> core, CallKey key) noexcept : core_(std::move(core)), key_(key) {}
CallRef::CallRef(std::shared_ptr<ClientCore> core, std::shared_ptr<RemoteCall> remote) noexcept
    : core_(std::move(core)), remote_(std::move(remote)) {}

CallRef::~CallRef() {
  if (!core_ || remote_) return;  // given away, or its mailbox goes with it
  if (core_->executor().runs_here()) {
    core_->abandon(key_);
  } else {
    asio::post(core_->executor().get(), [core = core_, key = key_] { core->abandon(key); });
  }
}

const SerialExecutor& CallRef::executor() const noexcept { return core_->executor(); }

void CallRef::on_reply(ReplyHandler handler) {
  const std::shared_ptr<ClientCore> core = std::move(core_);
  if (!remote_) {
    if (core->executor().runs_here() && core->calls().is_open(key_) && !core->calls().has_mail(key_)) {
      return core->calls().attach(key_, std::move(handler));
    }
    asio::post(core->executor().get(), [core, key = key_, handler = std::move(handler)]() mutable {
      if (core->calls().is_open(key)) return core->calls().attach(key, std::move(handler));
      const Error error = closed_error(End::unknown);
      handler({nullptr, nullptr, &error, true});
    });
    return;
  }
  asio::post(core->executor().get(), [remote = remote_, handler = std::move(handler)]() mutable {
    remote->mailbox.attach(std::move(handler));
  });
}

UniqueFunction<void()> CallRef::canceller() const {
  // Weak: a stream is kept by its call, and keeps this. Whoever is to end the call keeps it as long as it is open.
  return [core = std::weak_ptr<ClientCore>(core_), key = key_, remote = std::weak_ptr<RemoteCall>(remote_)] {
    const std::shared_ptr<ClientCore> alive = core.lock();
    if (!alive) return;
    asio::post(alive->executor().get(), [alive, key, remote] {
      const std::shared_ptr<RemoteCall> call = remote.lock();
      if (!call) return alive->cancel(key);  // of a remote call that has ended the key names nothing
      call->is_cancelled = true;
      if (call->cancel) call->cancel();
    });
  };
}

UniqueFunction<void(bool)> CallRef::pauser() const {
  return [core = std::weak_ptr<ClientCore>(core_)](bool pause) {
    const std::shared_ptr<ClientCore> alive = core.lock();
    if (!alive) return;
    if (pause) {
      alive->pause_replies();
    } else {
      alive->resume_replies();
    }
  };
}

namespace {

Result<Slice> encode(const ClientCore& core, ValueRef body) {
  Buffer bytes;
  if (Result<void> encoded = core.serializer().encode(body, bytes); !encoded) return encoded.error();
  return bytes.take();
}

/// Encodes into the client's scratch memory: `payload` is valid until the next call is made.
Result<void> encode_for_now(ClientCore& core, ValueRef body, Slice& payload) {
  if (const Payload* done = finished(body, core.serializer())) {
    payload = Slice::borrow(done->bytes().view());
    return {};
  }
  Buffer& scratch = core.scratch();
  scratch.clear();
  if (Result<void> encoded = core.serializer().encode(body, scratch); !encoded) return encoded;
  payload = scratch.borrow();
  return {};
}

/// The long way round: for calls from other threads, and for all calls of a client with middleware.
CallRef send_remote(const std::shared_ptr<ClientCore>& core, PacketKind kind, const Pattern& pattern, ValueRef body,
                    const CallOptions& options) {
  auto remote = std::make_shared<RemoteCall>();
  Result<Slice> payload = encode(*core, body);
  if (!payload) {
    remote->mailbox.tell({nullptr, nullptr, &payload.error(), true});
    return CallRef(core, remote);
  }
  core->used_elsewhere = true;
  auto send_it = [core, remote, kind, pattern, bytes = *std::move(payload), options]() mutable {
    if (remote->is_cancelled) {
      const Error error = cancelled_error(End::rejected);
      return remote->mailbox.tell({nullptr, nullptr, &error, true});
    }
    if (!core->middleware.empty()) {
      return OutgoingCall::start(
          std::make_shared<OutgoingCall>(core, kind, pattern, std::move(bytes), options, remote));
    }
    Result<CallKey> key = core->send({kind, pattern, bytes, options});
    if (!key) return remote->mailbox.tell({nullptr, nullptr, &key.error(), true});
    remote->cancel = [weak = std::weak_ptr<ClientCore>(core), key = *key] {
      if (const auto alive = weak.lock()) alive->cancel(key);
    };
    core->calls().attach(*key, [remote](const ReplyEvent& event) { remote->mailbox.tell(event); });
  };
  if (core->executor().runs_here()) {
    send_it();
  } else {
    asio::post(core->executor().get(), std::move(send_it));
  }
  return CallRef(core, remote);
}

CallRef failed_call(const std::shared_ptr<ClientCore>& core, const Error& error) {
  auto remote = std::make_shared<RemoteCall>();
  remote->mailbox.tell({nullptr, nullptr, &error, true});
  return CallRef(core, remote);
}

}  // namespace

CallRef send(const std::shared_ptr<ClientCore>& core, PacketKind kind, const Pattern& pattern, ValueRef body,
             const CallOptions& options) {
  if (!core->executor().runs_here() || !core->middleware.empty())
    return send_remote(core, kind, pattern, body, options);
  Slice payload;
  if (Result<void> encoded = encode_for_now(*core, body, payload); !encoded) return failed_call(core, encoded.error());
  Result<CallKey> key = core->send({kind, pattern, payload, options});
  if (!key) return failed_call(core, key.error());
  return CallRef(core, *key);
}

void send_and_forget(const std::shared_ptr<ClientCore>& core, const Pattern& pattern, ValueRef body,
                     const CallOptions& options) {
  if (!core->executor().runs_here() || !core->middleware.empty()) {
    CallRef call = send_remote(core, PacketKind::event, pattern, body, options);
    call.on_reply([weak = std::weak_ptr<ClientCore>(core)](const ReplyEvent& event) {
      if (!event.error) return;
      if (const auto alive = weak.lock()) alive->note_forgotten_failure(*event.error);
    });
    return;
  }
  Slice payload;
  if (Result<void> encoded = encode_for_now(*core, body, payload); !encoded) {
    return core->note_forgotten_failure(encoded.error());
  }
  core->send_and_forget({PacketKind::event, pattern, payload, options});
}

WaitId new_wait(ClientCore& core) noexcept { return core.next_wait(); }

void cancel_wait(const std::weak_ptr<ClientCore>& core, WaitId id) {
  const std::shared_ptr<ClientCore> alive = core.lock();
  if (alive) asio::post(alive->executor().get(), [alive, id] { alive->cancel_wait(id); });
}

void connect_then(const std::shared_ptr<ClientCore>& core, WaitId id, UniqueFunction<void(Result<void>)> done) {
  core->used_elsewhere = true;
  asio::post(core->executor().get(),
             [core, id, done = std::move(done)]() mutable { core->connect_then(id, std::move(done)); });
}

void flush_then(const std::shared_ptr<ClientCore>& core, WaitId id, UniqueFunction<void(Result<void>)> done) {
  // At once where that is possible: what was sent before may fail before a post comes round.
  if (core->executor().runs_here()) return core->flush_then(id, std::move(done));
  asio::post(core->executor().get(),
             [core, id, done = std::move(done)]() mutable { core->flush_then(id, std::move(done)); });
}

}  // namespace detail

Client::Client(asio::any_io_executor executor, const ClientConfig& config, std::shared_ptr<const Registry> registry,
               Log log)
    : core_(std::make_shared<detail::ClientCore>(std::move(executor), config, std::move(registry), std::move(log))) {}

Client::~Client() {
  if (core_) close();
}

Client& Client::use(Middleware middleware) {
  core_->require_unused("use()");
  detail::require_side(middleware, Context::Side::client);
  core_->middleware.push_back(std::move(middleware));
  return *this;
}

Client& Client::metrics_to(MetricSink sink) {
  core_->require_unused("metrics_to()");
  core_->metrics = std::move(sink);
  return *this;
}

void Client::close() {
  // The core outlives the callback that this may be called from, and this the callbacks that it calls.
  const std::shared_ptr<detail::ClientCore> core = core_;
  if (core->executor().runs_here()) core->close();
  asio::post(core->executor().get(), [core] { core->close(); });
}

Status Client::status() const noexcept { return core_->status; }

ClientStats Client::stats() const {
  const detail::ClientCounters& counters = core_->counters;
  ClientStats stats;
  stats.requests = counters.requests;
  stats.events = counters.events;
  stats.timeouts = counters.timeouts;
  stats.failed = counters.failed;
  stats.late_replies = counters.late_replies;
  stats.reconnects = counters.reconnects;
  stats.waiting = core_->calls().waiting();
  return stats;
}

std::string Client::describe() const { return core_->describe(); }
const asio::any_io_executor& Client::executor() const noexcept { return core_->executor().get(); }

namespace {
constexpr std::chrono::seconds k_goodbye{5};
}  // namespace

BlockingClient::BlockingClient(const ClientConfig& config, std::shared_ptr<const Registry> registry)
    : loop_(std::make_unique<asio::io_context>(1)), client_(loop_->get_executor(), config, std::move(registry)) {}

BlockingClient::~BlockingClient() {
  client_.close();
  loop_->restart();
  loop_->run_for(k_goodbye);  // as a rule the other side ends at once, and then nothing is left to do
}

void BlockingClient::refuse_in_handlers() {
  if (!detail::ServiceLoops::of_this_process().runs_here()) return;
  throw Error(errc::unsupported,
              "a BlockingClient would stop the loop of the service whose handler this is: set handler_threads, or use "
              "a Client and co_await",
              End::rejected);
}

void BlockingClient::run_one() {
  if (loop_->stopped()) loop_->restart();
  loop_->run_one();
}

}  // namespace waybill
