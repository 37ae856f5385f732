// The loops on which services handle messages: whoever blocks one of them stops its service.
#pragma once

#include "waybill/detail/serial_executor.hpp"

#include <algorithm>
#include <mutex>
#include <vector>

namespace waybill::detail {

/// Threads: any.
class ServiceLoops {
 public:
  static ServiceLoops& of_this_process() {
    static auto* const loops = new ServiceLoops;  // never destroyed: services may be, after main
    return *loops;
  }
  /// Whether the calling code runs on one of them.
  bool runs_here() {
    const std::lock_guard lock(mutex_);
    return std::any_of(loops_.begin(), loops_.end(), [](const SerialExecutor* loop) { return loop->runs_here(); });
  }

  /// Lives as long as messages may be handled on `loop`.
  class Entry {
   public:
    explicit Entry(const asio::any_io_executor& loop) : loop_(loop) { of_this_process().add(loop_); }
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;
    ~Entry() { of_this_process().remove(loop_); }

   private:
    SerialExecutor loop_;
  };

 private:
  void add(const SerialExecutor& loop) {
    const std::lock_guard lock(mutex_);
    loops_.push_back(&loop);
  }
  void remove(const SerialExecutor& loop) {
    const std::lock_guard lock(mutex_);
    std::erase(loops_, &loop);
  }

  std::mutex mutex_;
  std::vector<const SerialExecutor*> loops_;
};

}  // namespace waybill::detail
