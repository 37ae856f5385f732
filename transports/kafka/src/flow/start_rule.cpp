#include "flow/start_rule.hpp"

#include <charconv>

namespace waybill::kafka {
namespace {

constexpr std::string_view k_mark = "waybill-new ";
constexpr std::int64_t k_mark_seconds = 60;

/// Somebody of the group has put it there just now, at its very first start.
bool is_marked(const CommittedOffset& partition, std::int64_t now_seconds) noexcept {
  std::string_view text = partition.metadata;
  if (!text.starts_with(k_mark)) return false;
  text.remove_prefix(k_mark.size());
  std::int64_t at = 0;
  std::from_chars(text.data(), text.data() + text.size(), at);
  return now_seconds - at < k_mark_seconds;
}

}  // namespace

std::string StartRule::mark(std::int64_t now_seconds) { return std::string(k_mark) + std::to_string(now_seconds); }

void StartRule::shared_out(const std::vector<CommittedOffset>& known, bool is_first, std::int64_t now_seconds) {
  for (const CommittedOffset& partition : known) {
    if (is_first) new_.insert(partition.topic);
    if (partition.offset >= 0 && !is_marked(partition, now_seconds)) note_committed(partition.topic);
  }
}

StartRule::Begin StartRule::of(const CommittedOffset& partition) const {
  if (partition.offset >= 0) return Begin::committed;
  return is_new(partition.topic) && !is_made(partition.topic) ? Begin::newest : Begin::oldest;
}

}  // namespace waybill::kafka
