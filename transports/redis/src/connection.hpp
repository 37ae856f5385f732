// Client role of redis.
#pragma once

#include "connection_link.hpp"
#include "link_holder.hpp"

namespace waybill::redis {

class RedisConnection final : public Connection {
 public:
  RedisConnection(Environment environment, const Options& options) : holder_(std::move(environment), options) {}

  asio::awaitable<Result<void>> open(ConnectionSink& sink) override;
  void send(const Packet& packet, Ticket ticket) override {
    if (auto* link = holder_.link()) link->send(packet, ticket);
  }
  void forget(Term id) override {
    if (auto* link = holder_.link()) link->forget(id);
  }
  void pause() override {
    if (auto* link = holder_.link()) link->hold(true);
  }
  void resume() override {
    if (auto* link = holder_.link()) link->hold(false);
  }
  std::size_t unsent_bytes() const noexcept override { return holder_.link() ? holder_.link()->unsent_bytes() : 0; }
  asio::awaitable<void> flush() override { return holder_.flush(); }
  void close() override { holder_.close(); }

 private:
  LinkHolder<ConnectionLink> holder_;
};

}  // namespace waybill::redis
