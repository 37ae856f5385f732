#include "waybill/detail/nearest.hpp"

#include <algorithm>
#include <array>

namespace waybill::detail {
namespace {

constexpr std::size_t k_longest_name = 64;

char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

}  // namespace

std::size_t edit_distance(std::string_view a, std::string_view b) {
  if (a.size() > k_longest_name || b.size() > k_longest_name) return k_longest_name;
  using Row = std::array<std::size_t, k_longest_name + 1>;
  Row before_last{};
  Row last{};
  Row current{};
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    current[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const bool same = lower(a[i - 1]) == lower(b[j - 1]);
      current[j] = std::min({last[j] + 1, current[j - 1] + 1, last[j - 1] + (same ? 0 : 1)});
      const bool swapped = i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) && lower(a[i - 2]) == lower(b[j - 1]);
      if (swapped) current[j] = std::min(current[j], before_last[j - 2] + 1);
    }
    before_last = last;
    last = current;
  }
  return last[b.size()];
}

std::string nearest(std::string_view name, std::span<const std::string> known) {
  if (name.size() > k_longest_name) return {};
  std::size_t best = std::max<std::size_t>(1, name.size() / 3) + 1;  // not as far as this
  std::string found;
  for (const std::string& candidate : known) {
    std::size_t distance = edit_distance(name, candidate);
    const bool extends =
        name.size() >= 3 && candidate.size() > name.size() && candidate.find(name) != std::string::npos;
    if (extends) distance = std::min<std::size_t>(distance, 1);
    if (distance < best) {
      best = distance;
      found = candidate;
    }
  }
  return found;
}

std::string suggestion(std::string_view name, std::span<const std::string> known) {
  if (known.empty()) return {};
  if (const std::string found = nearest(name, known); !found.empty()) return "; did you mean \"" + found + "\"?";
  std::string text = "; known: ";
  for (std::size_t i = 0; i < known.size(); ++i) (text += i ? ", " : "") += known[i];
  return text;
}

}  // namespace waybill::detail
