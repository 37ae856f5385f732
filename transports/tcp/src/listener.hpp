// Listener of tcp: binds, accepts, and hands sockets to its hub.
#pragma once

#include "hub.hpp"
#include "waybill/transport/transport.hpp"
#include "waybill/transports/socket/dial.hpp"

#include <asio/ip/tcp.hpp>

#include <memory>
#include <string>
#include <vector>

namespace waybill::tcp {

class Acceptor;
class SharedPorts;

class TcpListener final : public Listener {
 public:
  /// `ports`: of all listeners of its URL.
  TcpListener(Environment environment, const Options& options, const Registry& registry,
              std::shared_ptr<SharedPorts> ports);
  ~TcpListener() override;

  asio::awaitable<Result<void>> open(const Routes& routes, ListenerSink& sink) override;
  void stop_intake() override;
  void pause() override {
    if (hub_ && !stopped_) hub_->hold(true);
  }
  void resume() override {
    if (hub_ && !stopped_) hub_->hold(false);
  }
  asio::awaitable<void> flush() override;
  void close() override;
  std::string address() const override;

 private:
  /// `this` is there as long as the hub is not closed.
  asio::awaitable<Result<void>> open_hub(std::shared_ptr<Hub> hub);
  Result<void> bind(const std::vector<asio::ip::tcp::endpoint>& endpoints, const std::string& name);

  Environment environment_;
  Options options_;
  const Registry& registry_;
  std::shared_ptr<SharedPorts> ports_;  // null: it shares its addresses with nobody that is counted
  std::shared_ptr<Hub> hub_;
  std::shared_ptr<socket::Dial> dial_;  // looks a name up
  std::vector<std::shared_ptr<Acceptor>> acceptors_;
  bool stopped_ = false;
};

}  // namespace waybill::tcp
