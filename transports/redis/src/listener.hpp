// Server role of redis: one link after the other.
#pragma once

#include "listener_link.hpp"

namespace waybill::redis {

class RedisListener final : public Listener {
 public:
  RedisListener(Environment environment, const Options& options)
      : environment_(std::move(environment)), options_(options) {}
  ~RedisListener() override { close(); }

  asio::awaitable<Result<void>> open(const Routes& routes, ListenerSink& sink) override;
  void stop_intake() override {
    if (link_) link_->stop_intake();
  }
  void pause() override {
    if (link_) link_->hold(true);
  }
  void resume() override {
    if (link_) link_->hold(false);
  }
  asio::awaitable<void> flush() override;
  void close() override;
  std::string address() const override { return address_of(options_); }

 private:
  Environment environment_;
  const Options options_;
  socket::Ref<ListenerLink> link_;
  bool is_closed_ = false;
};

}  // namespace waybill::redis
