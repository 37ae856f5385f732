// The one reconnect engine: opens a link, waits until it is lost, opens it again. Transports never do this themselves.
#pragma once

#include "link/link_life.hpp"
#include "waybill/config.hpp"
#include "waybill/result.hpp"
#include "waybill/time.hpp"

#include <asio/awaitable.hpp>

#include <functional>
#include <memory>
#include <optional>

namespace waybill::detail {

/// Keeps one link open: drives LinkLife, which decides. Threads: all on the executor.
class Reconnect : public std::enable_shared_from_this<Reconnect> {
 public:
  /// The link's owner. Outlives the engine's last call; stop() ends the calls, but for on_link_lost of an open link.
  /// An exception out of open_link() is a failure to open like any other; one out of the others is thrown from the loop.
  class Host {
   public:
    virtual asio::awaitable<Result<void>> open_link() = 0;
    virtual void on_link_ready() = 0;
    /// After on_link_ready, once.
    virtual void on_link_lost(const Error& error) = 0;
    /// `retry_in` is empty when the failure is final: the engine has stopped.
    virtual void on_link_failed(const Error& error, std::optional<std::chrono::milliseconds> retry_in) = 0;

   protected:
    ~Host() = default;
  };

  Reconnect(asio::any_io_executor executor, std::shared_ptr<Host> host);

  /// Opens the link for the first time, as `startup` says, and keeps it open from then on. Completes when the link is
  /// ready, when it surely will not be, or at once (background).
  asio::awaitable<Result<void>> start(Startup startup);
  /// Opens after the pause and keeps open, without anybody waiting for it. Where this is waiting for its first attempt,
  /// the shorter pause counts.
  void start_in_background(std::chrono::milliseconds pause = {});
  /// The link says that it is gone; whether it counted as open is decided here. Called again for the same link it does
  /// nothing.
  void lost(const Error& error);
  void stop();
  bool is_running() const noexcept { return running_; }

 private:
  asio::awaitable<void> keep_open(std::shared_ptr<Reconnect> self);
  asio::awaitable<Result<void>> try_once();
  asio::awaitable<void> wait_for_loss();
  /// False: stopped meanwhile.
  asio::awaitable<bool> wait(std::chrono::milliseconds pause);
  void begin_keeping_open();
  template <class Tell>
  void tell(Tell tell);
  std::weak_ptr<Host> host_;
  Timer wake_;
  LinkLife life_;
  Error loss_;
  TimePoint first_attempt_{};  ///< In the background: not before.
  bool running_ = false;
  bool stopped_ = false;
};

/// True for failures that trying again cannot mend: wrong password, wrong option, something the carrier cannot do.
bool is_fatal(const Error& error) noexcept;

/// Throws `thrown` from the executor's loop, as if a handler of its own had thrown it: whoever runs the loop sees it, and
/// what was under way here goes on.
void throw_from_loop(const asio::any_io_executor& executor, std::exception_ptr thrown);

}  // namespace waybill::detail
