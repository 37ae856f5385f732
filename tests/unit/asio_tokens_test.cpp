// Every operation with every completion token of Asio's, and cancelled in every way.
#include "waybill/detail/asio.hpp"
#include "waybill/testing.hpp"

#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/experimental/awaitable_operators.hpp>
#include <asio/post.hpp>
#include <asio/redirect_error.hpp>
#include <asio/use_future.hpp>
#include <gtest/gtest.h>

#if __has_include(<asio/deferred.hpp>)
#include <asio/deferred.hpp>
#define WAYBILL_DEFERRED asio::deferred
#else
#include <asio/experimental/deferred.hpp>
#define WAYBILL_DEFERRED asio::experimental::deferred
#endif
#if __has_include(<asio/cancel_after.hpp>)
#include <asio/cancel_after.hpp>
#endif

#include <future>
#include <memory>
#include <optional>
#include <thread>
#include <tuple>

namespace waybill {
namespace {

using namespace std::chrono_literals;
using asio::experimental::awaitable_operators::operator||;

/// A service whose `echo` answers and whose `never` does not, and a client of it.
class Ground {
 public:
  explicit Ground(bool starts = true) {
    service.on_request("echo", [](int value) { return value; });
    service.on_request("never", [](Context& context) -> asio::awaitable<int> {
      Timer timer(context.executor());
      co_await timer.async_wait();
      co_return 0;
    });
    service.on_request("rows", [](int count, Context& context) -> Stream<int> {
      for (int i = 0; i < count; ++i) co_yield i;
      Timer timer(context.executor());
      co_await timer.async_wait();
    });
    service.on_event("tick", [](int) {});
    if (starts) bed.run(service.start());
  }
  ~Ground() {
    bed.broker().thaw();
    rows.reset();
    client.close();
    service.close();
  }
  TestBed bed;
  Service service{bed.executor(), bed.config(), bed.registry()};
  Client client = bed.client();
  std::optional<ReplyStream<int>> rows;
};

// The operations: one that succeeds at once, and one that waits for ever.
struct Request {
  using Value = int;
  static void hold_up(Ground&) {}
  template <class Token>
  static auto run(Ground& ground, bool ends, Token&& token) {
    return ground.client.request<int>(ends ? "echo" : "never", 1, std::forward<Token>(token));
  }
};
struct Emit {
  using Value = Accepted;
  static void hold_up(Ground& ground) {
    ground.bed.run(ground.client.connect());
    ground.bed.broker().freeze();
  }
  template <class Token>
  static auto run(Ground& ground, bool, Token&& token) {
    return ground.client.emit("tick", 1, std::forward<Token>(token));
  }
};
struct Next {
  using Value = std::optional<int>;
  static void hold_up(Ground&) {}
  template <class Token>
  static auto run(Ground& ground, bool ends, Token&& token) {
    ground.rows.emplace(ground.client.stream<int>("rows", ends ? 3 : 0));
    return ground.rows->next(std::forward<Token>(token));
  }
};
struct Connect {
  using Value = void;
  static void hold_up(Ground& ground) { ground.bed.broker().freeze(); }
  template <class Token>
  static auto run(Ground& ground, bool, Token&& token) {
    return ground.client.connect(std::forward<Token>(token));
  }
};
struct Flush {
  using Value = void;
  static void hold_up(Ground& ground) {
    ground.bed.run(ground.client.connect());
    ground.bed.broker().freeze();
    ground.client.emit("tick", 1, asio::detached);
  }
  template <class Token>
  static auto run(Ground& ground, bool, Token&& token) {
    return ground.client.flush(std::forward<Token>(token));
  }
};
struct Start {
  using Value = void;
  static void hold_up(Ground& ground) { ground.bed.broker().freeze(); }
  template <class Token>
  static auto run(Ground& ground, bool, Token&& token) {
    return ground.service.start(std::forward<Token>(token));
  }
};
struct Drain {
  using Value = DrainReport;
  static void hold_up(Ground& ground) {
    ground.client.request<int>("never", 1, asio::detached);
    ground.bed.settle();
  }
  template <class Token>
  static auto run(Ground& ground, bool, Token&& token) {
    return ground.service.drain(10min, std::forward<Token>(token));
  }
};

template <class Operation>
class Tokens : public testing::Test {
 protected:
  static constexpr bool k_is_start = std::is_same_v<Operation, Start>;
  Ground ground{!k_is_start};
};
using Operations = testing::Types<Request, Emit, Next, Connect, Flush, Start, Drain>;
TYPED_TEST_SUITE(Tokens, Operations);

TYPED_TEST(Tokens, Callback) {
  bool is_good = false;
  TypeParam::run(this->ground, true, [&](const Result<typename TypeParam::Value>& result) { is_good = !!result; });
  EXPECT_TRUE(this->ground.bed.eventually([&] { return is_good; }));
}

TYPED_TEST(Tokens, UseAwaitable) { this->ground.bed.run(TypeParam::run(this->ground, true, asio::use_awaitable)); }

TYPED_TEST(Tokens, UseFuture) {
  auto future = TypeParam::run(this->ground, true, asio::use_future);
  EXPECT_TRUE(this->ground.bed.eventually([&] { return future.wait_for(0s) == std::future_status::ready; }));
  future.get();
}

TYPED_TEST(Tokens, Deferred) {
  bool is_good = false;
  auto later = TypeParam::run(this->ground, true, WAYBILL_DEFERRED);
  std::move(later)([&](const Result<typename TypeParam::Value>& result) { is_good = !!result; });
  EXPECT_TRUE(this->ground.bed.eventually([&] { return is_good; }));
}

template <class Operation>
asio::awaitable<bool> as_a_tuple(Ground& ground) {
  const auto outcome = co_await Operation::run(ground, true, detail::as_tuple(asio::use_awaitable));
  const auto& result = std::get<0>(outcome);
  if constexpr (std::is_convertible_v<decltype(result), std::exception_ptr>)
    co_return !result;
  else
    co_return !!result;
}
TYPED_TEST(Tokens, AsTuple) { EXPECT_TRUE(this->ground.bed.run(as_a_tuple<TypeParam>(this->ground))); }

template <class Operation>
asio::awaitable<std::error_code> redirected(Ground& ground, bool ends) {
  std::error_code code = make_error_code(std::errc::interrupted);
  co_await Operation::run(ground, ends, asio::redirect_error(asio::use_awaitable, code));
  co_return code;
}

TYPED_TEST(Tokens, RedirectError) { EXPECT_FALSE(this->ground.bed.run(redirected<TypeParam>(this->ground, true))); }

TYPED_TEST(Tokens, RedirectErrorOfACallback) {
  std::error_code code = make_error_code(std::errc::interrupted);
  std::promise<std::thread::id> called;
  auto future = called.get_future();
  TypeParam::run(this->ground, true,
                 asio::redirect_error([&](auto&&...) { called.set_value(std::this_thread::get_id()); }, code));
  ASSERT_TRUE(this->ground.bed.eventually([&] { return future.wait_for(0s) == std::future_status::ready; }));
  EXPECT_EQ(future.get(), std::this_thread::get_id());
  EXPECT_FALSE(code) << code.message();
}

TYPED_TEST(Tokens, Detached) {
  TypeParam::run(this->ground, true, asio::detached);
  this->ground.bed.settle();
}

TYPED_TEST(Tokens, NothingIsCalledFromWithin) {
  bool is_called = false;
  bool was_called_within = true;
  asio::post(this->ground.bed.loop(), [&] {
    TypeParam::run(this->ground, true, [&](const Result<typename TypeParam::Value>&) { is_called = true; });
    was_called_within = is_called;
  });
  EXPECT_TRUE(this->ground.bed.eventually([&] { return is_called; }));
  EXPECT_FALSE(was_called_within);
}

template <class Operation>
void cancel_by(asio::cancellation_type type) {
  Ground ground(!std::is_same_v<Operation, Start>);
  Operation::hold_up(ground);
  asio::cancellation_signal signal;
  std::optional<Error> error;
  Operation::run(ground, false,
                 asio::bind_cancellation_slot(signal.slot(), [&](const Result<typename Operation::Value>& result) {
                   if (!result) error = result.error();
                 }));
  ground.bed.settle();
  EXPECT_FALSE(error) << error->what();
  signal.emit(type);
  ground.bed.settle();
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), errc::cancelled) << error->what();
}

TYPED_TEST(Tokens, ASlotCancelsByEachType) {
  cancel_by<TypeParam>(asio::cancellation_type::terminal);
  cancel_by<TypeParam>(asio::cancellation_type::partial);
  cancel_by<TypeParam>(asio::cancellation_type::total);
}

template <class Operation>
asio::awaitable<std::size_t> beside_a_timer(Ground& ground) {
  auto work = Operation::run(ground, false, asio::use_awaitable);
  Timer timer(ground.bed.executor(), 10ms);
  auto wait = detail::wait_quietly(timer);
  const auto first = co_await (std::move(work) || std::move(wait));
  co_return first.index();
}

TYPED_TEST(Tokens, ATimerBesideItCancels) {
  TypeParam::hold_up(this->ground);
  EXPECT_EQ(this->ground.bed.run(beside_a_timer<TypeParam>(this->ground)), 1u);
  EXPECT_LT(this->ground.bed.time().now(), 20ms);
}

#if __has_include(<asio/cancel_after.hpp>)
TYPED_TEST(Tokens, CancelAfter) {
  TypeParam::hold_up(this->ground);
  std::optional<Error> error;
  TypeParam::run(this->ground, false, asio::cancel_after(10ms, [&](const Result<typename TypeParam::Value>& result) {
                   if (!result) error = result.error();
                 }));
  const auto give_up = std::chrono::steady_clock::now() + 20s;  // its timer is Asio's own
  while (!error && std::chrono::steady_clock::now() < give_up) this->ground.bed.loop().run_one_for(5ms);
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), errc::cancelled) << error->what();
}
#endif

}  // namespace
}  // namespace waybill
