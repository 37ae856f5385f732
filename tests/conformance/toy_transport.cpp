// A stranger's transport: one file, the public headers and nothing else, and it passes the suite. It carries packets
// through queues in the process, as at-most-once, without groups, redelivery or receivers: the least that a transport
// may be. docs/adding-a-transport.md walks through it.
#include <waybill/serializers/json.hpp>
#include <waybill/transport/transport.hpp>
#include <waybill/url.hpp>

#include <asio/post.hpp>

#include <conformance.hpp>
#include <deque>
#include <map>
#include <set>

namespace toy {

using namespace waybill;  // NOLINT: one small file

/// Both ends of one link. What one end writes, the other reads on a later turn of the loop.
struct Pipe : std::enable_shared_from_this<Pipe> {
  class ToyListener* listener = nullptr;      // null once that end is closed
  class ToyConnection* connection = nullptr;  // the same
  std::deque<Packet> unread;                  // requests and events, owned
  std::size_t in_hand = 0;                    // deliveries of this pipe
  std::set<std::string> wanted;               // ids whose replies somebody waits for
  std::size_t untold = 0;                     // replies under way
};
using PipePtr = std::shared_ptr<Pipe>;

/// Where connections find listeners, by the name in the URL.
using Wires = std::map<std::string, ToyListener*>;

class ToyListener final : public Listener {
 public:
  ToyListener(std::shared_ptr<Wires> wires, std::string name, Environment environment)
      : wires_(std::move(wires)), name_(std::move(name)), environment_(std::move(environment)) {}
  ~ToyListener() override { close(); }

  asio::awaitable<Result<void>> open(const Routes& routes, ListenerSink& sink) override {
    for (const auto& route : routes) {
      if (route.pattern.is_native()) {
        co_return Error(errc::unsupported, "toy has no native patterns: '" + route.pattern.route() + "'",
                        End::rejected);
      }
    }
    if (!wires_->emplace(name_, this).second) {
      co_return Error(errc::refused, "somebody listens on toy://" + name_, End::rejected);
    }
    sink_ = &sink;
    co_return Result<void>();
  }
  void stop_intake() override { is_draining_ = true; }
  void pause() override { is_paused_ = true; }
  void resume() override {
    is_paused_ = false;
    for (const auto& pipe : pipes_) schedule(pipe);
  }
  asio::awaitable<void> flush() override { co_return; }  // replies are handed over at once
  void close() override;
  std::string address() const override { return "toy://" + name_; }

  void connect(const PipePtr& pipe) {
    std::erase_if(pipes_, [](const PipePtr& old) { return !old->connection && old->in_hand == 0; });
    pipes_.insert(pipe);
  }
  void schedule(const PipePtr& pipe) {
    asio::post(environment_.executor, [pipe] {
      if (pipe->listener) pipe->listener->read(pipe);
    });
  }
  void finished(Pipe& pipe) {
    --pipe.in_hand;
    schedule(pipe.shared_from_this());
  }
  void cut();

 private:
  void read(const PipePtr& pipe);

  std::shared_ptr<Wires> wires_;
  std::string name_;
  Environment environment_;
  ListenerSink* sink_ = nullptr;
  std::set<PipePtr> pipes_;
  bool is_draining_ = false;
  bool is_paused_ = false;
};

class ToyConnection final : public Connection {
 public:
  ToyConnection(std::shared_ptr<Wires> wires, std::string name, Environment environment)
      : wires_(std::move(wires)), name_(std::move(name)), environment_(std::move(environment)) {}
  ~ToyConnection() override { close(); }

  asio::awaitable<Result<void>> open(ConnectionSink& sink) override {
    const auto listener = wires_->find(name_);
    if (listener == wires_->end()) {
      co_return Error(errc::refused, "nobody listens on toy://" + name_, End::rejected);
    }
    sink_ = &sink;
    pipe_ = std::make_shared<Pipe>();
    pipe_->listener = listener->second;
    pipe_->connection = this;
    pipe_->listener->connect(pipe_);
    co_return Result<void>();
  }
  void send(const Packet& packet, Ticket ticket) override {
    if (!pipe_) return;
    if (packet.kind == PacketKind::request) pipe_->wanted.emplace(packet.id.text);
    pipe_->unread.push_back(packet.own());
    if (pipe_->listener) pipe_->listener->schedule(pipe_);
    if (ticket == 0 || (ticket & k_failure_only)) return;
    asio::post(environment_.executor, [pipe = pipe_, ticket] {
      if (pipe->connection) pipe->connection->sink_->on_sent(ticket, Accepted{});
    });
  }
  void forget(Term id) override {
    if (pipe_) pipe_->wanted.erase(std::string(id.text));
  }
  asio::awaitable<void> flush() override { co_return; }
  void close() override {
    if (!pipe_) return;
    pipe_->connection = nullptr;  // the listener keeps its end as long as a delivery needs it
    pipe_.reset();
  }

  /// A reply has come down the pipe.
  void take(const Packet& packet) { sink_->on_reply(packet); }
  void lose() {
    if (!pipe_) return;
    close();
    sink_->on_lost(Error(errc::connection_lost, "the toy broke"));
  }
  const asio::any_io_executor& executor() const { return environment_.executor; }

 private:
  std::shared_ptr<Wires> wires_;
  std::string name_;
  Environment environment_;
  ConnectionSink* sink_ = nullptr;
  PipePtr pipe_;
};

/// A delivery's way back: it holds the pipe, not the roles, which may be gone by then.
class ToySource final : public DeliverySource {
 public:
  explicit ToySource(PipePtr pipe) : pipe_(std::move(pipe)) {}
  void reply(const Delivery& delivery, const Packet& packet) override {
    if (!is_connected()) return;
    Packet reply = packet;
    reply.id = delivery.packet.id;
    const bool is_last = packet.kind != PacketKind::value || packet.last;
    ++pipe_->untold;
    asio::post(pipe_->connection->executor(), [pipe = pipe_, reply = reply.own(), is_last] {
      --pipe->untold;
      const std::string id(reply.id.text);
      if (!pipe->connection || !pipe->wanted.count(id)) return;
      if (is_last) pipe->wanted.erase(id);
      pipe->connection->take(reply);
    });
  }
  void settle(const Delivery&, Settlement) override {
    if (pipe_->listener) pipe_->listener->finished(*pipe_);
  }
  void add_delivery() noexcept override {}
  void drop_delivery() noexcept override { delete this; }
  bool is_connected() const noexcept override { return pipe_->listener && pipe_->connection; }
  bool is_congested() const noexcept override { return pipe_->untold >= 64; }

 private:
  PipePtr pipe_;
};

void ToyListener::read(const PipePtr& pipe) {
  while (sink_ && !is_paused_ && !is_draining_ && pipe->listener && !pipe->unread.empty() &&
         pipe->in_hand < environment_.max_in_flight) {
    Packet packet = std::move(pipe->unread.front());
    pipe->unread.pop_front();
    ++pipe->in_hand;
    Delivery delivery(*new ToySource(pipe), 0);  // the source ends with its delivery
    delivery.packet = std::move(packet);
    sink_->on_delivery(std::move(delivery));
  }
}

void ToyListener::cut() {
  for (const auto& pipe : std::exchange(pipes_, {})) {
    pipe->listener = nullptr;
    if (!pipe->connection) continue;
    asio::post(pipe->connection->executor(), [pipe] {
      if (pipe->connection) pipe->connection->lose();
    });
  }
}

void ToyListener::close() {
  if (!sink_) return;
  sink_ = nullptr;
  wires_->erase(name_);
  cut();
}

class ToyTransport final : public Transport {
 public:
  ToyTransport(std::shared_ptr<Wires> wires, std::string name) : wires_(std::move(wires)), name_(std::move(name)) {}
  const Capabilities& capabilities() const noexcept override { return k_capabilities; }
  std::unique_ptr<Listener> make_listener(Environment environment) override {
    return std::make_unique<ToyListener>(wires_, name_, std::move(environment));
  }
  std::unique_ptr<Connection> make_connection(Environment environment) override {
    return std::make_unique<ToyConnection>(wires_, name_, std::move(environment));
  }

 private:
  static constexpr Capabilities k_capabilities{
      .transport = "toy", .event_promise = "at most once", .wildcards = Support::emulated};
  std::shared_ptr<Wires> wires_;
  std::string name_;
};

}  // namespace toy

namespace waybill::conformance {
namespace {

class ToyStage final : public Stage {
 public:
  ToyStage() {
    auto own = std::make_shared<Registry>();
    own->add_transport("toy", [wires = wires_](const Url& url, const Registry&) -> Result<std::unique_ptr<Transport>> {
      OptionReader reader(url);
      if (auto read = reader.finish(); !read) return read.error();
      return std::unique_ptr<Transport>(std::make_unique<toy::ToyTransport>(wires, url.hosts.front().name));
    });
    own->add_serializer(json::make_json_serializer());
    registry_ = std::move(own);
  }
  std::shared_ptr<const Registry> registry() override { return registry_; }
  std::string listener_url() override { return "toy://stage"; }
  std::string client_url(const std::string&) override { return "toy://stage"; }
  bool cut_links() override {
    for (const auto& [name, listener] : *wires_) listener->cut();
    return true;
  }

 private:
  std::shared_ptr<toy::Wires> wires_ = std::make_shared<toy::Wires>();
  std::shared_ptr<const Registry> registry_;
};

}  // namespace

INSTANTIATE_TEST_SUITE_P(Toy, TransportConformance,
                         testing::Values(Subject{"toy_json", "json", [] { return std::make_unique<ToyStage>(); }}),
                         subject_name);

}  // namespace waybill::conformance
