#include "json_scan.hpp"

#include "json_find.hpp"
#include "waybill/format/coding.hpp"

#include <cstdint>
#include <cstring>
#include <vector>

namespace waybill::json {
namespace {

using Outcome = Scan::Outcome;

bool is_hex(char c) noexcept { return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f'); }

const char* word_end(const char* at, const char* end, std::string_view word) noexcept {
  const auto left = static_cast<std::size_t>(end - at);
  return left >= word.size() && std::memcmp(at, word.data(), word.size()) == 0 ? at + word.size() : nullptr;
}

const char* scalar_end(const char* at, const char* end) noexcept {
  switch (*at) {
    case '"': return text_end(at + 1, end);
    case 't': return word_end(at, end, "true");
    case 'f': return word_end(at, end, "false");
    case 'n': return word_end(at, end, "null");
    default: return number_end(at, end);
  }
}

/// Behind `"name" :`; null if it is not there.
const char* name_end(const char* at, const char* end) noexcept {
  if (at >= end || *at != '"') return nullptr;
  at = text_end(at + 1, end);
  if (!at) return nullptr;
  at = skip_space(at, end);
  return at < end && *at == ':' ? skip_space(at + 1, end) : nullptr;
}

}  // namespace

const char* number_end(const char* at, const char* end) noexcept {
  if (at < end && *at == '-') ++at;
  if (at >= end || !is_digit(*at)) return nullptr;
  if (*at == '0') {
    ++at;
  } else {
    while (at < end && is_digit(*at)) ++at;
  }
  if (at < end && *at == '.') {
    ++at;
    if (at >= end || !is_digit(*at)) return nullptr;
    while (at < end && is_digit(*at)) ++at;
  }
  if (at < end && (*at | 0x20) == 'e') {
    ++at;
    if (at < end && (*at == '+' || *at == '-')) ++at;
    if (at >= end || !is_digit(*at)) return nullptr;
    while (at < end && is_digit(*at)) ++at;
  }
  return at;
}

const char* text_end(const char* at, const char* end) noexcept {
  for (;;) {
    const char* stop = find_special(at, end);
    if (stop >= end) return nullptr;
    if (*stop == '"') return stop + 1;
    if (*stop != '\\' || end - stop < 2) return nullptr;
    const char kind = stop[1];
    if (kind == 'u') {
      if (end - stop < 6) return nullptr;
      for (int i = 2; i < 6; ++i) {
        if (!is_hex(stop[i])) return nullptr;
      }
      at = stop + 6;
    } else if (kind != 0 && std::strchr("\"\\/bfnrt", kind)) {
      at = stop + 2;
    } else {
      return nullptr;
    }
  }
}

namespace {

/// What the values around one are, as far as it fits.
class ShallowStack {
 public:
  bool is_full() const noexcept { return depth_ == format::k_max_depth; }
  void push(bool object) noexcept { is_object_[depth_++] = object; }
  void pop() noexcept { --depth_; }
  bool is_empty() const noexcept { return depth_ == 0; }
  bool top() const noexcept { return is_object_[depth_ - 1]; }

 private:
  bool is_object_[format::k_max_depth];
  int depth_ = 0;
};

/// A bit each: never more than an eighth of the text.
class DeepStack {
 public:
  bool is_full() const noexcept { return false; }
  void push(bool object) { is_object_.push_back(object); }
  void pop() { is_object_.pop_back(); }
  bool is_empty() const { return is_object_.empty(); }
  bool top() const { return is_object_.back(); }

 private:
  std::vector<bool> is_object_;
};

template <class Stack>
Scan scan(const char* at, const char* end) {
  Stack around;
  for (;;) {
    // A value starts at `at`.
    if (at >= end) return {Outcome::malformed, end};
    if (*at == '{' || *at == '[') {
      if (around.is_full()) return {Outcome::too_deep, at};
      const bool object = *at == '{';
      const char* next = skip_space(at + 1, end);
      if (next < end && *next == (object ? '}' : ']')) {
        at = next + 1;
      } else {
        around.push(object);
        const char* start = object ? name_end(next, end) : next;
        if (!start) return {Outcome::malformed, next};
        at = start;
        continue;
      }
    } else {
      const char* stop = scalar_end(at, end);
      if (!stop) return {Outcome::malformed, at};
      at = stop;
    }
    // A value has ended: so may what is around it.
    for (;;) {
      if (around.is_empty()) return {Outcome::ok, at};
      at = skip_space(at, end);
      if (at >= end) return {Outcome::malformed, end};
      const bool object = around.top();
      if (*at == ',') {
        const char* next = skip_space(at + 1, end);
        const char* start = object ? name_end(next, end) : next;
        if (!start) return {Outcome::malformed, next};
        at = start;
        break;
      }
      if (*at != (object ? '}' : ']')) return {Outcome::malformed, at};
      around.pop();
      ++at;
    }
  }
}

}  // namespace

Scan scan_value(const char* at, const char* end) noexcept { return scan<ShallowStack>(at, end); }

Scan scan_any_depth(const char* at, const char* end) {
  const Scan shallow = scan_value(at, end);
  return shallow.outcome == Outcome::too_deep ? scan<DeepStack>(at, end) : shallow;
}

bool is_number(std::string_view text) noexcept {
  const char* end = text.data() + text.size();
  return !text.empty() && number_end(text.data(), end) == end;
}

}  // namespace waybill::json
