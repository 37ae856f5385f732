// One outcome that a callback of librdkafka brings and a coroutine waits for, with a deadline.
#pragma once

#include "waybill/detail/asio.hpp"
#include "waybill/result.hpp"

#include <chrono>
#include <memory>

namespace waybill::kafka {

using Step = waybill::detail::Arrival<Result<void>>;

/// The step's outcome; `late` if it has none after `limit`. Errors: cancelled, and those of the step.
asio::awaitable<Result<void>> wait(std::shared_ptr<Step> step, asio::any_io_executor executor,
                                   std::chrono::milliseconds limit, Error late);

}  // namespace waybill::kafka
