// Client role of the memory transport.
#pragma once

#include "ends.hpp"
#include "waybill/transport/transport.hpp"

#include <memory>

namespace waybill::memory {

class MemoryConnection final : public Connection {
 public:
  MemoryConnection(std::shared_ptr<Hub> hub, Environment environment, bool wire);
  ~MemoryConnection() override { close(); }

  asio::awaitable<Result<void>> open(ConnectionSink& sink) override;
  void send(const Packet& packet, Ticket ticket) override;
  void forget(Term id) override;
  asio::awaitable<void> flush() override;
  void close() override;

 private:
  Environment environment_;
  std::shared_ptr<ClientEnd> end_;
};

}  // namespace waybill::memory
