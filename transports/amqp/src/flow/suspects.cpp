#include "flow/suspects.hpp"

#include <algorithm>

namespace waybill::amqp {

void Suspects::sent(Message message, std::string_view frames) {
  if (!is_watching() && !message.is_suspicious()) return;
  const bool is_first = records_.empty();
  if (!is_first) copies_.append(frames);
  records_.push_back({std::move(message), is_first ? 0 : frames.size()});
}

void Suspects::fence_answered() {
  if (!fenced_) return;
  const auto rest = records_.begin() + static_cast<std::ptrdiff_t>(fenced_);
  const bool goes_on =
      std::any_of(rest, records_.end(), [](const Record& record) { return record.message.is_suspicious(); });
  if (!goes_on) return clear();
  std::size_t taken = 0;
  for (auto at = records_.begin(); at != rest; ++at) taken += at->size;
  copies_.erase(0, taken);
  records_.erase(records_.begin(), rest);
  fenced_ = 0;
}

Suspects::Verdict Suspects::closed(std::uint64_t size, bool is_user) {
  Verdict verdict;
  const auto is_it = [size, is_user](const Record& record) {
    const Message& message = record.message;
    if (is_user) return message.names_user;
    return size != 0 && message.body_size == size;
  };
  const auto culprit = std::find_if(records_.begin(), records_.end(), is_it);
  if (culprit != records_.end()) {
    verdict.refused.push_back(culprit->message);
    std::size_t before = 0;
    for (auto at = records_.begin(); at <= culprit; ++at) before += at->size;
    verdict.again.append(copies_.view().substr(before));
    // They are sent again, and watched again.
    std::vector<Record> rest(std::make_move_iterator(culprit + 1), std::make_move_iterator(records_.end()));
    copies_.erase(0, before);
    records_ = std::move(rest);
    fenced_ = 0;
    if (records_.empty()) clear();
    return verdict;
  }
  clear();
  return verdict;
}

void Suspects::clear() noexcept {
  records_.clear();
  copies_.clear();
  copies_.shrink(64u << 10);
  fenced_ = 0;
}

}  // namespace waybill::amqp
