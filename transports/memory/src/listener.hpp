// Server role of the memory transport.
#pragma once

#include "ends.hpp"
#include "waybill/transport.hpp"

#include <memory>

namespace waybill::memory {

class MemoryListener final : public Listener {
 public:
  MemoryListener(std::shared_ptr<Hub> hub, Environment environment, bool wire);
  ~MemoryListener() override { close(); }

  asio::awaitable<Result<void>> open(const Routes& routes, ListenerSink& sink) override;
  void stop_intake() override;
  void pause() override;
  void resume() override;
  asio::awaitable<void> flush() override;
  void close() override;
  std::string address() const override { return "memory://" + end_->hub->name(); }

 private:
  Environment environment_;
  std::shared_ptr<ServiceEnd> end_;
  bool is_draining_ = false;
};

}  // namespace waybill::memory
