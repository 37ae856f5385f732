// The one reconnect engine: opens a link, waits until it is lost, opens it again. Transports never do this themselves.
#pragma once

#include "waybill/config.hpp"
#include "waybill/detail/backoff.hpp"
#include "waybill/result.hpp"

#include <asio/awaitable.hpp>
#include <asio/steady_timer.hpp>

#include <functional>
#include <memory>
#include <optional>

namespace waybill::detail {

/// Keeps one link open. Threads: all on the executor.
class Reconnect : public std::enable_shared_from_this<Reconnect> {
 public:
  /// The link's owner. Outlives the engine's last call; stop() ends the calls.
  class Host {
   public:
    virtual asio::awaitable<Result<void>> open_link() = 0;
    virtual void on_link_ready() = 0;
    /// `retry_in` is empty when the failure is final: the engine has stopped.
    virtual void on_link_failed(const Error& error, std::optional<std::chrono::milliseconds> retry_in) = 0;

   protected:
    ~Host() = default;
  };

  Reconnect(asio::any_io_executor executor, std::shared_ptr<Host> host);

  /// Opens the link for the first time, as `startup` says, and keeps it open from then on. Completes when the link is
  /// ready, when it surely will not be, or at once (background).
  asio::awaitable<Result<void>> start(Startup startup);
  /// Opens after the pause and keeps open, without anybody waiting for it.
  void start_in_background(std::chrono::milliseconds pause = {});
  /// The link says that it is gone.
  void lost();
  void stop();
  bool is_running() const noexcept { return running_; }

 private:
  asio::awaitable<void> keep_open(std::shared_ptr<Reconnect> self, bool is_open, std::chrono::milliseconds pause);
  asio::awaitable<Result<void>> try_once();
  std::weak_ptr<Host> host_;
  asio::steady_timer wake_;
  Backoff backoff_;
  bool running_ = false;
  bool stopped_ = false;
  bool lost_ = false;
};

/// True for failures that trying again cannot mend: wrong password, wrong option, something the carrier cannot do.
bool is_fatal(const Error& error) noexcept;

}  // namespace waybill::detail
