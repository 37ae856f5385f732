// Opening: from a URL's hosts to a link whose owner says that it is ready.
#pragma once

#include "link.hpp"
#include "waybill/detail/asio.hpp"
#include "waybill/transports/socket/dial.hpp"
#include "waybill/transports/socket/tls.hpp"

#include <memory>
#include <optional>
#include <string>

namespace waybill::amqp {

/// One attempt. Its owner gets the link as soon as there is one, declares what it needs when the session opens, and
/// calls finish(); losing the link is its word, too.
///
/// Threads: one executor. Lifetime: shared by run() and the owner.
class Opening : public std::enable_shared_from_this<Opening> {
 public:
  class Owner : public LinkUser {
   public:
    virtual void on_link(socket::Ref<Link> link) = 0;

   protected:
    ~Owner() = default;
  };

  Opening(asio::any_io_executor executor, const Options& options);

  /// `owner` must live until cancel() or the end. `role`: "service", "client", for the broker's list of connections.
  /// Errors: refused, unauthorized, invalid_config, closed; whatever finish() was given.
  static asio::awaitable<Result<void>> run(std::shared_ptr<Opening> self, Owner& owner, std::string role);
  void finish(Result<void> outcome) { step_->set(std::move(outcome)); }
  bool is_cancelled() const noexcept { return is_cancelled_; }
  void cancel();

 private:
  using Step = detail::Arrival<Result<void>>;
  asio::any_io_executor executor_;
  const Options options_;
  std::shared_ptr<socket::Dial> dial_;
  std::shared_ptr<Step> step_;
  bool is_cancelled_ = false;
};

/// What makes an error of an attempt to open: nothing was sent, so it was surely not taken; and only what stays wrong
/// ends the attempts. `is_first`: the very first one: a wrong name or option shows here, and later it is the broker
/// that changed, which may change back.
Error opening_error(const Error& error, bool is_first);

}  // namespace waybill::amqp
