#include "waybill/trace.hpp"

#include "random_bits.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace waybill {

namespace {

constexpr std::size_t k_length = 55;          // of version 00
constexpr std::size_t k_max_members = 32;     // of a tracestate
constexpr std::size_t k_max_items = 180;      // members of a baggage
constexpr std::size_t k_large_member = 128;   // of a tracestate: left out first where it is too long
constexpr std::uint8_t k_known_flags = 0b11;  // of a version that we do not know: sampled, random
constexpr std::string_view k_digits = "0123456789abcdef";

/// The value of each hexadecimal digit, in lower case as the W3C asks for; of all else -1.
constexpr auto k_values = [] {
  std::array<std::int8_t, 256> values{};
  values.fill(-1);
  for (std::size_t i = 0; i < k_digits.size(); ++i)
    values[static_cast<unsigned char>(k_digits[i])] = static_cast<std::int8_t>(i);
  return values;
}();
int digit_of(char c) noexcept { return k_values[static_cast<unsigned char>(c)]; }

/// The two digits of each byte.
constexpr auto k_pairs = [] {
  std::array<char, 512> pairs{};
  for (std::size_t i = 0; i < pairs.size(); ++i) pairs[i] = k_digits[i % 2 ? i / 2 % 16 : i / 32];
  return pairs;
}();

template <std::size_t N>
bool read_hex(const char* text, std::array<std::uint8_t, N>& bytes) noexcept {
  int all = 0;  // negative as soon as one is
  for (std::size_t i = 0; i < N; ++i) {
    const int high = digit_of(text[2 * i]);
    const int low = digit_of(text[2 * i + 1]);
    all |= high | low;
    bytes[i] = static_cast<std::uint8_t>(high << 4 | low);
  }
  return all >= 0;
}

/// Writes two digits for each byte, and gives where it has stopped.
template <std::size_t N>
char* write_hex(const std::array<std::uint8_t, N>& bytes, char* at) noexcept {
  for (const std::uint8_t byte : bytes) {
    std::memcpy(at, k_pairs.data() + 2 * byte, 2);
    at += 2;
  }
  return at;
}

template <std::size_t N>
bool is_zero(const std::array<std::uint8_t, N>& bytes) noexcept {
  return bytes == std::array<std::uint8_t, N>{};
}

using TraceparentText = std::array<char, k_length>;

TraceparentText text_of(const Traceparent& parent) noexcept {
  TraceparentText text;
  char* at = write_hex(std::array<std::uint8_t, 1>{0}, text.data());
  *at++ = '-';
  at = write_hex(parent.trace_id, at);
  *at++ = '-';
  at = write_hex(parent.parent_id, at);
  *at++ = '-';
  write_hex(std::array<std::uint8_t, 1>{parent.flags}, at);
  return text;
}

template <std::size_t N>
void fill_randomly(std::array<std::uint8_t, N>& bytes) {
  do {
    for (std::size_t i = 0; i < N; i += sizeof(std::uint64_t)) {
      const std::uint64_t bits = detail::random_bits();
      std::memcpy(bytes.data() + i, &bits, sizeof bits);
    }
  } while (is_zero(bytes));
}

bool is_printable(std::string_view text) noexcept {
  return std::all_of(text.begin(), text.end(), [](char c) { return (c >= ' ' && c <= '~') || c == '\t'; });
}

std::string_view trimmed(std::string_view text) noexcept {
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") + 1 - begin);
}

/// Each `%` stands before two hexadecimal digits, in either case.
bool is_percent_encoded(std::string_view text) noexcept {
  const auto is_hex = [](char c) { return digit_of(c) >= 0 || (c >= 'A' && c <= 'F'); };
  for (std::size_t at = 0; (at = text.find('%', at)) != std::string_view::npos; at += 3) {
    if (text.size() - at < 3 || !is_hex(text[at + 1]) || !is_hex(text[at + 2])) return false;
  }
  return true;
}

/// "name=value", perhaps with properties behind a ';', name and value of what such may have.
bool is_member(std::string_view member) noexcept {
  const std::size_t equals = member.find('=');
  if (equals == std::string_view::npos) return false;
  const std::string_view name = trimmed(member.substr(0, equals));
  const std::string_view rest = member.substr(equals + 1);
  const std::string_view value = trimmed(rest.substr(0, rest.find(';')));
  return !name.empty() && name.find_first_of(" \t\"(),/:;<=>?[\\]{}") == std::string_view::npos &&
         value.find_first_of(" \t\"\\") == std::string_view::npos && is_percent_encoded(rest);
}

/// A tracestate's names may have a slash in them, which is for old versions of it, and an at.
bool is_state_member(std::string_view member) noexcept {
  const std::size_t equals = member.find('=');
  const std::string_view name = member.substr(0, equals);
  constexpr std::size_t k_longest = 256;  // of a name, and of a value
  return equals != std::string_view::npos && !name.empty() && equals + 1 < member.size() && name.size() <= k_longest &&
         member.size() - equals - 1 <= k_longest && std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || std::string_view("_-*/@").find(c) < 5;
         });
}

/// Two readers could take two values for that of such a name.
bool has_name_twice(std::string_view list) noexcept {
  std::array<std::string_view, k_max_members> names;
  std::size_t count = 0;
  while (!list.empty() && count < names.size()) {
    const std::string_view member = list.substr(0, list.find(','));
    list.remove_prefix(std::min(member.size() + 1, list.size()));
    const std::string_view name = member.substr(0, member.find('='));
    if (std::find(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(count), name) !=
        names.begin() + static_cast<std::ptrdiff_t>(count)) {
      return true;
    }
    names[count++] = name;
  }
  return false;
}

/// The members of a list in their order, as many as fit. Nothing if one of them is malformed.
std::string bounded_list(std::string_view text, bool (*is_good)(std::string_view) noexcept, std::size_t most_bytes,
                         std::size_t most_members, std::size_t largest) {
  if (text.empty()) [[likely]]
    return {};
  if (text.size() > (64u << 10) || !is_printable(text)) return {};
  const bool is_long = text.size() > most_bytes;
  std::string list;
  std::size_t members = 0;
  bool is_full = false;
  while (!text.empty()) {
    const std::string_view member = trimmed(text.substr(0, text.find(',')));
    text.remove_prefix(std::min(text.find(','), text.size() - 1) + 1);
    if (member.empty()) continue;
    if (!is_good(member)) return {};
    if (is_full || (is_long && member.size() > largest)) continue;
    is_full = ++members > most_members || list.size() + !list.empty() + member.size() > most_bytes;
    if (is_full) continue;
    if (!list.empty()) list += ',';
    list += member;
  }
  return list;
}

void put(Headers& headers, std::string_view name, std::string_view value) {
  if (!value.empty()) return headers.set(name, value);
  if (!headers.empty()) headers.erase(name);
}

std::string_view value_in(const Headers& headers, std::string_view name) noexcept {
  const std::string* value = headers.find(name);
  return value ? std::string_view(*value) : std::string_view();
}

}  // namespace

Traceparent Traceparent::start(bool is_sampled) {
  Traceparent made;
  fill_randomly(made.trace_id);
  fill_randomly(made.parent_id);
  made.flags = is_sampled ? k_sampled : 0;
  return made;
}

Traceparent Traceparent::next() const {
  Traceparent made = *this;
  fill_randomly(made.parent_id);
  return made;
}

std::optional<Traceparent> Traceparent::parse(std::string_view text) noexcept {
  if (text.size() < k_length || text[2] != '-' || text[35] != '-' || text[52] != '-') return std::nullopt;
  std::array<std::uint8_t, 1> version{};
  std::array<std::uint8_t, 1> flags{};
  Traceparent read;
  if (!read_hex(text.data(), version) || !read_hex(text.data() + 3, read.trace_id) ||
      !read_hex(text.data() + 36, read.parent_id) || !read_hex(text.data() + 53, flags)) {
    return std::nullopt;
  }
  if (version[0] == 0xff || is_zero(read.trace_id) || is_zero(read.parent_id)) return std::nullopt;
  if (version[0] == 0 ? text.size() != k_length : text.size() > k_length && text[k_length] != '-') return std::nullopt;
  read.flags = version[0] == 0 ? flags[0] : flags[0] & k_known_flags;
  return read;
}

std::string Traceparent::to_text() const {
  const TraceparentText text = text_of(*this);
  return std::string(text.data(), text.size());
}

std::string Traceparent::trace_id_text() const {
  std::string text(2 * trace_id.size(), '0');
  write_hex(trace_id, text.data());
  return text;
}

TraceContext TraceContext::of(std::string_view traceparent, std::string_view tracestate, std::string_view baggage) {
  TraceContext read;
  if (!traceparent.empty()) read.parent = Traceparent::parse(trimmed(traceparent));
  if (read.parent) read.state = bounded_list(tracestate, &is_state_member, k_max_state, k_max_members, k_large_member);
  if (has_name_twice(read.state)) read.state.clear();
  read.baggage =
      bounded_list(baggage, &is_member, TraceContext::k_max_baggage, k_max_items, TraceContext::k_max_baggage);
  return read;
}

TraceContext TraceContext::of(const Headers& headers) {
  if (headers.empty()) return {};
  return of(value_in(headers, header::k_traceparent), value_in(headers, header::k_tracestate),
            value_in(headers, header::k_baggage));
}

void TraceContext::step(double ratio) {
  if (parent) {
    parent = parent->next();
    return;
  }
  parent = Traceparent::start(false);
  std::uint64_t number = 0;  // the same for the whole trace, whoever asks
  for (std::size_t i = parent->trace_id.size() - 7; i < parent->trace_id.size(); ++i)
    number = number << 8 | parent->trace_id[i];
  if (static_cast<double>(number) < ratio * static_cast<double>(std::uint64_t{1} << 56))
    parent->flags = Traceparent::k_sampled;
}

void TraceContext::write_to(Headers& headers) const {
  const TraceparentText text = parent ? text_of(*parent) : TraceparentText();
  put(headers, header::k_traceparent, std::string_view(text.data(), parent ? text.size() : 0));
  put(headers, header::k_tracestate, parent ? std::string_view(state) : std::string_view());
  put(headers, header::k_baggage, baggage);
}

}  // namespace waybill
