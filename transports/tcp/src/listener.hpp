// Listener of tcp: binds, accepts, and hands sockets to its link.
#pragma once

#include "listener_link.hpp"
#include "waybill/transport/transport.hpp"

#include <memory>
#include <string>

namespace waybill::tcp {

class TcpListener final : public Listener {
 public:
  /// `ports`: of all listeners of its URL.
  TcpListener(Environment environment, const Options& options, const Registry& registry,
              std::shared_ptr<socket::SharedPorts> ports);
  ~TcpListener() override;

  asio::awaitable<Result<void>> open(const Routes& routes, ListenerSink& sink) override;
  void stop_intake() override;
  void pause() override {
    if (link_ && !stopped_) link_->hold(true);
  }
  void resume() override {
    if (link_ && !stopped_) link_->hold(false);
  }
  asio::awaitable<void> flush() override;
  void close() override;
  std::string address() const override;

 private:
  void close_acceptors();
  /// `this` is there as long as the link is not closed.
  asio::awaitable<Result<void>> open_link(std::shared_ptr<ListenerLink> link);
  Environment environment_;
  Options options_;
  const Registry& registry_;
  std::shared_ptr<socket::SharedPorts> ports_;  // null: it shares its addresses with nobody that is counted
  std::shared_ptr<ListenerLink> link_;
  std::shared_ptr<socket::Acceptors> acceptors_;
  bool stopped_ = false;
};

}  // namespace waybill::tcp
