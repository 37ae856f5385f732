// Headers: what stands beside a message's payload, and the names that waybill itself uses there.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace waybill {

/// A small ordered map from text to bytes. Names are compared as they are; the last of equal names wins.
class Headers {
 public:
  using Entry = std::pair<std::string, std::string>;

  Headers() noexcept = default;
  Headers(std::vector<Entry> entries);  // NOLINT: implicit by design
  Headers(const Headers& other);
  Headers(Headers&&) noexcept = default;
  Headers& operator=(Headers other) noexcept {
    entries_.swap(other.entries_);
    return *this;
  }
  ~Headers() = default;

  /// The value, or null if there is none; valid until the headers change.
  const std::string* find(std::string_view name) const noexcept;
  void set(std::string_view name, std::string_view value);
  void erase(std::string_view name);
  bool empty() const noexcept { return !entries_ || entries_->empty(); }
  std::size_t size() const noexcept { return entries_ ? entries_->size() : 0; }
  const Entry* begin() const noexcept { return entries_ ? entries_->data() : nullptr; }
  const Entry* end() const noexcept { return entries_ ? entries_->data() + entries_->size() : nullptr; }

 private:
  struct Drop {
    void operator()(const std::vector<Entry>* entries) const noexcept;  // not inline: packets end everywhere
  };
  std::vector<Entry>& entries();
  std::unique_ptr<std::vector<Entry>, Drop> entries_;  // most packets have none: one word
};

/// Names of the headers that waybill itself sets, on carriers that have a place for headers.
namespace header {
inline constexpr std::string_view k_deadline = "waybill-deadline";  ///< Milliseconds that the caller still waits.
inline constexpr std::string_view k_attempt = "waybill-attempt";    ///< Which delivery of the message this is, from 1.
inline constexpr std::string_view k_resent = "waybill-resent";      ///< Sent again: it may have arrived before.
inline constexpr std::string_view k_message_id = "waybill-message-id";
inline constexpr std::string_view k_error = "waybill-error";    ///< On a dead letter: why it was given up, for people.
inline constexpr std::string_view k_origin = "waybill-origin";  ///< On a dead letter: the channel it was taken from.
}  // namespace header

}  // namespace waybill
