// A carrier whose broker is the test: it hands deliveries to the service's listener and sees what becomes of each.
#pragma once

#include "waybill/registry.hpp"
#include "waybill/serializers/json.hpp"
#include "waybill/transport/transport.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace waybill::test {

/// What the listener does is in the members; outlives services and their deliveries.
class ScriptedCarrier final : public DeliverySource {
 public:
  /// A registry in which script://anything is this carrier.
  std::shared_ptr<const Registry> registry() {
    auto registry = std::make_shared<Registry>();
    registry->add_serializer(json::make_json_serializer());
    registry->add_transport("script", [this](const Url&, const Registry&) -> Result<std::unique_ptr<Transport>> {
      return std::unique_ptr<Transport>(std::make_unique<ScriptedTransport>(*this));
    });
    return registry;
  }

  /// Hands over a message with a number as payload; `token` names it.
  void deliver(std::string_view pattern, std::uint64_t token, int attempt = 1) {
    const std::string payload = std::to_string(token);
    Delivery delivery(*this, token);
    delivery.attempt = attempt;
    delivery.packet.kind = PacketKind::event;
    delivery.packet.serializer = serializer;
    delivery.packet.has_pattern = delivery.packet.has_payload = true;
    delivery.packet.pattern.text = pattern;
    delivery.packet.payload = Slice::borrow(payload);
    sink->on_delivery(std::move(delivery));
  }
  void lose_link() { sink->on_lost(Error(errc::connection_lost, "the script cut the link")); }

  void reply(const Delivery&, const Packet&) override {}
  void settle(const Delivery& delivery, Settlement settlement) override {
    settled[delivery.token].push_back(settlement);
  }
  void park(const Delivery& delivery, ParkDone done) override {
    if (parks_at_once) return done(*parks_at_once);
    parking.emplace(delivery.token, std::move(done));
  }
  void add_delivery() noexcept override { ++alive; }
  void drop_delivery() noexcept override { --alive; }

  ListenerSink* sink = nullptr;
  const Serializer* serializer = nullptr;
  std::map<std::uint64_t, std::vector<Settlement>> settled;
  std::map<std::uint64_t, ParkDone> parking;  ///< Begun and not ended.
  std::optional<Result<void>> parks_at_once;
  int alive = 0;
  int opened = 0;
  bool is_paused = false;
  int pauses = 0;
  int resumes = 0;
  bool is_stopped = false;

 private:
  class ScriptedListener final : public Listener {
   public:
    explicit ScriptedListener(ScriptedCarrier& carrier) : carrier_(carrier) {}
    asio::awaitable<Result<void>> open(const Routes&, ListenerSink& sink) override {
      carrier_.sink = &sink;
      carrier_.is_paused = false;
      ++carrier_.opened;
      co_return Result<void>{};
    }
    void stop_intake() override { carrier_.is_stopped = true; }
    void pause() override { carrier_.is_paused = true, ++carrier_.pauses; }
    void resume() override { carrier_.is_paused = false, ++carrier_.resumes; }
    asio::awaitable<void> flush() override { co_return; }
    void close() override { carrier_.parking.clear(); }
    std::string address() const override { return "script://"; }

   private:
    ScriptedCarrier& carrier_;
  };

  class ScriptedTransport final : public Transport {
   public:
    explicit ScriptedTransport(ScriptedCarrier& carrier) : carrier_(carrier) {
      can_.transport = "script";
      can_.event_promise = "at least once";
      can_.redelivery = can_.dead_letters = Support::native;
    }
    const Capabilities& capabilities() const noexcept override { return can_; }
    std::unique_ptr<Listener> make_listener(Environment environment) override {
      carrier_.serializer = environment.serializer;
      return std::make_unique<ScriptedListener>(carrier_);
    }
    std::unique_ptr<Connection> make_connection(Environment) override { return nullptr; }

   private:
    ScriptedCarrier& carrier_;
    Capabilities can_;
  };
};

}  // namespace waybill::test
