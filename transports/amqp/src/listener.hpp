// Server role of amqp: a link, and another one after a loss.
#pragma once

#include "listener_link.hpp"

#include <memory>
#include <optional>
#include <string>

namespace waybill::amqp {

class AmqpListener final : public Listener {
 public:
  AmqpListener(Environment environment, const Options& options, const Registry& registry)
      : environment_(std::move(environment)), options_(options), registry_(registry) {}
  ~AmqpListener() override { close(); }

  asio::awaitable<Result<void>> open(const Routes& routes, ListenerSink& sink) override;
  void stop_intake() override;
  void pause() override { hold(true); }
  void resume() override { hold(false); }
  asio::awaitable<void> flush() override;
  void close() override;
  std::string address() const override;

 private:
  /// What a listener cannot do, or would do nothing with.
  std::optional<Error> refused_options() const;
  void hold(bool on) {
    if (link_) link_->hold(on);
  }
  Environment environment_;
  const Options options_;
  const Registry& registry_;
  std::shared_ptr<ListenerLink> link_;
  std::shared_ptr<bool> was_open_ = std::make_shared<bool>(false);
  std::shared_ptr<ListenerLink::Kept> kept_ = std::make_shared<ListenerLink::Kept>();
  bool is_closed_ = false;
};

}  // namespace waybill::amqp
