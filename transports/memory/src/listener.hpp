// Server role of the memory transport.
#pragma once

#include "ends.hpp"
#include "options.hpp"
#include "waybill/transport/transport.hpp"

#include <memory>
#include <string>

namespace waybill::memory {

class MemoryListener final : public Listener {
 public:
  MemoryListener(std::shared_ptr<Hub> hub, Environment environment, const Options& options);
  ~MemoryListener() override { close(); }

  asio::awaitable<Result<void>> open(const Routes& routes, ListenerSink& sink) override;
  void stop_intake() override;
  void pause() override;
  void resume() override;
  asio::awaitable<void> flush() override;
  void close() override;
  std::string address() const override { return "memory://" + name_; }

 private:
  Environment environment_;
  const std::string name_;  ///< The URL's: a broker that a test has made is that of all names.
  std::shared_ptr<ServiceEnd> end_;
  bool is_draining_ = false;
};

}  // namespace waybill::memory
