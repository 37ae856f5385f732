// ConnectionLink: one live connection of a client. Replies go up to the host's sink, packets come down with their tickets.
#pragma once

#include "flow/frame_clock.hpp"
#include "waybill/transport/transport.hpp"
#include "waybill/transports/socket/stream.hpp"
#include "wire/wire.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace waybill::tcp {

class Sender;

/// Threads:  the connection's executor.
/// Lifetime: counted by its sender and by its operations; after leave() it calls nobody.
class ConnectionLink final : public socket::Stream {
 public:
  ConnectionLink(Sender& owner, asio::ip::tcp::socket socket, socket::TlsLayerPtr tls, const CodecRules& rules,
                 const Options& options);

  void leave() noexcept { owner_ = nullptr; }
  void send(const Packet& packet, Ticket ticket);
  /// Tells the other side that nobody waits for the replies to that request.
  void forget(Term id);
  bool has_heard() const noexcept { return has_heard_; }  ///< Any byte from the other side.
  bool is_binary() const noexcept { return codec_.framing() == Framing::binary; }
  /// Asks the other side for a sign of life. REQUIRES: is_binary().
  void ask();
  /// Since the last call something was heard, or there is a reason why nothing could be: nobody reads here or there, or
  /// the question is still on its way and comes forward.
  bool was_heard() noexcept;

 private:
  struct Sent {
    Ticket ticket;
    std::uint64_t end;  // of written_bytes()
  };

  void on_ready() override;
  std::size_t on_bytes(const char* data, std::size_t size) override;
  void on_written() override;
  void on_closed(const Error& error) override;
  void watch_deadline() override;
  bool take_packet(Packet& packet, const char* data, std::size_t size, std::size_t& at);
  void refuse(Ticket ticket, Error error);

  Sender* owner_;
  PacketCodec codec_;
  FrameClock clock_;
  std::vector<Sent> sent_;  // in order; those before first_ were told
  std::size_t first_ = 0;
  std::string last_words_;  // why the other side is about to end
  bool has_heard_ = false;
  bool heard_ = false;  // since the last look
  bool is_pausing_there_ = false;
  bool is_asking_ = false;
  std::uint64_t question_ = 0;      // written_bytes() behind the first that has no answer
  std::uint64_t acknowledged_ = 0;  // of written_bytes(), at the last look
};

}  // namespace waybill::tcp
