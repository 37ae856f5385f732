// Peer: one accepted connection. Packets go up as deliveries, replies come down in the framing that the client chose.
#pragma once

#include "frame_clock.hpp"
#include "waybill/transport.hpp"
#include "waybill/transports/socket/stream.hpp"
#include "wire.hpp"

#include <cstdint>

namespace waybill::tcp {

class Hub;

/// Threads:  the listener's executor.
/// Lifetime: counted by the hub, by its operations and by its deliveries.
class Peer final : public socket::Stream, public DeliverySource {
 public:
  Peer(Hub& hub, asio::ip::tcp::socket socket, socket::TlsLayerPtr tls);

  /// The hub is closing: nothing is told to it any more.
  void leave_hub() noexcept { hub_ = nullptr; }
  void hold(bool on);  ///< The host wants a pause.

  void reply(const Delivery& delivery, const Packet& packet) override;
  void settle(const Delivery&, Settlement) override {}
  void add_delivery() noexcept override {
    ++in_flight_;
    retain();
  }
  void drop_delivery() noexcept override;
  bool is_congested() const noexcept override { return unsent_bytes() > k_congested; }
  bool is_connected() const noexcept override { return is_open() && !is_left(); }

  std::size_t place = 0;  ///< In the hub's list; the hub's own.

 private:
  static constexpr std::size_t k_congested = 256u << 10;

  void on_ready() override;
  std::size_t on_bytes(const char* data, std::size_t size) override;
  void on_eof() override;
  void on_written() override;
  void on_closed(const Error& error) override;
  void watch_deadline() override;

  bool take_packet(const char* data, std::size_t size, std::size_t& at);
  void break_off();
  void reply_too_large(const Packet& packet, const Error& error);
  void update_pause();

  Hub* hub_;
  PacketCodec codec_;
  FrameClock clock_;
  std::uint64_t last_token_ = 0;
  std::size_t in_flight_ = 0;
  const std::size_t max_in_flight_;
  bool full_ = false;  // max_in_flight_ was reached
  bool held_ = false;  // by the host
};

}  // namespace waybill::tcp
