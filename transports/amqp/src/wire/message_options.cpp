#include "wire/message_options.hpp"

#include "waybill/url.hpp"

#include <charconv>

namespace waybill::amqp {
namespace {

constexpr std::string_view k_known =
    "priority, persistent, deliveryMode, expiration, messageId, timestamp, contentType, contentEncoding, type, userId, "
    "appId, headers, correlationId (of events), replyTo and mandatory";

Error wrong(std::string_view name, std::string_view value, std::string_view what) {
  return Error(errc::invalid_config,
               "the message property " + std::string(name) + "=" + std::string(value) + " must be " + std::string(what),
               End::rejected);
}

template <class T>
bool read_number(std::string_view text, T& number) noexcept {
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number);
  return ec == std::errc() && end == text.data() + text.size();
}

bool read_flag(std::string_view text, bool& flag) noexcept {
  flag = text == "true";
  return flag || text == "false";
}

std::optional<std::string_view>* text_property(std::string_view name, Properties& properties) noexcept {
  if (name == "contentType") return &properties.content_type;
  if (name == "contentEncoding") return &properties.content_encoding;
  if (name == "correlationId") return &properties.correlation_id;
  if (name == "messageId") return &properties.message_id;
  if (name == "type") return &properties.type;
  if (name == "userId") return &properties.user_id;
  if (name == "appId") return &properties.app_id;
  if (name == "replyTo") return &properties.reply_to;
  return nullptr;
}

Result<void> read_one(std::string_view name, std::string_view value, Properties& properties, bool& mandatory) {
  if (auto* text = text_property(name, properties)) {
    if (value.size() > 255) return wrong(name, value.substr(0, 20), "at most 255 bytes long");
    *text = value;
    return {};
  }
  bool flag = false;
  if (name == "persistent") {
    if (!read_flag(value, flag)) return wrong(name, value, "true or false");
    properties.delivery_mode = flag ? 2 : 1;
  } else if (name == "deliveryMode") {
    // amqplib takes a boolean here, too
    if (read_flag(value, flag)) {
      properties.delivery_mode = flag ? 2 : 1;
    } else if (value == "1" || value == "2") {
      properties.delivery_mode = static_cast<std::uint8_t>(value.front() - '0');
    } else {
      return wrong(name, value, "1 or 2");
    }
  } else if (name == "mandatory") {
    if (!read_flag(value, mandatory)) return wrong(name, value, "true or false");
  } else if (name == "priority") {
    std::uint8_t priority = 0;
    if (!read_number(value, priority)) return wrong(name, value, "a number from 0 to 255");
    properties.priority = priority;
  } else if (name == "expiration") {
    std::uint32_t milliseconds = 0;
    if (!read_number(value, milliseconds)) return wrong(name, value, "a number of milliseconds");
    properties.expiration = value;
  } else if (name == "timestamp") {
    std::uint64_t seconds = 0;
    if (!read_number(value, seconds)) return wrong(name, value, "a number of seconds");
    properties.timestamp = seconds;
  } else if (name != "headers") {  // types for the headers: typed_headers.hpp
    return Error(errc::invalid_config,
                 "amqp has no message property \"" + std::string(name) + "\"; it has " + std::string(k_known),
                 End::rejected);
  }
  return {};
}

void add(Headers& names, std::string_view name, const std::optional<std::string_view>& value) {
  if (value) names.set(name, *value);
}

}  // namespace

Result<void> read_message_options(const Headers& names, Properties& properties, bool& mandatory) {
  for (const auto& [name, value] : names) {
    if (auto read = read_one(name, value, properties, mandatory); !read) return read;
  }
  return {};
}

void write_message_options(const Properties& properties, Headers& names) {
  add(names, "contentType", properties.content_type);
  add(names, "contentEncoding", properties.content_encoding);
  if (properties.delivery_mode == 2) names.set("persistent", "true");
  if (properties.priority) names.set("priority", std::to_string(*properties.priority));
  add(names, "messageId", properties.message_id);
  if (properties.timestamp) names.set("timestamp", std::to_string(*properties.timestamp));
  add(names, "type", properties.type);
  add(names, "userId", properties.user_id);
  add(names, "appId", properties.app_id);
}

}  // namespace waybill::amqp
