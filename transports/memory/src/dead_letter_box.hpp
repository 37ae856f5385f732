// MemoryDeadLetterBox: the dead letters of one channel of a broker, as core sees them.
#pragma once

#include "hub.hpp"
#include "waybill/transport/dead_letter.hpp"

#include <memory>
#include <string>

namespace waybill::memory {

class MemoryDeadLetterBox final : public DeadLetterBox {
 public:
  MemoryDeadLetterBox(std::shared_ptr<Hub> hub, std::string channel)
      : hub_(std::move(hub)), channel_(std::move(channel)) {}

  asio::awaitable<Result<std::vector<DeadLetter>>> list(std::size_t limit) override {
    co_return hub_->dead_letters(channel_, limit);
  }
  asio::awaitable<Result<void>> replay(const DeadLetter& letter) override { co_return hub_->replay(channel_, letter); }
  asio::awaitable<Result<void>> drop(const DeadLetter& letter) override {
    hub_->drop(channel_, letter);
    co_return Result<void>();
  }
  void close() override {}

 private:
  std::shared_ptr<Hub> hub_;
  std::string channel_;
};

}  // namespace waybill::memory
