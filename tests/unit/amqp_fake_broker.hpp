// A broker made of answers, on a port of loopback and on the test's own loop: what it is asked is noted, and answers can be
// withheld.
#pragma once

#include "amqp_bytes.hpp"
#include "protocol/message_frames.hpp"
#include "wire/table.hpp"

#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/write.hpp>

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace waybill::amqp {

class FakeBroker {
 public:
  struct Asked {
    ChannelId channel;
    amqp_method_number_t id;
  };
  explicit FakeBroker(asio::io_context& loop) : acceptor_(loop, {asio::ip::address_v4::loopback(), 0}) { accept(); }
  std::uint16_t port() const { return acceptor_.local_endpoint().port(); }

  /// Called for each method; false: it gets no answer of this class.
  std::function<bool(const Asked&)> answers = [](const Asked&) { return true; };
  /// Called when a message was published.
  std::function<void(ChannelId channel, const std::string& body)> on_published;
  std::vector<Asked> asked;
  std::vector<std::uint64_t> acked, nacked;  ///< Tags.
  bool is_left = false;                      ///< By one of its peers.
  bool is_slow = false;                      ///< Peers who come are not answered until wake_up().
  void wake_up() {
    is_slow = false;
    for (const auto& peer : peers_) {
      now_ = peer.get();
      take(*peer);
      now_ = nullptr;
    }
  }

  std::size_t count(amqp_method_number_t id) const {
    std::size_t count = 0;
    for (const Asked& one : asked) count += one.id == id;
    return count;
  }
  void hang_up(std::size_t peer) { peers_.at(peer)->socket.close(); }
  std::size_t peers() const noexcept { return peers_.size(); }
  /// To the peer who asks just now, else to the first.
  template <class T>
  void say(ChannelId channel, amqp_method_number_t id, const T& arguments) {
    Buffer bytes;
    append_method(bytes, channel, id, &arguments);
    send(std::string(bytes.view()));
  }
  template <class T>
  void say_to(std::size_t peer, ChannelId channel, amqp_method_number_t id, const T& arguments) {
    now_ = peers_.at(peer).get();
    say(channel, id, arguments);
    now_ = nullptr;
  }
  void send(std::string bytes) {
    const auto kept = std::make_shared<std::string>(std::move(bytes));
    asio::write((now_ ? *now_ : *peers_.front()).socket, asio::buffer(*kept));
  }
  /// The frames of a delivery, as a request of somebody.
  static std::string delivery(ChannelId channel, std::uint64_t tag, const std::string& body, bool is_again = false) {
    amqp_basic_deliver_t deliver{};
    deliver.delivery_tag = tag;
    deliver.redelivered = is_again;
    deliver.consumer_tag = amqp_cstring_bytes("c");
    return message(channel, AMQP_BASIC_DELIVER_METHOD, deliver, body, false);
  }
  template <class Method>
  static std::string message(ChannelId channel, amqp_method_number_t id, const Method& method, const std::string& body,
                             bool is_dead) {
    Buffer out;
    append_method(out, channel, id, &method);
    const std::size_t start = out.size();
    Layout layout;
    HeaderFrame frame(out, channel);
    if (is_dead) {
      std::string table;
      append_text_entry(table, header::k_origin, "q");
      frame.table();
      store<std::uint32_t>(out.prepare(4), static_cast<std::uint32_t>(table.size()));
      out.commit(4);
      out.append(table);
    }
    frame.text(flag::k_correlation_id, "id-1");
    frame.text(flag::k_reply_to, "amq.rabbitmq.reply-to.x");
    frame.finish();
    layout.body_at = out.size() - start;
    begin_body(out);
    out.append(body);
    close_message(out, start, layout, channel, k_wanted_frame_max);
    return std::string(out.view());
  }
  /// What lies in every queue that is asked for a message, once.
  std::string letter;
  void say_letter(ChannelId channel) {
    if (letter.empty()) return say(channel, AMQP_BASIC_GET_EMPTY_METHOD, amqp_basic_get_empty_t{});
    send(message(channel, AMQP_BASIC_GET_OK_METHOD, amqp_basic_get_ok_t{1, 0, {}, {}, 0}, std::exchange(letter, {}),
                 true));
  }
  void answer(const Asked& one) {
    switch (one.id) {
      case AMQP_CONNECTION_START_OK_METHOD: {
        amqp_connection_tune_t tune{2'047, k_wanted_frame_max, 60};
        return say(0, AMQP_CONNECTION_TUNE_METHOD, tune);
      }
      case AMQP_CONNECTION_OPEN_METHOD: return say(0, AMQP_CONNECTION_OPEN_OK_METHOD, amqp_connection_open_ok_t{});
      case AMQP_CONNECTION_CLOSE_METHOD: return say(0, AMQP_CONNECTION_CLOSE_OK_METHOD, amqp_connection_close_ok_t{});
      case AMQP_CHANNEL_OPEN_METHOD: return say(one.channel, AMQP_CHANNEL_OPEN_OK_METHOD, amqp_channel_open_ok_t{});
      case AMQP_QUEUE_DECLARE_METHOD: {
        amqp_queue_declare_ok_t declared{amqp_cstring_bytes("q"), 0, 0};
        return say(one.channel, AMQP_QUEUE_DECLARE_OK_METHOD, declared);
      }
      case AMQP_BASIC_QOS_METHOD: return say(one.channel, AMQP_BASIC_QOS_OK_METHOD, amqp_basic_qos_ok_t{});
      case AMQP_BASIC_CONSUME_METHOD: {
        amqp_basic_consume_ok_t consumed{amqp_cstring_bytes("c")};
        return say(one.channel, AMQP_BASIC_CONSUME_OK_METHOD, consumed);
      }
      case AMQP_BASIC_CANCEL_METHOD: {
        amqp_basic_cancel_ok_t cancelled{amqp_cstring_bytes("c")};
        return say(one.channel, AMQP_BASIC_CANCEL_OK_METHOD, cancelled);
      }
      case AMQP_EXCHANGE_DECLARE_METHOD:
        return say(one.channel, AMQP_EXCHANGE_DECLARE_OK_METHOD, amqp_exchange_declare_ok_t{});
      case AMQP_QUEUE_BIND_METHOD: return say(one.channel, AMQP_QUEUE_BIND_OK_METHOD, amqp_queue_bind_ok_t{});
      case AMQP_BASIC_GET_METHOD: return say_letter(one.channel);
      case AMQP_CONFIRM_SELECT_METHOD:
        return say(one.channel, AMQP_CONFIRM_SELECT_OK_METHOD, amqp_confirm_select_ok_t{});
      default: break;
    }
  }

 private:
  struct Peer {
    explicit Peer(asio::ip::tcp::socket accepted) : socket(std::move(accepted)) {}
    asio::ip::tcp::socket socket;
    std::array<char, 65'536> room{};
    std::string bytes, body;
    std::uint64_t body_size = 0;
    bool is_greeted = false;
  };
  void accept() {
    acceptor_.async_accept([this](const asio::error_code& ec, asio::ip::tcp::socket socket) {
      if (ec) return;
      read(*peers_.emplace_back(std::make_unique<Peer>(std::move(socket))));
      accept();
    });
  }
  void read(Peer& peer) {
    peer.socket.async_read_some(asio::buffer(peer.room), [this, &peer](const asio::error_code& ec, std::size_t size) {
      if (ec) {
        is_left = true;
        return;
      }
      peer.bytes.append(peer.room.data(), size);
      now_ = &peer;
      take(peer);
      now_ = nullptr;
      read(peer);
    });
  }
  void take(Peer& peer) {
    if (!peer.is_greeted) {
      if (peer.bytes.size() < 8 || is_slow) return;
      peer.bytes.erase(0, 8);
      peer.is_greeted = true;
      amqp_connection_start_t start{};
      start.version_minor = 9;
      start.mechanisms = amqp_cstring_bytes("PLAIN");
      start.locales = amqp_cstring_bytes("en_US");
      say(0, AMQP_CONNECTION_START_METHOD, start);
    }
    std::size_t at = 0;
    Frame frame;
    while (cut_frame(peer.bytes, at, k_wanted_frame_max, frame) == Cut::frame) take(peer, frame);
    peer.bytes.erase(0, at);
  }
  void take(Peer& peer, const Frame& frame) {
    if (frame.type == FrameType::body) {
      peer.body += frame.payload;
      if (peer.body.size() == peer.body_size && on_published) on_published(frame.channel, peer.body);
    } else if (frame.type == FrameType::header) {
      peer.body.clear();
      peer.body_size = load<std::uint64_t>(frame.payload.data() + 4);
    } else if (frame.type == FrameType::method) {
      const Asked one{frame.channel, method_of(frame)};
      asked.push_back(one);
      if (one.id == AMQP_BASIC_ACK_METHOD) acked.push_back(load<std::uint64_t>(frame.payload.data() + 4));
      if (one.id == AMQP_BASIC_NACK_METHOD) nacked.push_back(load<std::uint64_t>(frame.payload.data() + 4));
      if (answers(one)) answer(one);
    }
  }

  asio::ip::tcp::acceptor acceptor_;
  std::vector<std::unique_ptr<Peer>> peers_;
  Peer* now_ = nullptr;  ///< Whose frames are taken.
};

}  // namespace waybill::amqp
