#include "connection.hpp"
#include "dead_letter_box.hpp"
#include "hub.hpp"
#include "listener.hpp"
#include "options.hpp"
#include "waybill/transports/memory.hpp"

#include <map>
#include <mutex>

namespace waybill::memory {
namespace {

class MemoryTransport final : public Transport {
 public:
  MemoryTransport(std::shared_ptr<Hub> hub, Options options) : hub_(std::move(hub)), options_(std::move(options)) {}

  const Capabilities& capabilities() const noexcept override { return k_capabilities; }
  std::unique_ptr<Listener> make_listener(Environment environment) override {
    return std::make_unique<MemoryListener>(hub_, std::move(environment), options_);
  }
  std::unique_ptr<Connection> make_connection(Environment environment) override {
    return std::make_unique<MemoryConnection>(hub_, std::move(environment), options_.wire);
  }
  std::unique_ptr<DeadLetterBox> make_dead_letter_box(Environment environment) override {
    return std::make_unique<MemoryDeadLetterBox>(hub_, std::move(environment.dead_letter));
  }

 private:
  static constexpr Capabilities k_capabilities{
      .transport = "memory",
      .event_promise = "at least once",
      .requests = Support::native,
      .events = Support::native,
      .wildcards = Support::native,
      .groups = Support::native,
      .headers = Support::native,
      .redelivery = Support::native,
      .receivers = Support::native,
      .dead_letters = Support::native,
      .confirms = true,
      .keeps_order = true,
      .hears_cancels = true,
  };
  std::shared_ptr<Hub> hub_;
  const Options options_;
};

/// The brokers that URLs name, of one process. It only finds them: they live with those who use them.
class Names {
 public:
  std::shared_ptr<Hub> find_or_make(const std::string& name) {
    const std::lock_guard lock(mutex_);
    std::erase_if(hubs_, [](const auto& entry) { return entry.second.expired(); });
    auto& known = hubs_[name];
    auto hub = known.lock();
    if (!hub) {
      BrokerOptions options;
      options.name = name;
      hub = std::make_shared<Hub>(std::move(options));
      known = hub;
    }
    return hub;
  }

 private:
  std::mutex mutex_;
  std::map<std::string, std::weak_ptr<Hub>> hubs_;
};

}  // namespace

Result<std::unique_ptr<Transport>> make_transport(const Url& url, const Registry& registry) {
  (void)registry;
  static Names names;
  auto options = Options::from_url(url);
  if (!options) return options.error();
  return std::unique_ptr<Transport>(std::make_unique<MemoryTransport>(names.find_or_make(options->name), *options));
}

std::shared_ptr<Broker> Broker::make(BrokerOptions options) {
  return std::make_shared<Broker>(std::make_shared<Hub>(std::move(options)));
}

Registry::TransportFactory Broker::factory() const {
  return [hub = hub_](const Url& url, const Registry&) -> Result<std::unique_ptr<Transport>> {
    auto options = Options::from_url(url);
    if (!options) return options.error();
    return std::unique_ptr<Transport>(std::make_unique<MemoryTransport>(hub, *options));
  };
}

void Broker::inject(Fault fault) { hub_->inject(std::move(fault)); }
void Broker::clear_faults() { hub_->clear_faults(); }
void Broker::disconnect() { hub_->disconnect(true, true); }
void Broker::disconnect_listeners() { hub_->disconnect(true, false); }
void Broker::disconnect_connections() { hub_->disconnect(false, true); }
void Broker::stop() { hub_->stop(); }
void Broker::start() { hub_->start(); }
void Broker::freeze() { hub_->freeze(); }
void Broker::thaw() { hub_->thaw(); }
BrokerCounters Broker::counters() const { return hub_->counters(); }
std::vector<DeadLetter> Broker::dead_letters(const std::string& channel, std::size_t limit) const {
  return hub_->dead_letters(channel, limit);
}

}  // namespace waybill::memory
