#include "waybill/slice.hpp"

#include <algorithm>
#include <new>

namespace waybill {

const char Slice::k_nothing[k_padding] = {};

namespace detail {

Block* Block::allocate(std::size_t capacity) {
  void* memory = ::operator new(sizeof(Block) + capacity + k_padding);
  Block* block = new (memory) Block;
  block->capacity = capacity;
  // The padding is loaded by parsers, never looked at: zeroed so that tools see initialised memory.
  std::memset(block->bytes() + capacity, 0, k_padding);
  return block;
}

void Block::release(Block* block) noexcept {
  // The last owner needs no locked instruction: nobody else can make another.
  if (block->references.load(std::memory_order_acquire) != 1 &&
      block->references.fetch_sub(1, std::memory_order_acq_rel) != 1)
    return;
  block->~Block();
  ::operator delete(block);
}

}  // namespace detail

Slice Slice::copy(std::string_view bytes) {
  if (bytes.empty()) return {};
  detail::Block* block = detail::Block::allocate(bytes.size());
  std::memcpy(block->bytes(), bytes.data(), bytes.size());
  Slice slice;
  slice.data_ = block->bytes();
  slice.size_ = bytes.size();
  slice.block_ = block;
  return slice;
}

Slice Slice::own() const {
  if (block_ || !size_) return *this;
  Slice slice = copy(view());
  slice.marks_ = marks_;
  return slice;
}

Slice Buffer::share() const noexcept {
  Slice slice = borrow();
  slice.block_ = block_;
  if (block_) block_->references.fetch_add(1, std::memory_order_relaxed);
  return slice;
}

Slice Buffer::take() noexcept {
  Slice slice;
  if (!block_) return slice;
  slice.data_ = block_->bytes();
  slice.size_ = size_;
  slice.block_ = std::exchange(block_, nullptr);
  size_ = capacity_ = 0;
  return slice;
}

void Buffer::shrink(std::size_t keep) noexcept {
  if (capacity_ <= keep) return;
  detail::Block::release(std::exchange(block_, nullptr));
  capacity_ = 0;
}

void Buffer::grow(std::size_t at_least) {
  const std::size_t capacity = std::max({at_least, capacity_ * 2, std::size_t{256}});
  detail::Block* block = detail::Block::allocate(capacity);
  if (block_) {
    std::memcpy(block->bytes(), block_->bytes(), size_);
    detail::Block::release(block_);
  }
  block_ = block;
  capacity_ = capacity;
}

}  // namespace waybill
