#include "flow/ack_window.hpp"

#include <algorithm>
#include <utility>

namespace waybill::amqp {

std::vector<AckWindow::Tag>::iterator AckWindow::find(std::uint64_t tag) noexcept {
  if (!tags_.empty() && tags_.back().tag == tag) return tags_.end() - 1;
  const auto found = std::lower_bound(tags_.begin(), tags_.end(), tag,
                                      [](const Tag& one, std::uint64_t other) { return one.tag < other; });
  return found != tags_.end() && found->tag == tag ? found : tags_.end();
}

bool AckWindow::ack(std::uint64_t tag) noexcept {
  const auto found = find(tag);
  if (found == tags_.end() || found->is_done) return false;
  found->is_done = true;
  ++acks_;
  fetched_acks_ += found->was_fetched;
  return true;
}

bool AckWindow::forget(std::uint64_t tag) noexcept {
  const auto found = find(tag);
  if (found == tags_.end() || found->is_done) return false;
  fetched_ -= found->was_fetched;
  tags_.erase(found);
  return true;
}

bool AckWindow::is_outstanding(std::uint64_t tag) noexcept {
  const auto found = find(tag);
  return found != tags_.end() && !found->is_done;
}

std::uint64_t AckWindow::print_of(std::uint64_t tag) noexcept {
  const auto found = find(tag);
  return found == tags_.end() ? 0 : found->print;
}

std::vector<AckWindow::Tag> AckWindow::take_all() noexcept {
  acks_ = fetched_ = fetched_acks_ = 0;
  return std::exchange(tags_, {});
}

std::uint64_t AckWindow::oldest() const noexcept {
  const auto found = std::find_if(tags_.begin(), tags_.end(), [](const Tag& one) { return !one.is_done; });
  return found == tags_.end() ? 0 : found->tag;
}

std::size_t AckWindow::taken_after_flush() const noexcept {
  return (tags_.size() - fetched_) - (acks_ - fetched_acks_);
}

void AckWindow::flush(Buffer& out, ChannelId channel) {
  if (!acks_) return;
  std::size_t done = 0;
  while (done < tags_.size() && tags_[done].is_done) ++done;
  if (done) append_ack(out, channel, tags_[done - 1].tag, done > 1);
  if (done < acks_) {
    for (std::size_t i = done; i < tags_.size(); ++i) {
      if (tags_[i].is_done) append_ack(out, channel, tags_[i].tag, false);
    }
  }
  fetched_ -= std::exchange(fetched_acks_, 0);
  acks_ = 0;
  if (done == tags_.size()) return tags_.clear();
  tags_.erase(std::remove_if(tags_.begin(), tags_.end(), [](const Tag& one) { return one.is_done; }), tags_.end());
}

}  // namespace waybill::amqp
