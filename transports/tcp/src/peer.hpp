// Peer: one accepted connection. Packets go up as deliveries, replies come down in the framing that the client chose.
#pragma once

#include "flow/frame_clock.hpp"
#include "flow/left_callers.hpp"
#include "waybill/transport/transport.hpp"
#include "waybill/transports/socket/stream.hpp"
#include "wire/wire.hpp"

#include <cstdint>
#include <deque>
#include <list>
#include <optional>

namespace waybill::tcp {

class ListenerLink;

/// Threads:  the listener's executor.
/// Lifetime: counted by the link, by its operations and by its deliveries.
class Peer final : public socket::Stream, public DeliverySource {
 public:
  Peer(ListenerLink& link, asio::ip::tcp::socket socket, socket::TlsLayerPtr tls, const asio::ip::address& its_address);

  ~Peer() override;

  /// The link is closing: nothing is told to it any more.
  void leave_hub() noexcept { link_ = nullptr; }
  void hold(bool on);  ///< The host wants a pause.
  /// What comes from now on comes too late and is refused; it is read all the same.
  void refuse_from_now_on();
  /// After the handshake, if there is one.
  void expect_first_message();

  void reply(const Delivery& delivery, const Packet& packet) override;
  void settle(const Delivery&, Settlement) override {}
  void add_delivery() noexcept override {
    ++in_flight_;
    retain();
  }
  void drop_delivery() noexcept override;
  void hold_bytes(std::ptrdiff_t by) noexcept override { keep(by); }
  bool is_congested() const noexcept override { return unsent_bytes() > k_congested; }
  bool is_connected() const noexcept override { return is_open() && !is_left() && !has_ended_; }
  bool is_awaited(const Delivery& delivery) const noexcept override {
    return !left_.contains(delivery.packet.id) && is_connected();
  }

  const asio::ip::address address;
  // The link's own.
  std::size_t place = 0;                    ///< In its list.
  std::uint64_t flush_mark = 0;             ///< Of written_bytes().
  std::uint64_t flush_seen = 0;             ///< The same, when it was last looked at.
  socket::TimePoint flush_moved;            ///< When it last had grown.
  bool is_silent = true;                    ///< Has sent no message yet.
  std::list<Peer*>::iterator among_silent;  ///< With is_silent.
  detail::TimePoint since;                  ///< It is connected.

 private:
  static constexpr std::size_t k_congested = 256u << 10;
  static constexpr std::size_t k_little = 64u << 10;  // in hand: never a reason to stop reading
  static constexpr std::size_t k_most_for_later = 128u << 10;

  void on_ready() override;
  std::size_t on_bytes(const char* data, std::size_t size) override;
  void on_eof() override;
  void on_written() override;
  void on_closed(const Error& error) override;
  void watch_deadline() override;

  /// `delivery` is where the packet before was, if there was one.
  bool take_packet(std::optional<Delivery>& delivery, const char* data, std::size_t size, std::size_t& at);
  void take(Delivery&& delivery);
  void hand_up(Delivery&& delivery);
  void refuse(const Packet& packet);
  void keep_for_later(const Packet& packet);
  void hand_up_later();
  void hand_up_kept();
  Packet next_kept();
  void account_for_later(std::ptrdiff_t by) noexcept;
  bool is_full() const noexcept;
  void break_off();
  void answer(Term id, const Serializer* serializer, const Error& error);
  void update_pause();
  void tell_pause(bool pauses);

  ListenerLink* link_;
  Headers identity_;  // properties of each message, where clients show certificates
  PacketCodec codec_;
  FrameClock clock_;
  LeftCallers left_;
  std::deque<Packet> kept_for_later_;  ///< Came while as much was in hand as may be: cancels behind them must be read.
  std::size_t bytes_for_later_ = 0;
  bool hands_up_later_ = false;
  std::uint64_t last_token_ = 0;
  std::size_t in_flight_ = 0;
  const std::size_t max_in_flight_;
  const std::size_t max_in_hand_;
  bool has_ended_ = false;  // it sends no more
  bool is_paused_ = false;
  bool full_ = false;  // as many requests or bytes are in hand as may be
  bool held_ = false;  // by the host
  bool refusing_ = false;
};

}  // namespace waybill::tcp
