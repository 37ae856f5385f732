// Client role of kafka: a link, and another one after a fatal loss. librdkafka reconnects by itself.
#pragma once

#include "connection_link.hpp"

#include <memory>

namespace waybill::kafka {

class KafkaConnection final : public Connection {
 public:
  KafkaConnection(Environment environment, const Options& options, const Registry& registry)
      : environment_(std::move(environment)), options_(options), registry_(registry) {}
  ~KafkaConnection() override { close(); }

  asio::awaitable<Result<void>> open(ConnectionSink& sink) override;
  void send(const Packet& packet, Ticket ticket) override { link_->send(packet, ticket); }
  void forget(Term id) override {
    if (link_) link_->forget(id);
  }
  std::size_t unsent_bytes() const noexcept override { return link_ ? link_->unsent_bytes() : 0; }
  asio::awaitable<void> flush() override;
  void close() override;

 private:
  Environment environment_;
  const Options options_;
  const Registry& registry_;
  std::shared_ptr<ConnectionLink> link_;
  bool is_closed_ = false;
};

}  // namespace waybill::kafka
