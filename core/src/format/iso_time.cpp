#include "waybill/detail/fields_time.hpp"
#include "waybill/format/coding.hpp"

#include <chrono>

namespace waybill::format {
namespace {

constexpr std::int64_t k_day = 86'400'000;
constexpr std::int64_t k_most = detail::k_most_milliseconds;

/// Writes `count` digits of `number`, with leading zeros.
char* put(char* out, std::int64_t number, int count) noexcept {
  for (int i = count - 1; i >= 0; --i, number /= 10) out[i] = static_cast<char>('0' + number % 10);
  return out + count;
}

/// Takes exactly `count` digits off the front of `text`.
bool take(std::string_view& text, int count, std::int64_t& number) noexcept {
  if (text.size() < static_cast<std::size_t>(count)) return false;
  number = 0;
  for (int i = 0; i < count; ++i) {
    const char c = text[static_cast<std::size_t>(i)];
    if (c < '0' || c > '9') return false;
    number = number * 10 + (c - '0');
  }
  text.remove_prefix(static_cast<std::size_t>(count));
  return true;
}

bool take(std::string_view& text, char c) noexcept {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

/// `+HH:MM`, `-HH:MM`, `Z` or nothing, in milliseconds east of UTC.
bool take_zone(std::string_view& text, std::int64_t& offset) noexcept {
  offset = 0;
  if (text.empty() || take(text, 'Z') || take(text, 'z')) return true;
  const bool west = text.front() == '-';
  if (!west && text.front() != '+') return false;
  text.remove_prefix(1);
  std::int64_t hours = 0;
  std::int64_t minutes = 0;
  if (!take(text, 2, hours)) return false;
  take(text, ':');
  if (!take(text, 2, minutes) || hours > 23 || minutes > 59) return false;
  offset = (hours * 60 + minutes) * 60'000 * (west ? -1 : 1);
  return true;
}

bool take_time(std::string_view& text, std::int64_t& milliseconds) noexcept {
  std::int64_t hours = 0;
  std::int64_t minutes = 0;
  std::int64_t seconds = 0;
  if (!take(text, 2, hours) || !take(text, ':') || !take(text, 2, minutes)) return false;
  if (take(text, ':') && !take(text, 2, seconds)) return false;
  std::int64_t fraction = 0;
  if (take(text, '.')) {
    std::int64_t scale = 100;
    if (text.empty() || text.front() < '0' || text.front() > '9') return false;
    for (; !text.empty() && text.front() >= '0' && text.front() <= '9'; text.remove_prefix(1), scale /= 10) {
      fraction += (text.front() - '0') * scale;
    }
  }
  if (hours > 24 || minutes > 59 || seconds > 59 || (hours == 24 && (minutes || seconds || fraction))) return false;
  milliseconds = ((hours * 60 + minutes) * 60 + seconds) * 1000 + fraction;
  return true;
}

}  // namespace

std::size_t format_iso_time(std::int64_t milliseconds, char* out) noexcept {
  if (milliseconds > k_most || milliseconds < -k_most) return 0;
  std::int64_t days = milliseconds / k_day;
  std::int64_t rest = milliseconds % k_day;
  if (rest < 0) {
    rest += k_day;
    --days;
  }
  // chrono's calendar ends at the year 32767; its 400-year cycle carries the rest.
  constexpr std::int64_t k_cycle = 146'097;
  std::int64_t cycles = days / k_cycle;
  days -= cycles * k_cycle;
  const std::chrono::year_month_day date{std::chrono::sys_days(std::chrono::days(days))};
  const std::int64_t year = static_cast<int>(date.year()) + cycles * 400;
  char* at = out;
  if (year >= 0 && year <= 9999) {
    at = put(at, year, 4);
  } else {
    *at++ = year < 0 ? '-' : '+';
    at = put(at, year < 0 ? -year : year, 6);
  }
  *at++ = '-';
  at = put(at, static_cast<unsigned>(date.month()), 2);
  *at++ = '-';
  at = put(at, static_cast<unsigned>(date.day()), 2);
  *at++ = 'T';
  at = put(at, rest / 3'600'000, 2);
  *at++ = ':';
  at = put(at, rest / 60'000 % 60, 2);
  *at++ = ':';
  at = put(at, rest / 1000 % 60, 2);
  *at++ = '.';
  at = put(at, rest % 1000, 3);
  *at++ = 'Z';
  return static_cast<std::size_t>(at - out);
}

bool parse_iso_time(std::string_view text, std::int64_t& milliseconds) noexcept {
  std::int64_t year = 0;
  std::int64_t month = 0;
  std::int64_t day = 0;
  const bool before_zero = !text.empty() && text.front() == '-';
  const bool is_long = before_zero || (!text.empty() && text.front() == '+');
  if (is_long) text.remove_prefix(1);
  if (!take(text, is_long ? 6 : 4, year) || !take(text, '-') || !take(text, 2, month) || !take(text, '-') ||
      !take(text, 2, day)) {
    return false;
  }
  if (before_zero) year = -year;
  if (year > 280'000 || year < -280'000) return false;
  const std::int64_t cycles = year / 400;
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(year - cycles * 400)),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok()) return false;
  std::int64_t time = 0;
  std::int64_t offset = 0;
  if (!text.empty()) {
    if (!take(text, 'T') && !take(text, 't') && !take(text, ' ')) return false;
    if (!take_time(text, time) || !take_zone(text, offset)) return false;
  }
  if (!text.empty()) return false;
  const std::int64_t days = std::chrono::sys_days(date).time_since_epoch().count() + cycles * 146'097;
  milliseconds = days * k_day + time - offset;
  return milliseconds <= k_most && milliseconds >= -k_most;
}

}  // namespace waybill::format
