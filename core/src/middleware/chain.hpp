// What the chains of both sides do with one middleware.
#pragma once

#include "waybill/middleware.hpp"

namespace waybill::detail {

/// A coroutine that does nothing else.
asio::awaitable<Result<void>> ended_with(Error error);
/// The same for who calls on when the message, or the call, has its end.
asio::awaitable<Result<void>> ended_before();
/// A middleware that returns no coroutine ends its message with errc::internal.
asio::awaitable<Result<void>> run_one(const Middleware& middleware, Context& context, Next next);

}  // namespace waybill::detail
