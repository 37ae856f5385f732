// Client role of amqp: a link, and another one after a loss.
#pragma once

#include "connection_link.hpp"

#include <memory>

namespace waybill::amqp {

class AmqpConnection final : public Connection {
 public:
  AmqpConnection(Environment environment, const Options& options, const Registry& registry)
      : environment_(std::move(environment)), options_(options), registry_(registry) {}
  ~AmqpConnection() override { close(); }

  asio::awaitable<Result<void>> open(ConnectionSink& sink) override;
  void send(const Packet& packet, Ticket ticket) override {
    if (link_) link_->send(packet, ticket);
  }
  void pause() override { hold(true); }
  void resume() override { hold(false); }
  std::size_t unsent_bytes() const noexcept override { return link_ ? link_->unsent_bytes() : 0; }
  asio::awaitable<void> flush() override;
  void close() override;

 private:
  void hold(bool on) {
    if (link_) link_->hold(on);
  }
  Environment environment_;
  const Options options_;
  const Registry& registry_;
  std::shared_ptr<ConnectionLink> link_;
  std::shared_ptr<bool> was_open_ = std::make_shared<bool>(false);
  bool is_closed_ = false;
};

}  // namespace waybill::amqp
