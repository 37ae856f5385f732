// Bytes: Buffer, which grows at its end, and Slice, a view that may share ownership of what it sees.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

namespace waybill {

/// Every Slice has at least this many readable bytes behind its end (their content is anything), so that parsers
/// may load whole vectors. simdjson asks for it.
inline constexpr std::size_t k_padding = 64;

namespace detail {

/// A reference-counted heap block: this header, then `capacity` bytes, then k_padding more.
struct Block {
  std::atomic<std::size_t> references{1};
  std::size_t capacity = 0;

  char* bytes() noexcept { return reinterpret_cast<char*>(this + 1); }
  static Block* allocate(std::size_t capacity);
  static void release(Block* block) noexcept;
};

/// Names, ids and numbers are short: two moves that may overlap instead of a call.
inline void copy_bytes(char* to, const char* from, std::size_t count) noexcept {
  const auto both_ends = [to, from, count](auto part) {
    decltype(part) last;
    std::memcpy(&part, from, sizeof part);
    std::memcpy(&last, from + count - sizeof last, sizeof last);
    std::memcpy(to, &part, sizeof part);
    std::memcpy(to + count - sizeof last, &last, sizeof last);
  };
  struct Sixteen {
    std::uint64_t words[2];
  };
  if (count > 32)
    std::memcpy(to, from, count);
  else if (count >= 16)
    both_ends(Sixteen{});
  else if (count >= 8)
    both_ends(std::uint64_t{});
  else if (count >= 4)
    both_ends(std::uint32_t{});
  else
    for (std::size_t i = 0; i < count; ++i) to[i] = from[i];
}

}  // namespace detail

/// A view of bytes. *Borrowed* (the default) it is valid only as long as its lender says, usually for one call;
/// own() makes a copy that shares ownership. Copying an owned slice costs one atomic increment.
///
/// Invariant: k_padding readable bytes follow data() + size(). Slices of a Buffer, of another Slice or made by
/// copy() have it by construction.
class Slice {
 public:
  Slice() noexcept = default;
  Slice(const Slice& other) noexcept
      : data_(other.data_), size_(other.size_), block_(other.block_), marks_(other.marks_) {
    if (block_) block_->references.fetch_add(1, std::memory_order_relaxed);
  }
  Slice(Slice&& other) noexcept
      : data_(other.data_), size_(other.size_), block_(std::exchange(other.block_, nullptr)), marks_(other.marks_) {}
  Slice& operator=(const Slice& other) noexcept {
    if (other.block_) other.block_->references.fetch_add(1, std::memory_order_relaxed);  // first: it may be *this
    become(other, other.block_);
    return *this;
  }
  Slice& operator=(Slice&& other) noexcept {
    become(other, std::exchange(other.block_, nullptr));
    return *this;
  }
  ~Slice() {
    if (block_) detail::Block::release(block_);
  }

  static Slice copy(std::string_view bytes);
  /// REQUIRES: k_padding readable bytes behind `bytes`, and that they outlive the slice.
  static Slice borrow(std::string_view bytes) noexcept {
    Slice slice;
    slice.data_ = bytes.data();
    slice.size_ = bytes.size();
    return slice;
  }
  /// The same of bytes that the caller knows to be UTF-8: texts of them need no further check.
  static Slice borrow_utf8(std::string_view bytes) noexcept {
    Slice slice = borrow(bytes);
    slice.marks_ = k_utf8;
    return slice;
  }
  /// The same of a payload that came with its length beside it: whether it is one value nobody has looked. No bytes at
  /// all are none, which needs no look.
  static Slice borrow_unseen(std::string_view bytes) noexcept {
    Slice slice = borrow(bytes);
    slice.marks_ = bytes.empty() ? 0 : k_unseen;
    return slice;
  }

  const char* data() const noexcept { return data_; }
  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }
  std::string_view view() const noexcept { return {data_, size_}; }
  bool is_owned() const noexcept { return block_ != nullptr; }
  /// False: they may be UTF-8, nobody has looked.
  bool is_known_utf8() const noexcept { return marks_ & k_utf8; }
  /// True: a payload as it came, which must not be put among other bytes before somebody has looked whether it is one
  /// value. A Payload of it does so when its bytes are asked for.
  bool is_unseen() const noexcept { return marks_ & k_unseen; }
  /// The same bytes for somebody who looks at them now.
  Slice seen() const noexcept {
    Slice slice = *this;
    slice.marks_ &= static_cast<unsigned char>(~k_unseen);
    return slice;
  }

  /// The same bytes, kept alive by the result: shares them if owned, copies them if borrowed.
  Slice own() const;

  /// REQUIRES: `part` lies within view(), between characters where it is text. Shares ownership.
  Slice part(std::string_view part) const noexcept {
    Slice slice = *this;
    slice.data_ = part.data();
    slice.size_ = part.size();
    slice.marks_ &= k_utf8;
    return slice;
  }
  /// This part of `whole`, in `copy`, which has the same bytes. Shares ownership of the copy.
  Slice moved(const Slice& whole, const Slice& copy) const noexcept {
    Slice slice = copy;
    slice.data_ += data_ - whole.data_;
    slice.size_ = size_;
    slice.marks_ = marks_;
    return slice;
  }

  /// For logs: the bytes as they are, to anything that takes a std::string_view.
  template <class Stream>
  requires requires(Stream& out, std::string_view text) { out << text; }
  friend Stream& operator<<(Stream& out, const Slice& slice) {
    out << slice.view();
    return out;
  }

 private:
  friend class Buffer;
  enum Mark : unsigned char { k_utf8 = 1, k_unseen = 2 };
  void become(const Slice& other, detail::Block* block) noexcept {
    if (block_) detail::Block::release(block_);
    data_ = other.data_;
    size_ = other.size_;
    block_ = block;
    marks_ = other.marks_;
  }
  static const char k_nothing[k_padding];
  const char* data_ = k_nothing;
  std::size_t size_ = 0;
  detail::Block* block_ = nullptr;
  unsigned char marks_ = 0;
};

/// Bytes that grow at the end; new room is not zeroed. Not thread-safe.
class Buffer {
 public:
  Buffer() noexcept = default;
  explicit Buffer(std::size_t capacity) { reserve(capacity); }
  Buffer(Buffer&& other) noexcept
      : block_(std::exchange(other.block_, nullptr)),
        size_(std::exchange(other.size_, 0)),
        capacity_(std::exchange(other.capacity_, 0)) {}
  Buffer& operator=(Buffer&& other) noexcept {
    std::swap(block_, other.block_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
    return *this;
  }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() {
    if (block_) detail::Block::release(block_);
  }

  char* data() noexcept { return block_ ? block_->bytes() : nullptr; }
  const char* data() const noexcept { return block_ ? block_->bytes() : nullptr; }
  std::size_t size() const noexcept { return size_; }
  std::size_t capacity() const noexcept { return capacity_; }
  bool empty() const noexcept { return size_ == 0; }
  std::string_view view() const noexcept { return {data(), size_}; }

  void clear() noexcept { size_ = 0; }
  /// REQUIRES: size <= this->size().
  void truncate(std::size_t size) noexcept { size_ = size; }
  void reserve(std::size_t capacity) {
    if (capacity > capacity_) grow(capacity);
  }
  /// Makes room for `count` more bytes and returns where they go; commit() says how many were written.
  char* prepare(std::size_t count) {
    if (capacity_ - size_ < count) grow(size_ + count);
    return block_->bytes() + size_;
  }
  void commit(std::size_t count) noexcept { size_ += count; }

  void append(const char* bytes, std::size_t count) {
    if (!count) return;
    detail::copy_bytes(prepare(count), bytes, count);
    size_ += count;
  }
  void append(std::string_view bytes) { append(bytes.data(), bytes.size()); }
  void push_back(char byte) {
    *prepare(1) = byte;
    ++size_;
  }
  /// Removes `count` bytes at `from`, moving what is behind them.
  void erase(std::size_t from, std::size_t count) noexcept {
    if (count == 0) return;
    std::memmove(data() + from, data() + from + count, size_ - from - count);
    size_ -= count;
  }

  /// A borrowed view of the content; valid until the buffer changes.
  Slice borrow() const noexcept { return block_ ? Slice::borrow(view()) : Slice{}; }
  /// An owned view of the content: while it or a copy of it lives, the content must not change.
  Slice share() const noexcept;
  /// Whether something that share() gave still lives.
  bool is_shared() const noexcept { return block_ && block_->references.load(std::memory_order_acquire) != 1; }
  /// Gives the content away; the buffer is empty afterwards.
  Slice take() noexcept;
  /// Frees the memory if it has grown beyond `keep` bytes. REQUIRES: empty().
  void shrink(std::size_t keep) noexcept;

 private:
  void grow(std::size_t at_least);
  detail::Block* block_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace waybill
