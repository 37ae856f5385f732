// Scratch: the buffers that all streams of a thread share, so that a stream that waits holds none.
#pragma once

#include "waybill/slice.hpp"

#include <cstddef>
#include <memory>

namespace waybill::socket {

/// One per thread. A stream uses it within one handler only, so it never sees another stream's bytes.
class Scratch {
 public:
  static constexpr std::size_t k_read_size = 256u << 10;  ///< Fewer system calls than with 64 KiB, and it is only one.
  static constexpr std::size_t k_keep = 1u << 20;         ///< The largest output buffer that is kept for the next.

  static Scratch& of_this_thread();

  /// The read buffer, or null when a handler further up this thread's stack uses it (a nested loop).
  char* lease() noexcept {
    if (leased_) return nullptr;
    leased_ = true;
    return room_.get();
  }
  void give_back() noexcept { leased_ = false; }

  /// Gives `buffer` memory that another stream has used before.
  void lend_output(Buffer& buffer) noexcept {
    if (spare_.capacity()) buffer = std::move(spare_);
  }
  /// Takes the memory of an empty buffer for the next one.
  void return_output(Buffer& buffer) noexcept {
    if (buffer.capacity() <= k_keep && buffer.capacity() > spare_.capacity()) std::swap(buffer, spare_);
    buffer.shrink(0);
  }

 private:
  Scratch() : room_(new char[k_read_size + k_padding]()) {}
  std::unique_ptr<char[]> room_;
  Buffer spare_;
  bool leased_ = false;
};

}  // namespace waybill::socket
