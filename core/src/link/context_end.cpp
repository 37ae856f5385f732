#include "link/context_end.hpp"

#include <asio/execution/context.hpp>
#include <asio/query.hpp>

#include <algorithm>

namespace waybill::detail {

void ContextEnd::tell(const asio::any_io_executor& executor, const std::shared_ptr<Guest>& guest) {
  asio::execution_context& context = asio::query(executor, asio::execution::context);
  asio::use_service<ContextEnd>(context).add(guest);
}

void ContextEnd::add(const std::shared_ptr<Guest>& guest) {
  const std::lock_guard lock(mutex_);
  if (guests_.size() == prunes_at_) {
    std::erase_if(guests_, [](const std::weak_ptr<Guest>& one) { return one.expired(); });
    prunes_at_ = std::max<std::size_t>(16, 2 * guests_.size());
  }
  guests_.push_back(guest);
}

void ContextEnd::shutdown() {
  std::vector<std::weak_ptr<Guest>> guests;
  {
    const std::lock_guard lock(mutex_);
    guests.swap(guests_);
  }
  for (const std::weak_ptr<Guest>& one : guests) {
    if (const std::shared_ptr<Guest> guest = one.lock()) guest->context_ends();
  }
}

}  // namespace waybill::detail
