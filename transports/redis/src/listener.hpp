// Server role of redis.
#pragma once

#include "link_holder.hpp"
#include "listener_link.hpp"

namespace waybill::redis {

class RedisListener final : public Listener {
 public:
  RedisListener(Environment environment, const Options& options) : holder_(std::move(environment), options) {}

  asio::awaitable<Result<void>> open(const Routes& routes, ListenerSink& sink) override;
  void stop_intake() override {
    if (auto* link = holder_.link()) link->stop_intake();
  }
  void pause() override {
    if (auto* link = holder_.link()) link->hold(true);
  }
  void resume() override {
    if (auto* link = holder_.link()) link->hold(false);
  }
  asio::awaitable<void> flush() override { return holder_.flush(); }
  void close() override { holder_.close(); }
  std::string address() const override { return address_of(holder_.options()); }

 private:
  LinkHolder<ListenerLink> holder_;
};

}  // namespace waybill::redis
