#include "protocol/queue_watch.hpp"

#include <asio/post.hpp>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>
#include <system_error>

namespace waybill::kafka {
namespace {

constexpr std::uint64_t k_one = 1;

int make_eventfd() {
  const int fd = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (fd < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
  return fd;
}

}  // namespace

QueueWatch::QueueWatch(const asio::any_io_executor& executor, Queue queue, Drain drain)
    : queue_(std::move(queue)), wake_(executor, make_eventfd()), drain_(std::move(drain)) {}

QueueWatch::~QueueWatch() { stop(); }

void QueueWatch::start() {
  rd_kafka_queue_io_event_enable(queue_.get(), wake_.native_handle(), &k_one, sizeof(k_one));
  arm();
  poke();  // what is there already
}

void QueueWatch::stop() {
  if (std::exchange(is_stopped_, true)) return;
  rd_kafka_queue_io_event_enable(queue_.get(), -1, nullptr, 0);
  std::error_code ignored;
  wake_.close(ignored);
  queue_.reset();
}

void QueueWatch::poke() noexcept {
  if (is_stopped_) return;
  [[maybe_unused]] const auto written = ::write(wake_.native_handle(), &k_one, sizeof(k_one));
}

void QueueWatch::arm() {
  wake_.async_wait(asio::posix::stream_descriptor::wait_read, [weak = weak_from_this()](std::error_code ec) {
    const auto self = weak.lock();
    if (ec || !self || self->is_stopped_) return;
    std::uint64_t count = 0;
    [[maybe_unused]] const auto got = ::read(self->wake_.native_handle(), &count, sizeof(count));
    self->run();
  });
}

void QueueWatch::run() {
  const bool more = drain_();
  if (is_stopped_) return;
  if (!more) return arm();
  asio::post(wake_.get_executor(), [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (self && !self->is_stopped_) self->run();
  });
}

}  // namespace waybill::kafka
