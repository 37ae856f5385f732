// From any callable to the one form that the router calls: decode the payload, call, encode what comes back.
#pragma once

#include "waybill/context.hpp"
#include "waybill/detail/exchange.hpp"
#include "waybill/fields.hpp"
#include "waybill/payload.hpp"
#include "waybill/stream.hpp"

#include <asio/awaitable.hpp>

#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>

namespace waybill::detail {

/// A handler without its types. Called on the executor of its listener (or of the handler pool); exceptions that leave
/// it are the router's.
class Handler {
 public:
  enum class Kind {
    immediate,  ///< call() does everything.
    awaitable,  ///< start() decodes, the awaitable does the rest.
    stream,     ///< open_stream() decodes, the source gives the values.
  };
  virtual ~Handler() = default;
  virtual Kind kind() const noexcept = 0;
  virtual void call(Exchange&) {}
  /// The exchange is on the heap and outlives the awaitable.
  virtual asio::awaitable<void> start(Exchange& exchange) = 0;
  virtual std::unique_ptr<StreamSource> open_stream(Exchange&) { return nullptr; }
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
struct IsStreamTrait<Stream<T>> : std::true_type {};
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
  static constexpr bool k_takes_context = S::count > (k_takes_payload ? 1u : 0u);

 public:
  explicit TypedHandler(F function) : function_(std::move(function)) {}

  Kind kind() const noexcept override {
    if (IsAwaitable<Returned>) return Kind::awaitable;
    return IsStream<Returned> ? Kind::stream : Kind::immediate;
  }

  void call(Exchange& exchange) override {
    if constexpr (!IsAwaitable<Returned> && !IsStream<Returned>) {
      Argument argument = decode(exchange);
      Context context = exchange.context();
      if constexpr (std::is_void_v<Returned>) {
        invoke(argument, context);
        exchange.reply_end();
      } else {
        const Returned result = invoke(argument, context);
        exchange.reply(ValueRef::of(result), true);
      }
    }
  }

  asio::awaitable<void> start(Exchange& exchange) override {
    if constexpr (IsAwaitable<Returned>) {
      return run(function_, exchange, decode(exchange));
    } else {
      return run_immediate(*this, exchange);
    }
  }

  std::unique_ptr<StreamSource> open_stream(Exchange& exchange) override {
    if constexpr (IsStream<Returned>) {
      // The coroutine refers to its argument and its context: they live with it.
      auto held = std::make_unique<HeldStream>(exchange, decode(exchange));
      held->source = invoke(held->argument, held->context).release_source();
      return held;
    } else {
      return nullptr;
    }
  }

 private:
  struct HeldStream final : StreamSource {
    HeldStream(Exchange& exchange, Argument value) : argument(std::move(value)), context(exchange.context()) {}
    Step advance(const asio::any_io_executor& executor, void (*on_progress)(void*, Step), void* who) override {
      return source->advance(executor, on_progress, who);
    }
    ValueRef value() const noexcept override { return source->value(); }
    std::exception_ptr take_exception() noexcept override { return source->take_exception(); }
    Argument argument;
    Context context;
    std::unique_ptr<StreamSource> source;
  };

  static Argument decode(const Exchange& exchange) {
    if constexpr (std::is_same_v<Argument, Payload>) {
      return exchange.payload();  // nobody looks into it
    } else {
      Argument argument{};
      if constexpr (k_takes_payload) exchange.decode(ValueOut::of(argument));
      return argument;
    }
  }

  decltype(auto) invoke(Argument& argument, Context& context) { return invoke(function_, argument, context); }
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
    if constexpr (std::is_lvalue_reference_v<typename S::template parameter<0>>)
      return static_cast<const Argument&>(argument);
    else
      return std::move(argument);
  }

  static asio::awaitable<void> run(F& function, Exchange& exchange, Argument argument) {
    Context context = exchange.context();
    auto work = invoke(function, argument, context);
    using Value = typename AwaitableValue<Returned>::type;
    if constexpr (std::is_void_v<Value>) {
      co_await std::move(work);
      exchange.reply_end();
    } else {
      const Value result = co_await std::move(work);
      exchange.reply(ValueRef::of(result), true);
    }
  }
  static asio::awaitable<void> run_immediate(TypedHandler& self, Exchange& exchange) {
    self.call(exchange);
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
