// The client role of a transport whose sender may outlive it.
#pragma once

#include "waybill/registry.hpp"
#include "waybill/transport/transport.hpp"

#include <memory>
#include <utility>

namespace waybill::socket {

/// Shares its `Sender` with what is under way, and closes it when it goes. A Sender has send(), hold(on), unsent_bytes()
/// and close(), perhaps forget(), and static open() and flush() that take it by value.
template <class Sender>
class SharedConnection final : public Connection {
 public:
  template <class Options>
  SharedConnection(Environment environment, const Options& options, const Registry& registry)
      : sender_(std::make_shared<Sender>(std::move(environment), options, registry)) {}
  ~SharedConnection() override { sender_->close(); }

  asio::awaitable<Result<void>> open(ConnectionSink& sink) override { return Sender::open(sender_, sink); }
  void send(const Packet& packet, Ticket ticket) override { sender_->send(packet, ticket); }
  void forget(Term id) override {
    if constexpr (requires { sender_->forget(id); }) sender_->forget(id);
  }
  void pause() override { sender_->hold(true); }
  void resume() override { sender_->hold(false); }
  std::size_t unsent_bytes() const noexcept override { return sender_->unsent_bytes(); }
  asio::awaitable<void> flush() override { return Sender::flush(sender_); }
  void close() override { sender_->close(); }

 private:
  std::shared_ptr<Sender> sender_;
};

}  // namespace waybill::socket
