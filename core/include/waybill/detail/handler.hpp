// From any callable to the one form that the router calls: decode the payload, call, encode what comes back.
#pragma once

#include "waybill/context.hpp"
#include "waybill/fields.hpp"
#include "waybill/payload.hpp"
#include "waybill/stream.hpp"

#include <asio/awaitable.hpp>

#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>

namespace waybill::detail {

/// A message at its handler: the handler's context, and what its templates need of the compiled core.
///
/// Threads: one at a time, on executor().
class Invocation : public Context {
 public:
  /// Decodes the payload. Throws Error(payload_mismatch | payload_malformed).
  virtual void decode(ValueOut out) const = 0;
  enum class Keep {
    borrowed,  ///< Valid as long as the message.
    owned,
  };
  /// The payload as it came, checked to be one value. Throws Error(payload_malformed).
  virtual Payload argument(Keep keep) const = 0;
  /// Ends the reply with this value. Throws Error if it cannot be encoded.
  virtual void reply(ValueRef value) = 0;
  virtual void reply_end() = 0;
  /// Sends what the stream yields, and throws what leaves it. The stream is destroyed when this completes.
  virtual asio::awaitable<void> reply_all(StreamRoutine stream) = 0;

 protected:
  ~Invocation() = default;
};

/// What a handler takes and gives, for descriptions.
struct HandlerTypes {
  TypeAccess argument = nullptr;  ///< Null: none is declared.
  TypeAccess reply = nullptr;     ///< Null: no value.
  bool is_stream = false;         ///< Of such replies.
};

/// A handler without its types. Exceptions that leave it are the router's.
class Handler {
 public:
  virtual ~Handler() = default;
  virtual HandlerTypes types() const noexcept = 0;
  /// call() does everything; else start() is needed.
  virtual bool is_immediate() const noexcept = 0;
  virtual void call(Invocation&) {}
  /// Decodes, and gives what does the rest. The invocation outlives the awaitable.
  virtual asio::awaitable<void> start(Invocation& invocation) = 0;
};

template <class T>
struct AwaitableValue;
template <class T, class Executor>
struct AwaitableValue<asio::awaitable<T, Executor>> {
  using type = T;
};
template <class T>
concept IsAwaitable = requires {
  typename AwaitableValue<T>::type;
};
template <class T>
struct IsStreamTrait : std::false_type {};
template <class T>
struct IsStreamTrait<Stream<T>> : std::true_type {
  using Value = T;
};
template <class T>
concept IsStream = IsStreamTrait<T>::value;

/// The parameters of a callable: (T), (T, Context&), (Context&) or ().
template <class F>
struct Signature {};
template <class F>
requires requires { &F::operator(); }
struct Signature<F> : Signature<decltype(&F::operator())> {};
template <class R, class... A>
struct Signature<R (*)(A...)> {
  using result = R;
  static constexpr std::size_t count = sizeof...(A);
  template <std::size_t I>
  using parameter = std::tuple_element_t<I, std::tuple<A..., void, void>>;
};
template <class R, class... A>
struct Signature<R(A...)> : Signature<R (*)(A...)> {};
template <class R, class C, class... A>
struct Signature<R (C::*)(A...)> : Signature<R (*)(A...)> {};
template <class R, class C, class... A>
struct Signature<R (C::*)(A...) const> : Signature<R (*)(A...)> {};
template <class R, class C, class... A>
struct Signature<R (C::*)(A...) noexcept> : Signature<R (*)(A...)> {};
template <class R, class C, class... A>
struct Signature<R (C::*)(A...) const noexcept> : Signature<R (*)(A...)> {};

template <class F>
concept HasSignature = requires {
  typename Signature<std::decay_t<F>>::result;
};

template <class T>
inline constexpr bool is_context = std::is_same_v<T, Context&>;

/// The description of what a function returns, itself or at last; null: nothing.
template <class Returned>
constexpr TypeAccess type_of_returned() noexcept {
  if constexpr (std::is_void_v<Returned>) {
    return nullptr;
  } else if constexpr (IsAwaitable<Returned>) {
    return type_of_returned<std::remove_cvref_t<typename AwaitableValue<Returned>::type>>();
  } else if constexpr (IsStream<Returned>) {
    return &type_of<typename IsStreamTrait<Returned>::Value>;
  } else {
    return &type_of<Returned>;
  }
}

/// True for (T), (T, Context&), (Context&) and () with a T that can be decoded into.
template <class F>
consteval bool has_handler_signature() {
  if constexpr (!HasSignature<F>) {
    return false;
  } else {
    using S = Signature<std::decay_t<F>>;
    using First = typename S::template parameter<0>;
    if constexpr (S::count == 0)
      return true;
    else if constexpr (S::count == 1 && is_context<First>)
      return true;
    else if constexpr (S::count > 2)
      return false;
    else if constexpr (S::count == 2 && !is_context<typename S::template parameter<1>>)
      return false;
    else if constexpr (std::is_lvalue_reference_v<First> && !std::is_const_v<std::remove_reference_t<First>>)
      return false;
    else
      return !std::is_pointer_v<std::remove_cvref_t<First>>;
  }
}

/// Calls `function` with what it takes, and sends what it returns.
template <class F>
class TypedHandler final : public Handler {
  using S = Signature<F>;
  using Returned = std::remove_cvref_t<typename S::result>;
  static constexpr bool k_takes_payload = S::count > 0 && !is_context<typename S::template parameter<0>>;
  struct Nothing {};
  template <bool, class P>
  struct ArgumentOf {
    using type = Nothing;
  };
  template <class P>
  struct ArgumentOf<true, P> {
    using type = std::remove_cvref_t<P>;
  };
  using Argument = typename ArgumentOf<k_takes_payload, typename S::template parameter<0>>::type;
  static constexpr bool k_is_lent = std::is_lvalue_reference_v<typename S::template parameter<0>>;
  static constexpr bool k_takes_context = S::count > (k_takes_payload ? 1u : 0u);

 public:
  explicit TypedHandler(F function) : function_(std::move(function)) {}

  bool is_immediate() const noexcept override { return !IsAwaitable<Returned> && !IsStream<Returned>; }
  HandlerTypes types() const noexcept override {
    HandlerTypes types{nullptr, type_of_returned<Returned>(), IsStream<Returned>};
    if constexpr (k_takes_payload) types.argument = &type_of<Argument>;
    return types;
  }

  void call(Invocation& invocation) override {
    if constexpr (!IsAwaitable<Returned> && !IsStream<Returned>) {
      Argument argument = decode(invocation);
      if constexpr (std::is_void_v<Returned>) {
        invoke(function_, argument, invocation);
        invocation.reply_end();
      } else {
        const auto& result = invoke(function_, argument, invocation);  // a reference to what was lent is not copied
        invocation.reply(ValueRef::of(result));
      }
    }
  }

  asio::awaitable<void> start(Invocation& invocation) override {
    if constexpr (IsAwaitable<Returned> || IsStream<Returned>) {
      return run(function_, invocation, decode(invocation));
    } else {
      return run_immediate(*this, invocation);
    }
  }

 private:
  static Argument decode(const Invocation& invocation) {
    if constexpr (std::is_same_v<Argument, Payload>) {
      // Lent to who only looks, owned by who may keep it.
      return invocation.argument(k_is_lent ? Invocation::Keep::borrowed : Invocation::Keep::owned);
    } else {
      Argument argument{};
      if constexpr (k_takes_payload) invocation.decode(ValueOut::of(argument));
      return argument;
    }
  }

  static decltype(auto) invoke(F& function, [[maybe_unused]] Argument& argument, [[maybe_unused]] Context& context) {
    if constexpr (k_takes_payload && k_takes_context)
      return function(pass(argument), context);
    else if constexpr (k_takes_payload)
      return function(pass(argument));
    else if constexpr (k_takes_context)
      return function(context);
    else
      return function();
  }
  /// By value or by && the argument is given away, by const& it is lent.
  static decltype(auto) pass(Argument& argument) {
    if constexpr (k_is_lent)
      return static_cast<const Argument&>(argument);
    else
      return std::move(argument);
  }

  /// Its frame owns the argument, which the handler's coroutine refers to.
  static asio::awaitable<void> run(F& function, Invocation& invocation, Argument argument) {
    auto work = invoke(function, argument, invocation);
    if constexpr (IsStream<Returned>) {
      co_await invocation.reply_all(std::move(work).release());
    } else if constexpr (std::is_void_v<typename AwaitableValue<Returned>::type>) {
      co_await std::move(work);
      invocation.reply_end();
    } else {
      const typename AwaitableValue<Returned>::type result = co_await std::move(work);
      invocation.reply(ValueRef::of(result));
    }
  }
  static asio::awaitable<void> run_immediate(TypedHandler& self, Invocation& invocation) {
    self.call(invocation);
    co_return;
  }

  F function_;
};

template <class F>
std::unique_ptr<Handler> make_handler(F&& function) {
  using Function = std::decay_t<F>;
  static_assert(has_handler_signature<F>(),
                "waybill: a handler is a callable that takes (T), (T, Context&), (Context&) or (), where T is taken by "
                "value or by const reference, and is neither a template nor a pointer");
  if constexpr (has_handler_signature<F>()) {
    return std::make_unique<TypedHandler<Function>>(std::forward<F>(function));
  } else {
    return nullptr;
  }
}

}  // namespace waybill::detail
