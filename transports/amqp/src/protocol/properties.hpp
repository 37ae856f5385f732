// The content header of a message: its properties, as bytes. Pure.
#pragma once

#include "protocol/frame.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

namespace waybill::amqp {

/// Views into the header frame (received) or into whatever is sent.
struct Properties {
  std::optional<std::string_view> content_type;
  std::optional<std::string_view> content_encoding;
  std::optional<std::string_view> headers;  ///< The entries of the table, without its size.
  std::optional<std::uint8_t> delivery_mode;
  std::optional<std::uint8_t> priority;
  std::optional<std::string_view> correlation_id;
  std::optional<std::string_view> reply_to;
  std::optional<std::string_view> expiration;
  std::optional<std::string_view> message_id;
  std::optional<std::uint64_t> timestamp;
  std::optional<std::string_view> type;
  std::optional<std::string_view> user_id;
  std::optional<std::string_view> app_id;
  std::optional<std::string_view> cluster_id;

  std::uint64_t body_size = 0;
  /// Received: correlation id (if there is one) and reply-to as they stand in the frame, each behind its length;
  /// empty without reply-to.
  std::string_view return_address;
};

/// Reads the payload of a header frame. False when it is none of a basic message.
bool read_properties(std::string_view payload, Properties& properties) noexcept;

/// Bits of the flags that say which properties follow.
namespace flag {
inline constexpr std::uint16_t k_content_type = 0x8000;
inline constexpr std::uint16_t k_content_encoding = 0x4000;
inline constexpr std::uint16_t k_headers = 0x2000;
inline constexpr std::uint16_t k_delivery_mode = 0x1000;
inline constexpr std::uint16_t k_priority = 0x0800;
inline constexpr std::uint16_t k_correlation_id = 0x0400;
inline constexpr std::uint16_t k_reply_to = 0x0200;
inline constexpr std::uint16_t k_expiration = 0x0100;
inline constexpr std::uint16_t k_message_id = 0x0080;
inline constexpr std::uint16_t k_timestamp = 0x0040;
inline constexpr std::uint16_t k_type = 0x0020;
inline constexpr std::uint16_t k_user_id = 0x0010;
inline constexpr std::uint16_t k_app_id = 0x0008;
inline constexpr std::uint16_t k_cluster_id = 0x0004;
}  // namespace flag

/// Splits a return address. False when it is none.
bool split_return_address(std::string_view address, std::optional<std::string_view>& correlation_id,
                          std::string_view& reply_to) noexcept;

}  // namespace waybill::amqp
