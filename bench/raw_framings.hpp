// The two framings of raw_asio.cpp, written by hand.
//
//   Opaque       u32 length of the body | u64 id | body            little endian; id 0: an event
//   NestOrders   <UTF-16 units>#{"pattern":P,"data":ORDER,"id":I}  answered {"response":ORDER,"isDisposed":true,"id":I}
//
// Each offers the same members: whole() finds a frame, answer() is the service, request(), event() and id_of() are the
// caller. Everything that waybill does for its users and that these two know beforehand is left out.
#pragma once

#include <simdjson.h>

#include <charconv>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>

namespace bench {

struct Order {
  std::int64_t id = 0;
  std::string sku;
  std::int64_t qty = 0;
  std::int64_t price = 0;
  std::string note;
};

/// Bytes that nobody looks into.
class Opaque {
 public:
  explicit Opaque(std::string payload) : payload_(std::move(payload)) {}

  /// Bytes of the frame at the front of `unread`; 0: not all of it is there.
  static std::size_t whole(std::string_view unread) noexcept {
    if (unread.size() < k_head) return 0;
    std::uint32_t body;
    std::memcpy(&body, unread.data(), sizeof body);
    return unread.size() - k_head < body ? 0 : k_head + body;
  }
  /// Appends the reply. False: the frame is an event.
  static bool answer(std::string_view frame, std::string& out) {
    if (id_of(frame) == 0) return false;
    out.append(frame);
    return true;
  }
  static std::uint64_t id_of(std::string_view frame) noexcept {
    std::uint64_t id;
    std::memcpy(&id, frame.data() + sizeof(std::uint32_t), sizeof id);
    return id;
  }
  /// `id` is not 0.
  void request(std::uint64_t id, std::string& out) const {
    const auto body = static_cast<std::uint32_t>(payload_.size());
    char head[k_head];
    std::memcpy(head, &body, sizeof body);
    std::memcpy(head + sizeof body, &id, sizeof id);
    out.append(head, k_head).append(payload_);
  }
  void event(std::string& out) const { request(0, out); }

 private:
  static constexpr std::size_t k_head = sizeof(std::uint32_t) + sizeof(std::uint64_t);
  std::string payload_;
};

/// Orders from struct to struct in NestJS's framing. Every frame needs simdjson::SIMDJSON_PADDING readable bytes behind it.
class NestOrders {
 public:
  explicit NestOrders(std::string payload) {
    if (payload.empty()) return;  // a service
    const std::size_t size = payload.size();
    payload.resize(size + simdjson::SIMDJSON_PADDING);
    auto document = parser_.iterate(payload.data(), size, payload.size());
    read_order(document.get_object(), order_);
  }

  static std::size_t whole(std::string_view unread) {
    std::size_t left = 0, at = 0;
    for (;; ++at) {
      if (at == unread.size()) return 0;
      if (unread[at] == '#') break;
      if (unread[at] < '0' || unread[at] > '9') throw std::runtime_error("not a NestJS frame");
      left = left * 10 + static_cast<std::size_t>(unread[at] - '0');
    }
    ++at;
    // No byte is more than one unit, but for the first of four, which is two: so `left` bytes are never too many.
    while (left > 0) {
      if (unread.size() - at < left) return 0;
      const std::size_t counted = utf16_units(unread.substr(at, left));
      if (counted > left) throw std::runtime_error("a NestJS frame that ends within a character");
      at += left;
      left -= counted;
    }
    while (at < unread.size() && is_continuation(unread[at])) ++at;
    return at;
  }
  bool answer(std::string_view frame, std::string& out) {
    auto document = parse(frame);
    if (document.find_field("pattern").get_string().value() == "evt") {
      read_order(document.find_field("data").get_object(), order_);
      return false;
    }
    read_order(document.find_field("data").get_object(), order_);
    const std::string_view id = document.find_field("id").get_string();
    text_.assign("{\"response\":");
    write_order(order_, text_);
    text_.append(",\"isDisposed\":true,\"id\":\"").append(id).append("\"}");
    finish(out);
    return true;
  }
  std::uint64_t id_of(std::string_view frame) {
    auto document = parse(frame);
    read_order(document.find_field("response").get_object(), reply_);
    const std::string_view digits = document.find_field("id").get_string();
    std::uint64_t id = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), id, 16);
    return id;
  }
  void request(std::uint64_t id, std::string& out) {
    char digits[] = "000000000000000000000";  // 21, as many as NestJS sends
    for (int i = 20; id != 0; --i, id >>= 4) digits[i] = "0123456789abcdef"[id & 15];
    text_.assign("{\"pattern\":\"echo\",\"data\":");
    write_order(order_, text_);
    text_.append(",\"id\":\"").append(digits, 21).append("\"}");
    finish(out);
  }
  void event(std::string& out) {
    text_.assign("{\"pattern\":\"evt\",\"data\":");
    write_order(order_, text_);
    text_.push_back('}');
    finish(out);
  }

 private:
  static bool is_continuation(char byte) noexcept { return static_cast<signed char>(byte) < -64; }

  /// In blocks whose counts fit into a byte, so that the compiler counts a vector at once.
  static std::size_t utf16_units(std::string_view text) noexcept {
    std::size_t units = 0;
    while (!text.empty()) {
      const std::size_t size = text.size() < 64 ? text.size() : 64;
      std::uint8_t block = 0;
      for (std::size_t i = 0; i < size; ++i) {
        const bool first = static_cast<signed char>(text[i]) >= -64;
        const bool first_of_four = static_cast<unsigned char>(text[i]) >= 0xf0;
        block = static_cast<std::uint8_t>(block + first + first_of_four);
      }
      units += block;
      text.remove_prefix(size);
    }
    return units;
  }
  simdjson::ondemand::document parse(std::string_view frame) {
    const std::size_t json = frame.find('#') + 1;
    const std::size_t size = frame.size() - json;
    return parser_.iterate(frame.data() + json, size, size + simdjson::SIMDJSON_PADDING);
  }
  static void read_order(simdjson::ondemand::object object, Order& order) {
    order.id = object["id"].get_int64();
    order.sku.assign(std::string_view(object["sku"]));
    order.qty = object["qty"].get_int64();
    order.price = object["price"].get_int64();
    order.note.assign(std::string_view(object["note"]));
  }
  static void write_order(const Order& order, std::string& out) {
    write_number(out.append("{\"id\":"), order.id);
    write_text(out.append(",\"sku\":"), order.sku);
    write_number(out.append(",\"qty\":"), order.qty);
    write_number(out.append(",\"price\":"), order.price);
    write_text(out.append(",\"note\":"), order.note);
    out.push_back('}');
  }
  static void write_number(std::string& out, std::int64_t number) {
    char digits[20];
    out.append(digits, std::to_chars(digits, digits + sizeof digits, number).ptr);
  }
  static void write_text(std::string& out, std::string_view text) {
    unsigned special = 0;
    for (const char c : text) special |= (static_cast<unsigned char>(c) < 0x20) | (c == '"') | (c == '\\');
    out.push_back('"');
    if (!special) {
      out.append(text);
    } else {
      for (const char c : text) write_character(out, c);
    }
    out.push_back('"');
  }
  static void write_character(std::string& out, char c) {
    if (static_cast<unsigned char>(c) < 0x20) {
      const auto code = static_cast<unsigned>(c);
      out.append("\\u00").append(1, "01"[code >> 4]).append(1, "0123456789abcdef"[code & 15]);
      return;
    }
    if (c == '"' || c == '\\') out.push_back('\\');
    out.push_back(c);
  }
  void finish(std::string& out) const {
    write_number(out, static_cast<std::int64_t>(utf16_units(text_)));
    out.append(1, '#').append(text_);
  }

  simdjson::ondemand::parser parser_;
  Order order_, reply_;  // kept, as a service that cares for speed keeps them: their texts keep their memory
  std::string text_;
};

}  // namespace bench
