// A move-only function with room for small captures: what std::move_only_function is from C++23 on.
#pragma once

#include <cstddef>
#include <cstring>
#include <new>
#include <type_traits>
#include <utility>

namespace waybill::detail {

template <class Signature>
class UniqueFunction;

/// Callables up to k_room bytes live inside; larger ones on the heap. Calling an empty one is undefined.
template <class R, class... Args>
class UniqueFunction<R(Args...)> {
 public:
  static constexpr std::size_t k_room = 64;

  UniqueFunction() noexcept = default;
  template <class F>
  requires(!std::is_same_v<std::remove_cvref_t<F>, UniqueFunction>)
      UniqueFunction(F&& function) {  // NOLINT: implicit by design
    using Callable = std::remove_cvref_t<F>;
    if constexpr (fits<Callable>()) {
      ::new (room_) Callable(std::forward<F>(function));
      table_ = &k_inside<Callable>;
    } else {
      ::new (room_) Callable*(new Callable(std::forward<F>(function)));
      table_ = &k_outside<Callable>;
    }
  }
  UniqueFunction(UniqueFunction&& other) noexcept { take(other); }
  UniqueFunction& operator=(UniqueFunction&& other) noexcept {
    if (this != &other) {
      reset();
      take(other);
    }
    return *this;
  }
  ~UniqueFunction() { reset(); }

  explicit operator bool() const noexcept { return table_ != nullptr; }
  R operator()(Args... args) { return table_->call(room_, std::forward<Args>(args)...); }
  void reset() noexcept {
    const Table* table = std::exchange(table_, nullptr);
    if (table && table->destroy) table->destroy(room_);
  }

 private:
  struct Table {
    R (*call)(void*, Args&&...);
    void (*move)(void* from, void* to) noexcept;  // null: as the bytes that it is
    void (*destroy)(void*) noexcept;              // null: nothing is to be done
  };
  template <class C>
  static constexpr bool fits() {
    return sizeof(C) <= k_room && alignof(C) <= alignof(std::max_align_t) && std::is_nothrow_move_constructible_v<C>;
  }
  template <class C>
  static constexpr auto move_of() -> void (*)(void*, void*) noexcept {
    if constexpr (std::is_trivially_copyable_v<C>) {
      return nullptr;
    } else {
      return [](void* from, void* to) noexcept {
        ::new (to) C(std::move(*static_cast<C*>(from)));
        static_cast<C*>(from)->~C();
      };
    }
  }
  template <class C>
  static constexpr auto destroy_of() -> void (*)(void*) noexcept {
    if constexpr (std::is_trivially_destructible_v<C>) {
      return nullptr;
    } else {
      return [](void* room) noexcept { static_cast<C*>(room)->~C(); };
    }
  }
  template <class C>
  static constexpr Table k_inside{
      [](void* room, Args&&... args) -> R { return (*static_cast<C*>(room))(std::forward<Args>(args)...); },
      move_of<C>(), destroy_of<C>()};
  template <class C>
  static constexpr Table k_outside{
      [](void* room, Args&&... args) -> R { return (**static_cast<C**>(room))(std::forward<Args>(args)...); }, nullptr,
      [](void* room) noexcept { delete *static_cast<C**>(room); }};

  void take(UniqueFunction& other) noexcept {
    table_ = std::exchange(other.table_, nullptr);
    if (!table_) return;
    if (table_->move) {
      table_->move(other.room_, room_);
    } else {
      std::memcpy(room_, other.room_, k_room);
    }
  }

  const Table* table_ = nullptr;
  alignas(std::max_align_t) std::byte room_[k_room];
};

}  // namespace waybill::detail
