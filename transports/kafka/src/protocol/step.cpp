#include "protocol/step.hpp"

namespace waybill::kafka {

asio::awaitable<Result<void>> wait(std::shared_ptr<Step> step, asio::any_io_executor executor,
                                   std::chrono::milliseconds limit, Error late) {
  asio::steady_timer timer(executor, limit);
  timer.async_wait([step, late](std::error_code ec) {
    if (!ec) step->set(late);
  });
  std::optional<Result<void>> outcome = co_await Step::wait(step);
  if (!outcome) co_return Error(errc::cancelled, "opening was cancelled", End::rejected);
  co_return *std::move(outcome);
}

}  // namespace waybill::kafka
