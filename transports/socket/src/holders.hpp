// Holders: the streams of this process that hold much, so that the one that holds most pays when all hold too much.
#pragma once

#include <asio/any_io_executor.hpp>

#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

namespace waybill::socket {

class Stream;

/// One stream's entry. `stream` is the executor's own, null once it has gone; the rest any thread may look at.
struct Holder {
  Holder(Stream& owner, asio::any_io_executor its_executor) : stream(&owner), executor(std::move(its_executor)) {}
  Stream* stream;
  const asio::any_io_executor executor;
  std::atomic<std::size_t> bytes{0};
  std::atomic<bool> is_asked{false};  // to end; it will
  std::size_t place = 0;              // in the list; under its mutex
  bool is_listed = false;             // its stream's own
};

/// One per process. Thread-safe.
class Holders {
 public:
  static Holders& of_this_process();

  void add(const std::shared_ptr<Holder>& holder);
  void remove(Holder& holder);
  /// Asks those that hold most to end, until what the others hold and `total` has no more than `limit`.
  void relieve(std::size_t total, std::size_t limit);

 private:
  std::mutex mutex_;
  std::vector<std::shared_ptr<Holder>> list_;
};

}  // namespace waybill::socket
