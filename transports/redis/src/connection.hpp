// Client role of redis: one link after the other.
#pragma once

#include "connection_link.hpp"

namespace waybill::redis {

class RedisConnection final : public Connection {
 public:
  RedisConnection(Environment environment, const Options& options)
      : environment_(std::move(environment)), options_(options) {}
  ~RedisConnection() override { close(); }

  asio::awaitable<Result<void>> open(ConnectionSink& sink) override;
  void send(const Packet& packet, Ticket ticket) override {
    if (link_) link_->send(packet, ticket);
  }
  void forget(Term id) override {
    if (link_) link_->forget(id);
  }
  void pause() override {
    if (link_) link_->hold(true);
  }
  void resume() override {
    if (link_) link_->hold(false);
  }
  std::size_t unsent_bytes() const noexcept override { return link_ ? link_->unsent_bytes() : 0; }
  asio::awaitable<void> flush() override;
  void close() override;

 private:
  Environment environment_;
  const Options options_;
  socket::Ref<ConnectionLink> link_;
  bool is_closed_ = false;
};

}  // namespace waybill::redis
