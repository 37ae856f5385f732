#include <coroutine>
#include <exception>
#include <string>

struct Numbers {
  struct promise_type {
    int value = 0;
    Numbers get_return_object() { return {std::coroutine_handle<promise_type>::from_promise(*this)}; }
    std::suspend_always initial_suspend() noexcept { return {}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    std::suspend_always yield_value(int n) noexcept {
      value = n;
      return {};
    }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
  };
  std::coroutine_handle<promise_type> handle;
};

static Numbers count(const std::string& text) {
  for (const char letter : text) co_yield letter - '0';
}

int sum(const std::string& digits) {
  Numbers numbers = count(digits);
  int total = 0;
  for (numbers.handle.resume(); !numbers.handle.done(); numbers.handle.resume())
    total += numbers.handle.promise().value;
  numbers.handle.destroy();
  return total;
}
