// Server role of kafka: a link, and another one after a fatal loss. librdkafka reconnects by itself.
#pragma once

#include "listener_link.hpp"

#include <memory>
#include <string>

namespace waybill::kafka {

class KafkaListener final : public Listener {
 public:
  KafkaListener(Environment environment, const Options& options, const Registry& registry)
      : environment_(std::move(environment)), options_(options), registry_(registry) {}
  ~KafkaListener() override { close(); }

  asio::awaitable<Result<void>> open(const Routes& routes, ListenerSink& sink) override;
  void stop_intake() override;
  void pause() override {
    if (link_) link_->pause();
  }
  void resume() override {
    if (link_) link_->resume();
  }
  asio::awaitable<void> flush() override;
  void close() override;
  std::string address() const override;

 private:
  Environment environment_;
  const Options options_;
  const Registry& registry_;
  std::shared_ptr<ListenerLink>
      link_;  ///< One that still waits for its group is kept: leaving would disturb the others.
  bool is_closed_ = false;
};

}  // namespace waybill::kafka
