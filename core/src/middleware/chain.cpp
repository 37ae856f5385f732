#include "middleware/chain.hpp"

#include <utility>

namespace waybill {

namespace detail {

asio::awaitable<Result<void>> ended_with(Error error) { co_return error; }

asio::awaitable<Result<void>> ended_before() {
  return ended_with(Error(errc::cancelled, "next() was called when its message had its end", End::rejected));
}

asio::awaitable<Result<void>> run_one(const Middleware& middleware, Context& context, Next next) {
  auto run = middleware.run(context, std::move(next));
  if (run.valid()) return run;
  return ended_with(
      Error(errc::internal, "the middleware " + middleware.name + " returned no coroutine", End::rejected));
}

}  // namespace detail

asio::awaitable<Result<void>> Next::operator()() const {
  return chain_ ? chain_->run_from(place_) : detail::ended_before();
}

}  // namespace waybill
