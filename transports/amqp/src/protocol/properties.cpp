#include "protocol/properties.hpp"

namespace waybill::amqp {
namespace {

constexpr std::size_t k_fixed = 2 + 2 + 8 + 2;  // class, weight, body size, flags

class Reader {
 public:
  Reader(std::string_view bytes, std::uint16_t flags) noexcept : rest_(bytes), flags_(flags) {}
  bool is_good() const noexcept { return is_good_; }
  const char* at() const noexcept { return rest_.data(); }

  void short_text(std::uint16_t bit, std::optional<std::string_view>& value) noexcept {
    if (!(flags_ & bit)) return;
    if (!need(1)) return;
    const auto size = load<std::uint8_t>(rest_.data());
    if (!need(std::size_t{1} + size)) return;
    value = rest_.substr(1, size);
    rest_.remove_prefix(std::size_t{1} + size);
  }
  void table(std::uint16_t bit, std::optional<std::string_view>& value) noexcept {
    if (!(flags_ & bit) || !need(4)) return;
    const auto size = load<std::uint32_t>(rest_.data());
    if (!need(std::size_t{4} + size)) return;
    value = rest_.substr(4, size);
    rest_.remove_prefix(std::size_t{4} + size);
  }
  template <class T>
  void number(std::uint16_t bit, std::optional<T>& value) noexcept {
    if (!(flags_ & bit) || !need(sizeof(T))) return;
    value = load<T>(rest_.data());
    rest_.remove_prefix(sizeof(T));
  }

 private:
  bool need(std::size_t count) noexcept {
    if (rest_.size() < count) is_good_ = false;
    return is_good_;
  }
  std::string_view rest_;
  std::uint16_t flags_;
  bool is_good_ = true;
};

}  // namespace

bool read_properties(std::string_view payload, Properties& properties) noexcept {
  constexpr std::uint16_t k_basic = AMQP_BASIC_CLASS;
  if (payload.size() < k_fixed || load<std::uint16_t>(payload.data()) != k_basic) return false;
  properties.body_size = load<std::uint64_t>(payload.data() + 4);
  const auto flags = load<std::uint16_t>(payload.data() + 12);
  if (flags & 3) return false;  // more flags than there are properties
  Reader reader(payload.substr(k_fixed), flags);
  reader.short_text(flag::k_content_type, properties.content_type);
  reader.short_text(flag::k_content_encoding, properties.content_encoding);
  reader.table(flag::k_headers, properties.headers);
  reader.number(flag::k_delivery_mode, properties.delivery_mode);
  reader.number(flag::k_priority, properties.priority);
  const char* const address = reader.at();
  reader.short_text(flag::k_correlation_id, properties.correlation_id);
  reader.short_text(flag::k_reply_to, properties.reply_to);
  if (reader.is_good() && properties.reply_to)
    properties.return_address = {address, static_cast<std::size_t>(reader.at() - address)};
  reader.short_text(flag::k_expiration, properties.expiration);
  reader.short_text(flag::k_message_id, properties.message_id);
  reader.number(flag::k_timestamp, properties.timestamp);
  reader.short_text(flag::k_type, properties.type);
  reader.short_text(flag::k_user_id, properties.user_id);
  reader.short_text(flag::k_app_id, properties.app_id);
  reader.short_text(flag::k_cluster_id, properties.cluster_id);
  return reader.is_good();
}

bool split_return_address(std::string_view address, std::optional<std::string_view>& correlation_id,
                          std::string_view& reply_to) noexcept {
  std::string_view texts[2];
  int count = 0;
  while (!address.empty()) {
    const auto size = load<std::uint8_t>(address.data());
    if (count == 2 || address.size() <= size) return false;
    texts[count++] = address.substr(1, size);
    address.remove_prefix(std::size_t{1} + size);
  }
  if (count == 0) return false;
  reply_to = texts[count - 1];
  if (count == 2) correlation_id = texts[0];
  return true;
}

}  // namespace waybill::amqp
