// What encoding and decoding walkers share: loads and stores by kind, failures with a path, ISO times.
// For serializers, also from outside (docs/adding-a-serializer.md).
#pragma once

#include "waybill/error.hpp"
#include "waybill/format/model.hpp"

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace waybill::format {

/// memcmp(...) == 0 for names, which are short: two compared words that may overlap instead of a call.
inline bool equal_short(const char* a, const char* b, std::size_t count) noexcept {
  const auto both_ends = [a, b, count](auto first_a) {
    decltype(first_a) first_b, last_a, last_b;
    std::memcpy(&first_a, a, sizeof first_a);
    std::memcpy(&first_b, b, sizeof first_b);
    std::memcpy(&last_a, a + count - sizeof last_a, sizeof last_a);
    std::memcpy(&last_b, b + count - sizeof last_b, sizeof last_b);
    return ((first_a ^ first_b) | (last_a ^ last_b)) == 0;
  };
  if (count > 16) return std::memcmp(a, b, count) == 0;
  if (count >= 8) return both_ends(std::uint64_t{});
  if (count >= 4) return both_ends(std::uint32_t{});
  for (std::size_t i = 0; i < count; ++i) {
    if (a[i] != b[i]) return false;
  }
  return true;
}

/// Values may be nested this deep, in any format.
inline constexpr int k_max_depth = 128;

/// What the items of lists and maps in one decoded value may take in memory, in bytes; more for payloads of which this
/// is less than k_max_growth times their own size. `[{},{},{}]` takes three bytes an item on the wire.
inline constexpr std::size_t k_max_decoded = 128u << 20;
inline constexpr std::size_t k_max_growth = 16;

template <class T>
T load(const void* address) noexcept {
  T value;
  std::memcpy(&value, address, sizeof value);
  return value;
}
template <class T>
void store(void* address, T value) noexcept {
  std::memcpy(address, &value, sizeof value);
}
/// Into a std::string, a fresh one mostly: a new one costs less than one that grows.
inline void store_text(void* address, std::string_view text) {
  auto& to = *static_cast<std::string*>(address);
  if (text.size() <= to.capacity()) {
    to.assign(text);
  } else {
    to = std::string(text);
  }
}

/// Which fields an object has had; up to 64 without memory of its own. Mostly they come in the order of the type, and
/// then they are only counted.
class SeenFields {
 public:
  explicit SeenFields(std::size_t count) : count_(count) {}
  /// False: it was there before.
  bool add(std::size_t index) {
    if (index != next_) [[unlikely]]
      return add_out_of_order(index);
    ++next_;
    return true;
  }
  bool has_all() const { return next_ == count_; }
  bool has(std::size_t index) const {
    if (index < (next_ == k_none ? in_order_ : next_)) return true;
    return index < 64 ? (few_ >> index) & 1 : !more_.empty() && more_[index];
  }

 private:
  static constexpr std::size_t k_none = static_cast<std::size_t>(-1);
  bool add_out_of_order(std::size_t index) {
    if (next_ != k_none) in_order_ = std::exchange(next_, k_none);
    if (has(index)) return false;
    if (index < 64) {
      few_ |= std::uint64_t{1} << index;
    } else {
      more_.resize(count_);
      more_[index] = true;
    }
    return true;
  }

  std::size_t count_;
  std::size_t next_ = 0;      // as long as they come in order
  std::size_t in_order_ = 0;  // how many did
  std::uint64_t few_ = 0;
  std::vector<bool> more_;
};

/// What went wrong and where. The path is put together from the inside out while walkers return, so that it costs
/// nothing when all goes well.
class Failure {
 public:
  errc code = errc::payload_mismatch;
  std::string problem;  ///< "expected an integer, found \"two\""

  bool set(errc what, std::string text) {
    code = what;
    problem = std::move(text);
    path_.clear();
    return false;
  }
  void at_field(std::string_view name);
  void at_index(std::size_t index);

  /// `order.items[3].quantity: expected an integer`; `type` names the root.
  Error error(const TypeInfo& type) const;
  /// The same of a reader, for whom what is above a cap is one of the things that do not fit: payload_mismatch.
  Error reading_error(const TypeInfo& type) const;

 private:
  std::string path_;
};

/// "expected <what>, found <found>"
std::string expected_but_found(std::string_view what, std::string_view found);

/// A text as it is shown in errors: quoted, at most 40 bytes of it.
std::string quote_for_error(std::string_view text);

/// What a value of the type looks like, for errors: "an integer", "a text", "an Order object".
std::string describe_expected(const TypeInfo& type);

/// "a time from 1677-09-21T00:12:43.145Z to 2262-04-11T23:47:16.854Z"
std::string time_range_text(const TimeType& type);
/// "a list of 3 items"
std::string count_text(std::size_t count);
/// "1e+300"
std::string number_text(double number);

/// The name of an enumerator; empty if it has none.
std::string_view enum_name(const EnumType& type, std::int64_t value) noexcept;
/// Null if there is none.
const EnumType::Entry* find_enum(const EnumType& type, std::string_view name) noexcept;
const EnumType::Entry* find_enum(const EnumType& type, std::int64_t value) noexcept;
/// "red, green or blue"
std::string enum_choices(const EnumType& type);

/// Decodes a payload that is not there (JavaScript's undefined): optionals and Payload become empty, null stays null.
/// False: the type wants something; `failure` says so.
bool decode_nothing(ValueOut out, Failure& failure);

/// Writes milliseconds since 1970 as JavaScript's Date.toISOString does: 2026-11-22T11:35:17.123Z. Returns its length,
/// 0 for a time that Date cannot hold. REQUIRES: 32 bytes at `out`.
std::size_t format_iso_time(std::int64_t milliseconds, char* out) noexcept;
/// Reads a date, or a date with time, fraction and zone, as RFC 3339 has them. Digits beyond milliseconds are dropped.
bool parse_iso_time(std::string_view text, std::int64_t& milliseconds) noexcept;

/// The integer that a JSON number text stands for, if it is one: "10", "1.0", "1e3".
bool exact_integer(std::string_view number, bool& negative, std::uint64_t& magnitude) noexcept;

}  // namespace waybill::format
