// Who must let go of coroutines when their loop is destroyed.
#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/execution_context.hpp>

#include <memory>
#include <mutex>
#include <vector>

namespace waybill::detail {

/// Tells of the end of an execution context. What waits for a timer or a socket goes with it; a coroutine that is
/// kept outside of Asio's queues, and may itself own who keeps it, would stay for ever.
///
/// Threads: any.
class ContextEnd final : public asio::execution_context::service {
 public:
  class Guest {
   public:
    /// Destroys, and does not call, all that waits. On the thread that destroys the context; its executor still takes work.
    virtual void context_ends() noexcept = 0;

   protected:
    ~Guest() = default;
  };
  static void tell(const asio::any_io_executor& executor, const std::shared_ptr<Guest>& guest);

  static inline asio::execution_context::id id;
  explicit ContextEnd(asio::execution_context& context) : service(context) {}

 private:
  void add(const std::shared_ptr<Guest>& guest);
  void shutdown() override;

  std::mutex mutex_;
  std::vector<std::weak_ptr<Guest>> guests_;
  std::size_t prunes_at_ = 16;
};

}  // namespace waybill::detail
