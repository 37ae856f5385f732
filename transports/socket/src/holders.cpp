#include "holders.hpp"

#include "stream_handlers.hpp"

#include <asio/post.hpp>

#include <algorithm>

namespace waybill::socket {

Holders& Holders::of_this_process() {
  static Holders& all = *new Holders;  // never destroyed: streams may outlive main()
  return all;
}

void Holders::add(const std::shared_ptr<Holder>& holder) {
  const std::lock_guard lock(mutex_);
  holder->place = list_.size();
  list_.push_back(holder);
}

void Holders::remove(Holder& holder) {
  const std::lock_guard lock(mutex_);
  const std::size_t place = holder.place;
  std::swap(list_[place], list_.back());
  list_[place]->place = place;
  list_.pop_back();
}

void Holders::relieve(std::size_t total, std::size_t limit) {
  const std::lock_guard lock(mutex_);
  for (const auto& holder : list_)
    if (holder->is_asked) total -= std::min(total, holder->bytes.load());
  while (total > limit) {
    const std::shared_ptr<Holder>* most = nullptr;
    for (const auto& holder : list_)
      if (!holder->is_asked && (!most || holder->bytes > (*most)->bytes)) most = &holder;
    if (!most) return;
    (*most)->is_asked = true;
    total -= std::min(total, (*most)->bytes.load());
    // Whoever is in the list has not ended, and its loop lives as long.
    asio::post((*most)->executor, [holder = *most, limit] {
      if (holder->stream) StreamHandlers::make_room(*holder->stream, limit);
    });
  }
}

}  // namespace waybill::socket
