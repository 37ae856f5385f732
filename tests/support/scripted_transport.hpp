// A client's transport that does what a test tells it: how an open ends, what was sent, replied and lost, in any order.
// No socket, no time of its own.
#pragma once

#include "support/eventually.hpp"
#include "support/log_capture.hpp"
#include "waybill/client.hpp"
#include "waybill/detail/asio.hpp"
#include "waybill/serializers/json.hpp"
#include "waybill/transport/transport.hpp"

#include <asio/io_context.hpp>
#include <asio/post.hpp>

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace waybill::test {

/// Shared by the test and the connection. All on the client's loop.
struct Script {
  explicit Script(asio::io_context& loop) : changed(loop) {}

  struct Sent {
    Packet packet;  ///< Owned.
    Ticket ticket;
  };

  Capabilities capabilities{.transport = "scripted", .event_promise = "at most once"};
  std::optional<Result<void>> opens_with = Result<void>();  ///< Nothing: the open waits for it.
  bool flush_hangs = false;
  int sends_that_throw = 0;

  ConnectionSink* sink = nullptr;
  std::vector<Sent> sent;
  std::vector<std::string> forgotten;  ///< Ids.
  int opens = 0;
  int flushes = 0;
  int pauses = 0;
  int resumes = 0;
  bool is_closed = false;
  asio::steady_timer changed;

  /// Ends the open under way, and those after it.
  void open_with(Result<void> outcome) {
    opens_with = std::move(outcome);
    changed.cancel();
  }
  void end_flushes() {
    flush_hangs = false;
    changed.cancel();
  }
  void lose(const std::string& why = "reset") { sink->on_lost(Error(errc::connection_lost, why, End::unknown)); }
  /// A value in JSON, to what was sent as number `at`.
  void reply(std::size_t at, const std::string& json, bool last = true) {
    Packet packet;
    packet.kind = PacketKind::value;
    packet.last = last;
    packet.has_payload = true;
    const std::string id(sent[at].packet.id.text);
    packet.id = {id, false};
    packet.payload = Slice::copy(json);
    packet.serializer = sent[at].packet.serializer;
    sink->on_reply(packet);
  }
  void confirm(std::size_t at) { sink->on_sent(sent[at].ticket, Accepted{Accepted::By::confirmed, 0}); }
};

class ScriptedConnection final : public Connection {
 public:
  explicit ScriptedConnection(std::shared_ptr<Script> script) : script_(std::move(script)) {}
  asio::awaitable<Result<void>> open(ConnectionSink& sink) override {
    const std::shared_ptr<Script> script = script_;
    script->sink = &sink;
    ++script->opens;
    while (!script->opens_with && !script->is_closed) co_await waybill::detail::wait_quietly(script->changed);
    co_return script->is_closed ? Result<void>(Error(errc::closed, "closed", End::rejected)) : *script->opens_with;
  }
  void send(const Packet& packet, Ticket ticket) override {
    if (script_->sends_that_throw > 0 && script_->sends_that_throw--) throw std::runtime_error("no memory, say");
    script_->sent.push_back({packet.own(), ticket});
  }
  void forget(Term id) override { script_->forgotten.emplace_back(id.text); }
  void pause() override { ++script_->pauses; }
  void resume() override { ++script_->resumes; }
  asio::awaitable<void> flush() override {
    const std::shared_ptr<Script> script = script_;
    ++script->flushes;
    while (script->flush_hangs && !script->is_closed) co_await waybill::detail::wait_quietly(script->changed);
  }
  void close() override {
    script_->is_closed = true;
    script_->changed.cancel();
  }

 private:
  std::shared_ptr<Script> script_;
};

class ScriptedTransport final : public Transport {
 public:
  explicit ScriptedTransport(std::shared_ptr<Script> script) : script_(std::move(script)) {
    script_->changed.expires_at(std::chrono::steady_clock::time_point::max());
  }
  const Capabilities& capabilities() const noexcept override { return script_->capabilities; }
  std::unique_ptr<Listener> make_listener(Environment) override { return nullptr; }
  std::unique_ptr<Connection> make_connection(Environment) override {
    return std::make_unique<ScriptedConnection>(script_);
  }

 private:
  std::shared_ptr<Script> script_;
};

/// A client over a script, made when it is first asked for.
class ScriptedClient {
 public:
  ~ScriptedClient() {
    if (client_) client_->close();
    run_ready(loop);
  }
  /// A new one; the one before is closed.
  Client& make(const std::string& options = "") {
    client_.reset();
    run_ready(loop);
    script->is_closed = false;
    auto registry = std::make_shared<Registry>();
    registry->add_serializer(json::make_json_serializer());
    registry->add_transport("scripted",
                            [script = script](const Url&, const Registry&) -> Result<std::unique_ptr<Transport>> {
                              return std::unique_ptr<Transport>(std::make_unique<ScriptedTransport>(script));
                            });
    const ClientConfig config = ClientConfig::from_url("scripted://user:secret@there" + options);
    return client_.emplace(loop.get_executor(), config, registry, log.log());
  }
  Client& client() { return client_ ? *client_ : make(); }
  /// On the loop, where the client's calls take the short way; then everything that is ready.
  void run(std::function<void()> work) {
    asio::post(loop, std::move(work));
    run_ready(loop);
  }

  asio::io_context loop{1};
  std::shared_ptr<Script> script = std::make_shared<Script>(loop);
  LogCapture log;

 private:
  std::optional<Client> client_;
};

/// What a call has ended with, and how often.
template <class T>
struct Ended {
  std::shared_ptr<std::vector<Result<T>>> results = std::make_shared<std::vector<Result<T>>>();
  /// A completion token: a callback that keeps the result.
  auto token() const {
    return [results = results](Result<T> result) { results->push_back(std::move(result)); };
  }
  std::size_t count() const { return results->size(); }
  const Result<T>& operator*() const { return results->front(); }
  const Error& error() const { return results->front().error(); }
};

}  // namespace waybill::test
