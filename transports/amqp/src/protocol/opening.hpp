// Opening: from a URL's hosts to a link whose owner says that it is ready.
#pragma once

#include "protocol/link.hpp"
#include "waybill/detail/asio.hpp"
#include "waybill/transports/socket/dial.hpp"
#include "waybill/transports/socket/tls.hpp"

#include <memory>
#include <optional>
#include <string>

namespace waybill::amqp {

/// One attempt. Its owner gets the link as soon as there is one, tells of the session by logged_in(), and is then asked to
/// set up what it needs. All of it has one deadline, which ends the link.
///
/// Threads: one executor. Lifetime: shared by run() and the owner.
class Opening : public std::enable_shared_from_this<Opening> {
 public:
  class Owner : public LinkUser {
   public:
    virtual void on_link(socket::Ref<Link> link) = 0;
    /// Completes when all is declared. Fails, in time, when the link is lost.
    virtual asio::awaitable<Result<void>> set_up() = 0;

   protected:
    ~Owner() = default;
  };

  /// `is_first`: nothing was ever opened there, so a wrong name or option, or another server, is a mistake of the URL; later
  /// it is the broker that changed, which may change back. A server that has said nothing until the deadline is then
  /// greeted in other ways; before, it may only be slow.
  Opening(asio::any_io_executor executor, const Options& options, bool is_first);

  /// `owner` must live until cancel() or the end. `role`: "service", "client", for the broker's list of connections.
  /// Errors: refused, and what ends the attempts: unauthorized, invalid_config, unsupported, closed.
  static asio::awaitable<Result<void>> run(std::shared_ptr<Opening> self, Owner& owner, std::string role);
  /// The session is open, or the link is lost. What comes later is of no interest here.
  void logged_in(Result<void> outcome) { step_->set(std::move(outcome)); }
  bool is_cancelled() const noexcept { return is_cancelled_; }
  void cancel();

 private:
  static asio::awaitable<Result<void>> attempt(std::shared_ptr<Opening> self, Owner& owner, std::string role);
  using Step = detail::Arrival<Result<void>>;
  asio::any_io_executor executor_;
  const Options options_;
  const bool is_first_;
  std::shared_ptr<socket::Dial> dial_;
  std::shared_ptr<Step> step_;
  bool is_cancelled_ = false;
  bool was_heard_ = false;  ///< It is a broker; how it answered is another matter.
};

}  // namespace waybill::amqp
