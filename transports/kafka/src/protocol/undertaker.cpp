#include "protocol/undertaker.hpp"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>

namespace waybill::kafka {
namespace {

constexpr std::chrono::seconds k_patience{2};

}  // namespace

asio::execution_context::id Undertaker::id;

/// What the threads share with the service; they may outlive it.
struct Undertaker::Ending {
  void one_more() {
    const std::lock_guard lock(mutex);
    ++count;
  }
  void one_less() {
    const std::lock_guard lock(mutex);
    if (--count == 0) none.notify_all();
  }

  std::mutex mutex;
  std::condition_variable none;
  std::size_t count = 0;
};

Undertaker& Undertaker::of(const asio::any_io_executor& executor) {
  return asio::use_service<Undertaker>(asio::query(executor, asio::execution::context));
}

Undertaker::Undertaker(asio::execution_context& context)
    : asio::execution_context::service(context), ending_(std::make_shared<Ending>()) {}

Undertaker::~Undertaker() {
  std::unique_lock lock(ending_->mutex);
  ending_->none.wait_for(lock, k_patience, [this] { return ending_->count == 0; });
}

void Undertaker::take(std::shared_ptr<void> last) {
  ending_->one_more();
  try {
    std::thread([ending = ending_, taken = std::move(last)]() mutable {
      taken.reset();
      ending->one_less();
    }).detach();
  } catch (const std::system_error&) {  // no thread to be had: it has ended here
    ending_->one_less();
  }
}

}  // namespace waybill::kafka
